import { beforeEach, describe, expect, it } from 'vitest';
import type { AddonProgram } from '../lib/backends/addon.ts';
import type { RunRequest } from '../lib/backends/backend.ts';
import type { TypedArray } from '../lib/tensor.ts';
import { addon, built, freeAtTheEnd, request, training, weightsOf } from './support/addonRuns.ts';
import { describeTraining, sizes } from './support/trainingProgram.ts';

// Requests that are wrong, passed straight to the addon.

if (!built) console.log('skipped: wrong requests, no addon is built');
const { batch } = sizes;

let program: AddonProgram;

/** Expects both ways of running to fail with `code`, and the Program to stay usable. */
async function expectBothFail(wrong: unknown, code: string, message: RegExp): Promise<void> {
  const wanted = { code, message: expect.stringMatching(message) };
  expect(() => program.runSync(wrong as RunRequest)).toThrow(expect.objectContaining(wanted));
  await expect(program.run(wrong as RunRequest)).rejects.toMatchObject(wanted);
  expect(program.runSync(request(1)).steps).toBe(1);
}

/** Arrays for the fetches of so many steps, which all have one element. */
function fetchArrays(steps: number): TypedArray[] {
  if (!built) return [];
  return describeTraining()
    .buffers.filter(({ kind }) => kind === 'fetch')
    .map(({ dtype }) => (dtype === 'float32' ? new Float32Array(steps) : new Int32Array(steps)));
}

/** A resizable buffer, which the types of this language level do not know yet. */
function resizableBuffer(bytes: number): ArrayBuffer & { resize(bytes: number): void } {
  const Resizable = ArrayBuffer as unknown as new (
    bytes: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(bytes: number): void };
  return new Resizable(bytes, { maxByteLength: bytes });
}

function detached<T extends TypedArray>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

freeAtTheEnd();

beforeEach((context) => {
  if (!built) context.skip();
  program = training();
});

describe('a request is refused for', () => {
  it.each([
    ['no object', undefined, /request/],
    ['null', null, /request/],
    ['no steps', request(1, { steps: undefined }), /steps/],
    ['−1 steps', request(1, { steps: -1 }), /steps/],
    ['half a step', request(1, { steps: 0.5 }), /steps/],
    ['NaN steps', request(1, { steps: Number.NaN }), /steps/],
    ['2^53 steps', request(1, { steps: 2 ** 53 }), /steps/],
    ['2^31 − 1 steps', request(1, { steps: 2 ** 31 - 1 }), /elements|feeds/],
    ['no feeds', { steps: 1 }, /feeds/],
    ['a feed too few', request(1, { feeds: request(1).feeds.slice(1) }), /feeds/],
    ['a feed too many', request(1, { feeds: [...request(1).feeds, new Float64Array(1)] }), /feeds/],
    ['feeds of other steps', request(1, { feeds: request(2).feeds }), /feeds\[0\]/],
    ['an array as a feed', request(1, { feeds: [[1, 2, 3, 4, 5], null, null] }), /feeds\[0\]/],
    [
      'a DataView as a feed',
      request(1, { feeds: [new DataView(new ArrayBuffer(20)), null, null] }),
      /feeds\[0\]/,
    ],
    [
      'a proxy of a feed',
      request(1, { feeds: [new Proxy(new Int32Array(5), {}), null, null] }),
      /feeds\[0\]/,
    ],
    ['feeds that are no list', request(1, { feeds: { length: 3 } }), /feeds/],
    ['batch sizes of other type', request(1, { batch: [5] }), /batch/],
    ['batch sizes of other length', request(2, { batch: new Int32Array(1) }), /batch/],
    ['a batch above the bound', request(1, { batch: Int32Array.of(batch + 1) }), /batch\[0\]/],
    ['a negative batch', request(2, { batch: Int32Array.of(batch, -1) }), /batch\[1\]/],
    ['into of other length', request(1, { into: [] }), /into/],
    ['into of arrays too long', request(1, { into: fetchArrays(2) }), /into\[0\]/],
    ['into of no arrays', request(1, { into: [null, {}] }), /into\[0\]/],
    ['a negative budget', request(1, { budget: -1 }), /budget/],
    ['a budget of NaN', request(1, { budget: Number.NaN }), /budget/],
    ['a budget of text', request(1, { budget: '5' }), /budget/],
    ['urgency of 1', request(1, { urgent: 1 }), /urgent/],
  ])('%s', (_, wrong, message) => expectBothFail(wrong, 'ERR_ARGUMENT', message));

  it('feeds of another dtype', async () => {
    const feeds = [new Float32Array(batch), ...request(1).feeds.slice(1)];
    await expectBothFail(request(1, { feeds }), 'ERR_DTYPE', /feeds\[0\].*int32/);
    const big = [new BigInt64Array(batch), ...request(1).feeds.slice(1)];
    await expectBothFail(request(1, { feeds: big }), 'ERR_DTYPE', /feeds\[0\]/);
  });

  it('detached, shrunken and shared arrays, in feeds and in batch', async () => {
    const rest = request(1).feeds.slice(1);
    const shared = new Int32Array(new SharedArrayBuffer(4 * batch));
    const resizable = resizableBuffer(4 * batch);
    const shrunken = new Int32Array(resizable);
    const outside = new Int32Array(resizable, 4, batch - 1);
    resizable.resize(4);
    const gone = detached(new Int32Array(batch));
    for (const array of [shared, shrunken, outside, gone]) {
      await expectBothFail(request(1, { feeds: [array, ...rest] }), 'ERR_ARGUMENT', /feeds\[0\]/);
    }
    const sharedBatch = new Int32Array(new SharedArrayBuffer(4));
    await expectBothFail(request(1, { batch: sharedBatch }), 'ERR_ARGUMENT', /batch/);
  });

  it('states: ids, types and lengths', () => {
    const data = new Float32Array(72);
    for (const id of [-1, 8, 12, 99, 0.5, Number.NaN, '0', null, undefined, {}]) {
      const wanted = expect.objectContaining({ code: 'ERR_ARGUMENT' });
      expect(() => program.write(id as number, data), `write ${id}`).toThrow(wanted);
      expect(() => program.read(id as number, data), `read ${id}`).toThrow(wanted);
    }
    const wrong: [unknown, string][] = [
      [new Float64Array(72), 'ERR_DTYPE'],
      [new Float32Array(71), 'ERR_ARGUMENT'],
      [new Float32Array(new SharedArrayBuffer(288)), 'ERR_ARGUMENT'],
      [detached(new Float32Array(72)), 'ERR_ARGUMENT'],
      [[...data], 'ERR_ARGUMENT'],
      [undefined, 'ERR_ARGUMENT'],
    ];
    for (const [array, code] of wrong) {
      const wanted = expect.objectContaining({ code });
      expect(() => program.write(0, array as TypedArray)).toThrow(wanted);
      expect(() => program.read(0, array as TypedArray)).toThrow(wanted);
    }
  });
});

