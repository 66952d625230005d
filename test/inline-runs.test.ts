import { describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { countWork, runInline, runsInline } from '../lib/backends/inline.ts';
import { NativeExecutable } from '../lib/backends/native.ts';
import { Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import { random } from './support/graphs.ts';

const native = tryAddon() !== null;

/** Batches of up to 4 rows times a weight that is a state. */
function product(features: number, outputs: number): NativeExecutable {
  const tracer = new Tracer();
  const x = tracer.input({ shape: [4, features], dtype: 'float32', batched: true });
  const weight = tracer.input({ shape: [outputs, features], dtype: 'float32' }, 'state');
  return new NativeExecutable(tracer.graph([sn.ops.linear(x, weight)]), {});
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe.runIf(native)('runs of little work on the thread of JavaScript', () => {
  it('counts multiply-adds and elements behind the prologue, by the sample and by the step', () => {
    const { program } = product(16, 64);
    const packed = program.buffers.find(({ kind }) => kind === 'kept')?.shape[0] as number;
    expect(packed).toBeGreaterThanOrEqual(16 * 64);
    expect(countWork(program)).toEqual({ ofSample: 16 * 64 + 16 + 64, ofStep: packed });
  });

  it('are chosen by their work in all steps', async () => {
    await turn();
    const work = { ofSample: 1e5, ofStep: 5e5 };
    const of = (steps: number, batch?: number[]): boolean => {
      const sizes = batch === undefined ? {} : { batch: Int32Array.from(batch) };
      return runsInline(work, 8, { steps, feeds: [], ...sizes });
    };
    expect([of(1), of(1, [8]), of(2), of(2, [4, 6]), of(2, [4, 7]), of(0)]).toEqual([
      ...[true, true, false, true, false, true],
    ]);
  });

  it('end when they took a millisecond of a turn of the event loop', async () => {
    await turn();
    const work = { ofSample: 0, ofStep: 1 };
    const request = { steps: 1, feeds: [] };
    expect(runsInline(work, 1, request)).toBe(true);
    runInline(() => {
      for (const end = performance.now() + 1.5; performance.now() < end; );
    });
    expect(runsInline(work, 1, request)).toBe(false);
    await turn();
    expect(runsInline(work, 1, request)).toBe(true);
  });

  it('starve nobody in a loop of awaits', async () => {
    const program = product(16, 64);
    const feeds = [random([4, 16], 1).data];
    program.write(0, random([64, 16], 2));
    const timers = { fired: 0 };
    const timer = setInterval(() => timers.fired++, 1);
    const end = performance.now() + 5000;
    while (timers.fired < 5 && performance.now() < end) await program.run({ steps: 1, feeds });
    clearInterval(timer);
    expect(timers.fired).toBeGreaterThanOrEqual(5);
    program.dispose();
  });

  it('give what others give, copy their feeds before they return, and reject with a code', async () => {
    const program = product(16, 64);
    const feed = random([4, 16], 1);
    program.write(0, random([64, 16], 2));
    const expected = program.runSync({ steps: 1, feeds: [feed.data] }).fetches;
    for (let i = 0; i < 3; i++) {
      const data = feed.clone().data;
      const running = program.run({ steps: 1, feeds: [data] });
      data.fill(0);
      expect((await running).fetches).toEqual(expected);
    }
    program.dispose();
    await expect(program.run({ steps: 1, feeds: [feed.data] })).rejects.toMatchObject({
      code: 'ERR_DISPOSED',
    });
  });
});
