import { describe, expect, it } from 'vitest';
import { evaluate } from '../lib/backends/evaluate.ts';
import { cpuInfo, zeros } from '../lib/index.ts';
import { operatorNamed } from './support/oracle.ts';
import { runningThreads, testThreads } from './support/threads.ts';

const native = cpuInfo().addon !== null;
if (!native) console.log('skipped: the threads of the pool, no addon is built');

/** A product with work for many threads. */
function multiply(threads: number): void {
  const [a, b] = [zeros([512, 512]), zeros([512, 512])];
  const attributes = { transposeA: false, transposeB: false };
  evaluate(operatorNamed('matmul'), [a, b], attributes, { backend: 'native', threads });
}

describe.skipIf(!native)('the pool of the tests', () => {
  it('has more threads than the machine may have cores', () => {
    expect(cpuInfo().threads).toBe(testThreads);
  });

  it.skipIf(runningThreads() === null)('starts as many as a Program asks for', () => {
    const before = runningThreads() as number;
    multiply(1);
    expect(runningThreads()).toBe(before);
    for (const threads of [2, 3, 8]) {
      multiply(threads);
      expect(runningThreads(), `${threads} threads`).toBe(before + threads - 1);
    }
    multiply(2 * testThreads);
    expect(runningThreads(), 'a bound above the pool').toBe(before + testThreads - 1);
  });
});
