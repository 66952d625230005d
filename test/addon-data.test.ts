import { beforeEach, describe, expect, it } from 'vitest';
import type { AddonProgram } from '../lib/backends/addon.ts';
import type { RunRequest } from '../lib/backends/backend.ts';
import type { TypedArray } from '../lib/tensor.ts';
import {
  built,
  freeAtTheEnd,
  make,
  request,
  states,
  training,
  weightsOf,
} from './support/addonRuns.ts';
import { sizes } from './support/trainingProgram.ts';

// Data that are wrong, passed straight to the addon.

if (!built) console.log('skipped: wrong data, no addon is built');
const { batch, rows, classes } = sizes;

let program: AddonProgram;

freeAtTheEnd();

beforeEach((context) => {
  if (!built) context.skip();
  program = training();
});

describe('data that are wrong end a run with the step, before its updates', () => {
  async function expectStepFails(
    change: (step: number) => RunRequest,
    code: string,
    message: RegExp,
  ): Promise<void> {
    // What two good steps leave is what a run leaves whose third step is wrong.
    program.runSync(request(2));
    const after = weightsOf(program);
    program = training();
    const error = await program.run(change(2)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, step: 2, message: expect.stringMatching(message) });
    expect(weightsOf(program)).toEqual(after);
    expect(program.runSync(request(1)).steps).toBe(1);
  }

  it.each([rows, -1, 2 ** 31 - 1, -(2 ** 31)])('row %d of a data set', async (index) => {
    const change = (step: number): RunRequest => {
      const wrong = request(4);
      (wrong.feeds[0] as Int32Array)[step * batch + 3] = index;
      return wrong;
    };
    await expectStepFails(change, 'ERR_ARGUMENT', new RegExp(`sample 3 .*received ${index}`));
  });

  it('a loss that is not finite', async () => {
    // The second update blows the weights up, which the loss of the third step shows.
    const rates = Float64Array.of(0.01, 1e38, 0.01);
    const wrong = request(3);
    const feeds = [wrong.feeds[0], wrong.feeds[1], rates] as TypedArray[];
    const error = await program.run({ steps: 3, feeds }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_NON_FINITE', step: 2 });
  });

  it('labels out of range', async () => {
    const labels = new Uint8Array(rows);
    labels[6] = classes;
    program.write(states.labels, labels);
    const wanted = { code: 'ERR_ARGUMENT', step: 1, message: expect.stringMatching(/sample 1.*3/) };
    await expect(program.run(request(3))).rejects.toMatchObject(wanted);
    expect(() => program.runSync(request(3))).toThrow(expect.objectContaining(wanted));
  });

  it('winners out of range', () => {
    const geometry = {
      kernelSize: [2, 2],
      stride: [2, 2],
      padding: [1, 0, 1, 0],
      dilation: [1, 1],
    };
    const pooling = make({
      batch: 0,
      arenaBytes: 0,
      buffers: [
        { kind: 'feed', shape: [1, 2, 2, 1], dtype: 'float32' },
        { kind: 'feed', shape: [1, 2, 2, 1], dtype: 'uint8' },
        { kind: 'fetch', shape: [1, 3, 3, 1], dtype: 'float32' },
      ],
      instructions: [
        { op: 'maxPool2dGradient', inputs: [0, 1], outputs: [2], attributes: geometry },
      ],
    });
    const dy = Float32Array.of(1, 2, 3, 4);
    const run = (...winners: number[]) =>
      pooling.runSync({ steps: 1, feeds: [dy, Uint8Array.from(winners)] }).fetches[0];
    expect([...(run(3, 3, 3, 3) ?? [])]).toEqual([1, 0, 2, 0, 0, 0, 3, 0, 4]);
    const wanted = expect.objectContaining({ code: 'ERR_ARGUMENT' });
    for (const winner of [4, 255]) {
      expect(() => run(winner, 3, 3, 3), `winner ${winner}`).toThrow(wanted);
    }
    // Of several, the first.
    expect(() => run(3, 3, 7, 255)).toThrow(/but received 7$/);
    // Cells of the padding have no gradient to take.
    for (const winner of [0, 1, 2]) expect([...(run(winner, 3, 3, 3) ?? [])][0]).toBe(0);
  });
});