describe('a Program', () => {
  it('copies its inputs before a run returns', async () => {
    const calm = program.runSync(request(3));
    program = training();
    const disturbed = request(3);
    const running = program.run(disturbed);
    for (const feed of disturbed.feeds) {
      feed.fill(-1);
      detached(feed);
    }
    expect((await running).fetches).toEqual(calm.fetches);
  });

  it('survives into arrays that are detached or shrunk while it runs', async () => {
    const spoils: ((shrinking: { resize(bytes: number): void }, into: TypedArray[]) => void)[] = [
      (_, into) => into.forEach(detached),
      (shrinking) => shrinking.resize(8),
    ];
    for (const spoil of spoils) {
      const shrinking = resizableBuffer(4000);
      const into = fetchArrays(1000).map((array) =>
        array instanceof Float32Array ? new Float32Array(shrinking) : array,
      );
      const running = program.run(request(1000, { into }));
      spoil(shrinking, into);
      await expect(running).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
      expect(program.runSync(request(1)).steps).toBe(1);
    }
  });

  it('refuses a second run, reads and writes while it runs', async () => {
    const busy = { code: 'ERR_BUSY' };
    const running = program.run(request(2000));
    await expect(program.run(request(1))).rejects.toMatchObject(busy);
    expect(() => program.runSync(request(1))).toThrow(expect.objectContaining(busy));
    expect(() => program.read(0, new Float32Array(72))).toThrow(expect.objectContaining(busy));
    expect(() => program.write(0, new Float32Array(72))).toThrow(expect.objectContaining(busy));
    expect((await running).steps).toBe(2000);
  });

  it('stops at a step boundary when cancelled, and within its budget', async () => {
    const running = program.run(request(500_000));
    program.cancel();
    const { steps, fetches } = await running;
    expect(steps).toBeLessThan(500_000);
    expect(fetches.map(({ length }) => length)).toEqual([steps, steps]);
    const start = performance.now();
    const budgeted = await program.run(request(500_000, { budget: 20 }));
    expect(budgeted.steps).toBeGreaterThan(0);
    expect(budgeted.steps).toBeLessThan(500_000);
    expect(performance.now() - start).toBeLessThan(2000);
    expect(program.runSync(request(3, { budget: Number.POSITIVE_INFINITY })).steps).toBe(3);
    expect(program.runSync(request(3, { budget: 0 })).steps).toBe(1);
    program.cancel();
    expect(program.runSync(request(3)).steps).toBe(3);
  });

  it('is no longer there after dispose, which may come during a run and twice', async () => {
    const gone = { code: 'ERR_DISPOSED' };
    const running = program.run(request(500_000));
    program.dispose();
    expect((await running).steps).toBeLessThan(500_000);
    program.dispose();
    await expect(program.run(request(1))).rejects.toMatchObject(gone);
    expect(() => program.runSync(request(1))).toThrow(expect.objectContaining(gone));
    expect(() => program.read(0, new Float32Array(72))).toThrow(expect.objectContaining(gone));
    expect(() => program.write(0, new Float32Array(72))).toThrow(expect.objectContaining(gone));
    program.cancel();
  });

  it('survives getters that throw, run it, or dispose of it', async () => {
    const thrown = new Error('thrown by a getter');
    for (const name of ['steps', 'batch', 'feeds', 'into', 'budget', 'urgent']) {
      const withGetter = (get: () => unknown): RunRequest =>
        Object.defineProperty(request(1), name, { get }) as RunRequest;
      const throwing = withGetter(() => {
        throw thrown;
      });
      expect(() => program.runSync(throwing)).toThrow(thrown);
      await expect(program.run(throwing)).rejects.toBe(thrown);
      const values: Record<string, unknown> = { ...request(1) };
      let inner: Promise<unknown> = Promise.resolve();
      const nesting = withGetter(() => {
        inner = program.run(request(1));
        return values[name];
      });
      await expect(program.run(nesting)).rejects.toMatchObject({ code: 'ERR_BUSY' });
      await inner;
      const disposing = withGetter(() => {
        program.dispose();
        return values[name];
      });
      expect(() => program.runSync(disposing)).toThrow(
        expect.objectContaining({ code: 'ERR_DISPOSED' }),
      );
      program = training();
    }
  });

  it('survives setters of prototypes that dispose of it or run it', async () => {
    let calls = 0;
    /** A setter; what the test runner sets while a run is awaited is set as it should be. */
    const meddling = (name: string) =>
      function meddle(this: object, value: unknown): void {
        const caller = new Error().stack?.split('\n')[2] ?? '';
        if (/node_modules|node:/.test(caller)) {
          const plain = { configurable: true, enumerable: true, writable: true };
          Object.defineProperty(this, name, { ...plain, value });
          return;
        }
        calls++;
        program.dispose();
        program.runSync(request(1));
      };
    /** What `body` gives while the prototypes have setters for all that the addon hands out. */
    async function meddled<T>(body: () => T): Promise<Awaited<T>> {
      const places = ['steps', 'fetches', 'code', 'step'].map((name) => [Object.prototype, name]);
      places.push([Array.prototype, '0'], [Array.prototype, '1']);
      for (const [prototype, name] of places) {
        const set = meddling(name as string);
        Object.defineProperty(prototype, name as string, { configurable: true, set });
      }
      try {
        return await body();
      } finally {
        for (const [prototype, name] of places) {
          Reflect.deleteProperty(prototype as object, name as string);
        }
      }
    }
    const [first, second] = [request(2), request(2)];
    const wanted = program.runSync(request(2));
    program = training();
    const sync = await meddled(() => program.runSync(first));
    program = training();
    const running = program.run(second);
    expect(await meddled(() => running)).toEqual(wanted);
    expect(sync).toEqual(wanted);
    const wrong = request(1, { batch: Int32Array.of(-1) });
    const error = await meddled(() => {
      try {
        return program.runSync(wrong);
      } catch (reason) {
        return reason;
      }
    });
    expect(error).toMatchObject({ code: 'ERR_ARGUMENT' });
    expect(calls).toBe(0);
    expect(program.runSync(request(1)).steps).toBe(1);
  });

  it('takes the attributes of instructions from the description alone', () => {
    Object.defineProperty(Object.prototype, 'inherited', {
      configurable: true,
      enumerable: true,
      writable: true,
      value: () => 0,
    });
    try {
      expect(training().runSync(request(1)).steps).toBe(1);
    } finally {
      Reflect.deleteProperty(Object.prototype, 'inherited');
    }
  });

  it('runs no step and a batch of none', () => {
    const before = weightsOf(program);
    const none = program.runSync(request(0));
    expect(none.steps).toBe(0);
    expect(none.fetches.map(({ length }) => length)).toEqual([0, 0]);
    expect(weightsOf(program)).toEqual(before);
    // The mean over no sample is no number, which the Program itself checks.
    expect(() => program.runSync(request(1, { batch: Int32Array.of(0) }))).toThrow(
      expect.objectContaining({ code: 'ERR_NON_FINITE' }),
    );
    expect(weightsOf(program)).toEqual(before);
  });

  it('refuses settings of the pool that are none', () => {
    for (const threads of [0, -1, 1025, 1.5, Number.NaN, '2', null, undefined]) {
      expect(() => addon.setThreads(threads as number)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT' }),
      );
    }
    for (const call of [undefined, null, 5, {}, { op: 'conv2d', inputs: [], outputs: [] }]) {
      expect(() => addon.scratchBytes(call as never)).toThrow(
        expect.objectContaining({ code: expect.stringMatching(/^ERR_(PROGRAM|ARGUMENT)$/) }),
      );
    }
  });
});
