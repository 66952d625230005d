import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { backends } from './support/networks.ts';

/** Two passes over 2.1 GB: a fit and a loop. */
it.runIf(backends.includes('native'))(
  'data larger than the memory they take',
  async () => {
    const [count, side] = [14_000, 224];
    const file = join(import.meta.dirname, 'support/largeData.ts');
    const settings = ['--import', 'tsx', file, String(count), String(side)];
    const { stdout } = await promisify(execFile)(process.execPath, settings);
    const { bytes, read, before, most, steps } = JSON.parse(stdout);
    expect(bytes).toBeGreaterThan(2e9);
    expect(read).toBe(bytes);
    expect(steps).toBe(Math.ceil(count / 32));
    console.log(
      `resident: ${Math.round(before / 1e6)} MB before, ${Math.round(most / 1e6)} MB at most`,
    );
    expect(most - before).toBeLessThan(0.4e9);
  },
  120_000,
);
