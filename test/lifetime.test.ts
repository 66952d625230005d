import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { unlessLong } from './cases/case.ts';
import { bundle } from './support/bundle.ts';

const native = tryAddon() !== null;
if (!native) console.log('skipped: how long native memory lives, no addon is built');

const mebibyte = 2 ** 20;
let script = '';

beforeAll(async () => {
  script = await bundle('lifetimeProcess.ts');
});

afterAll(() => {
  rmSync(dirname(script), { recursive: true, force: true });
});

async function run(task: string, ...numbers: number[]): Promise<unknown> {
  const settings = ['--expose-gc', script, task, ...numbers.map(String)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, settings);
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe.skipIf(!native)('native memory', { timeout: 900_000 }, () => {
  const [workers, networks, cycles] = unlessLong([4, 3, 3], [32, 4, 20]) as [
    number,
    number,
    number,
  ];

  it(`is gone after ${workers} workers made, trained and disposed of ${networks} networks ${cycles} times`, async () => {
    const ends = (await run('cycles', workers, networks, cycles)) as unknown[];
    expect(ends).toHaveLength(workers);
    for (const end of ends) expect(end).toEqual({ left: { bytes: 0, programs: 0 }, code: 0 });
  });

  const forgotten = unlessLong(300, 10_000);

  it(`does not grow when ${forgotten} networks are trained and forgotten`, async () => {
    const {
      before,
      most,
      after,
      native: left,
    } = (await run('undisposed', forgotten)) as {
      before: number;
      most: number;
      after: number;
      native: { bytes: number };
    };
    const grown = (bytes: number) => `${((bytes - before) / mebibyte).toFixed(1)} MiB`;
    console.log(`resident memory: at most ${grown(most)} more, ${grown(after)} more at the end`);
    expect(after - before).toBeLessThan(64 * mebibyte);
    expect(most - before).toBeLessThan(256 * mebibyte);
    expect(left.bytes).toBeLessThan(mebibyte);
  });
});
