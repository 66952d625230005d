import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { occurrences } from './mutation/mutation.ts';
import { mutations } from './mutation/mutations.ts';

// The faults themselves are tried by `npm run test:mutation`; here the list is kept up to date.
describe('the list of mutations', () => {
  it('has thirty or more, each of its own', () => {
    expect(mutations.length).toBeGreaterThanOrEqual(30);
    expect(new Set(mutations.map(({ fault }) => fault)).size).toBe(mutations.length);
  });

  it.each(mutations.map((mutation) => [mutation.fault, mutation] as const))('%s', (_, mutation) => {
    const file = path.resolve(import.meta.dirname, '../native', mutation.file);
    expect(occurrences(readFileSync(file, 'utf8'), mutation.find), mutation.find).toBe(1);
    expect(mutation.replace).not.toBe(mutation.find);
  });
});
