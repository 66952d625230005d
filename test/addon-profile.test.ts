import { describe, expect, it } from 'vitest';
import { addon, built, freeAtTheEnd, request, training } from './support/addonRuns.ts';
import { describeTraining } from './support/trainingProgram.ts';

if (!built) console.log('skipped: profiles, no addon is built');

describe.skipIf(!built)('profile', () => {
  freeAtTheEnd();

  it('is seconds of each instruction, added up over runs', () => {
    const description = describeTraining();
    const program = new addon.Program({ ...description, profile: true });
    expect([...program.seconds()]).toEqual(description.instructions.map(() => 0));
    program.runSync(request(3));
    const first = program.seconds();
    expect(Math.min(...first)).toBeGreaterThan(0);
    program.runSync(request(1));
    const second = program.seconds();
    second.forEach((seconds, i) => {
      expect(seconds).toBeGreaterThan(first[i] as number);
    });
    program.dispose();
    expect(() => program.seconds()).toThrow(expect.objectContaining({ code: 'ERR_DISPOSED' }));
  });

  it('is empty unless asked for, and refuses what is no boolean', () => {
    expect(training().seconds()).toHaveLength(0);
    const wrong = { ...describeTraining(), profile: 1 };
    expect(() => new addon.Program(wrong)).toThrow(
      expect.objectContaining({ code: 'ERR_PROGRAM' }),
    );
  });
});
