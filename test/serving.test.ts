import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { random } from './support/graphs.ts';

const backends: sn.BackendName[] =
  sn.cpuInfo().addon === null ? ['reference'] : ['native', 'reference'];
if (backends.length === 1) console.log('skipped: native predictions, no addon is built');

function network(options: Partial<sn.SequentialOptions> = {}): sn.Network {
  return sn.sequential({
    inputShape: [1, 6, 6],
    layers: [
      sn.layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
      sn.layers.flatten(),
      sn.layers.dense({ units: 5, activation: 'softmax' }),
    ],
    seed: 3,
    ...options,
  });
}

function samples(count: number, seed: number): sn.Tensor {
  return random([count, 1, 6, 6], seed);
}

describe.each(backends)('predictions that are asked for together (%s)', (backend) => {
  it('have the bits that they have alone, whatever their sizes, types and scales', async () => {
    const seed = 11;
    const generator = new Generator(seed, 'requests');
    const alone = network({ backend });
    const together = network({ backend, batching: { maxBatch: 16 } });
    const requests = Array.from({ length: 60 }, (_, i) => {
      const count = [0, 1, 1, 1, 2, 5, 16, 40][generator.integer(8)] as number;
      const floats = samples(count, 100 + i);
      const bytes = new sn.Tensor(
        Uint8Array.from(floats.data, (value) => Math.abs(value * 100)),
        floats.shape,
        'uint8',
      );
      const scale = generator.integer(3) === 0 ? { scale: 0.5 } : {};
      return { x: generator.integer(3) === 0 ? bytes : floats, scale };
    });
    const expected: sn.Tensor[] = [];
    for (const { x, scale } of requests) expected.push(await alone.predict(x, scale));
    const received = await Promise.all(requests.map(({ x, scale }) => together.predict(x, scale)));
    received.forEach((output, i) => {
      expect(output.shape, `request ${i}, seed ${seed}`).toEqual(expected[i]?.shape);
      expect(output.data, `request ${i}, seed ${seed}`).toEqual(expected[i]?.data);
    });
    expect(together.queued).toEqual({ requests: 0, bytes: 0 });
  });

  it('do not disturb each other: NaN stays with its samples', async () => {
    const net = network({ backend });
    const good = samples(2, 1);
    const bad = sn.full([1, 1, 6, 6], Number.NaN);
    const expected = await net.predict(good);
    const [first, nan, last] = await Promise.all([good, bad, good].map((x) => net.predict(x)));
    expect(first?.data).toEqual(expected.data);
    expect(last?.data).toEqual(expected.data);
    expect([...(nan as sn.Tensor).data].every(Number.isNaN)).toBe(true);
  });

  it('wait up to maxWait for others, and no longer than until a batch is full', async () => {
    const net = network({ backend, batching: { maxWait: 500, maxBatch: 4 } });
    await net.predict(samples(4, 1));
    const timed = async (count: number): Promise<number> => {
      const start = performance.now();
      await net.predict(samples(count, 2));
      return performance.now() - start;
    };
    expect(await timed(1)).toBeGreaterThan(490);
    expect(await timed(4)).toBeLessThan(400);
    const both = await Promise.all([timed(1), timed(3)]);
    expect(Math.max(...both)).toBeLessThan(400);
  });

  it('are refused beyond the bounds of the queue, and taken again afterwards', async () => {
    const net = network({ backend, batching: { maxQueued: 2, maxBatch: 1 } });
    const x = samples(1, 1);
    const asked = Array.from({ length: 5 }, () => net.predict(x));
    const ends = await Promise.allSettled(asked);
    const refused = ends.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThanOrEqual(2);
    for (const end of refused) {
      expect(end).toMatchObject({
        reason: {
          code: 'ERR_QUEUE_FULL',
          message: expect.stringMatching(/2 requests wait.*maxQueued: 2/),
        },
      });
    }
    await net.predict(x);
    const small = network({ backend, batching: { maxQueuedBytes: 400 } });
    const large = await Promise.allSettled([4, 1, 4, 1].map((n) => small.predict(samples(n, 2))));
    expect(large.map(({ status }) => status)).toContain('rejected');
    expect(large[0]?.status).toBe('fulfilled');
    expect(small.queued).toEqual({ requests: 0, bytes: 0 });
  });

  it('end at once when their signal fires, and the others do not', async () => {
    const net = network({ backend, batching: { maxBatch: 2 } });
    const x = samples(2, 1);
    const expected = await net.predict(x);
    const controller = new AbortController();
    const { signal } = controller;
    const asked = [{}, { signal }, {}, { signal }].map((options) => net.predict(x, options));
    const ends = Promise.allSettled(asked);
    controller.abort(new Error('the client went away'));
    expect(net.queued.requests).toBeLessThanOrEqual(3);
    for (const [i, end] of (await ends).entries()) {
      if (i % 2 === 0) expect(end).toMatchObject({ value: { data: expected.data } });
      else {
        const reason = { code: 'ERR_ABORTED', cause: { message: 'the client went away' } };
        expect(end).toMatchObject({ reason });
      }
    }
    await expect(net.predict(x, { signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect((await net.predict(x)).data).toEqual(expected.data);
  });

  it('of many samples end within a step when their signal fires', async () => {
    const net = network({ backend, batching: { maxBatch: 1 } });
    const signal = AbortSignal.timeout(10);
    const start = performance.now();
    const asked = net.predict(samples(40_000, 1), { signal });
    await expect(asked).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await net.predict(samples(1, 1));
    expect(performance.now() - start).toBeLessThan(3000);
  });

  it('leave alone those that fail alone', async () => {
    const net = network({ backend });
    const wrong = sn.zeros([1, 1, 5, 6]);
    const ends = await Promise.allSettled(
      [samples(1, 1), wrong, samples(1, 2)].map((x) => net.predict(x)),
    );
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(ends[1]).toMatchObject({ reason: { code: 'ERR_SHAPE' } });
  });

  it('see one set of weights each, while these are replaced', async () => {
    const net = network({ backend });
    const x = samples(3, 1);
    const outputs: sn.Tensor[] = [];
    const sets = [1, 2, 3].map((seed) => network({ backend, seed }).parameters());
    for (const set of sets) {
      net.setParameters(set);
      outputs.push(await net.predict(x));
    }
    const asked: Promise<sn.Tensor>[] = [];
    for (let i = 0; i < 30; i++) {
      net.setParameters(sets[i % 3] as Map<string, sn.Tensor>);
      asked.push(net.predict(x));
      if (i % 4 === 0) await asked.at(-1);
    }
    for (const output of await Promise.all(asked)) {
      expect(
        outputs.some(({ data }) => Buffer.compare(bytes(data), bytes(output.data)) === 0),
      ).toBe(true);
    }
  });
});

function bytes(data: sn.TypedArray): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

describe.each(backends)('snapshots (%s)', (backend) => {
  it('keep their weights while the network goes on training', async () => {
    const net = network({ backend });
    const labels = Int32Array.from({ length: 64 }, (_, i) => i % 5);
    const data = { x: samples(64, 1), y: new sn.Tensor(labels, [64], 'int32') };
    const x = samples(5, 2);
    const before = await net.predict(x);
    const kept = net.snapshot();
    let inTraining: sn.Network | null = null;
    let weights = new Map<string, sn.Tensor>();
    for await (const event of net.train(data, { batchSize: 32, epochs: 2 })) {
      expect((await kept.predict(x)).data).toEqual(before.data);
      if (event.type !== 'step' || event.step !== 2) continue;
      inTraining = net.snapshot({ batching: { maxBatch: 8 } });
      weights = net.parameters();
    }
    expect((await net.predict(x)).data).not.toEqual(before.data);
    expect((await kept.predict(x)).data).toEqual(before.data);
    expect(inTraining?.parameters()).toEqual(weights);
    kept.setParameters(net.parameters());
    expect((await kept.predict(x)).data).toEqual((await net.predict(x)).data);
    expect((inTraining as sn.Network).parameters()).toEqual(weights);
    const history = await kept.fit(data, { batchSize: 32 });
    expect(history.epochs).toHaveLength(1);
  });
});

describe('batching options that are none', () => {
  it.each([
    [{ maxBatch: 0 }, /maxBatch/],
    [{ maxWait: -1 }, /maxWait/],
    [{ maxQueued: 1.5 }, /maxQueued/],
    [{ maxQueuedBytes: Number.NaN }, /maxQueuedBytes/],
    [{ maxbatch: 3 } as sn.BatchingOptions, /maxBatch/],
  ])('%o', (batching, message) => {
    const code = 'ERR_ARGUMENT';
    const wrong = expect.objectContaining({ code, message: expect.stringMatching(message) });
    expect(() => network({ batching })).toThrow(wrong);
    expect(() => network().snapshot({ batching })).toThrow(wrong);
  });

  it('a signal that is none', async () => {
    const options = { signal: 3 as unknown as AbortSignal };
    const wrong = { code: 'ERR_ARGUMENT', message: expect.stringMatching(/signal.*AbortSignal/) };
    await expect(network().predict(samples(1, 1), options)).rejects.toMatchObject(wrong);
  });
});
