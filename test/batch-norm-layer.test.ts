import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits, digits, relativeDistance } from './support/networks.ts';

const { layers } = sn;

/** Batch normalization of the pixels, in front of anything that learns. */
function network(options: Partial<sn.SequentialOptions> = {}): sn.Network {
  return sn.sequential({
    inputShape: [1, 28, 28],
    dtype: 'float64',
    seed: 3,
    ...options,
    layers: [
      layers.batchNorm({ momentum: 0.25, activation: 'tanh' }),
      layers.conv2d({ filters: 4, kernelSize: 5, stride: 3, bias: false }),
      layers.batchNorm({ activation: 'relu', name: 'norm' }),
      layers.flatten(),
      layers.dense({ units: 10 }),
    ],
  });
}

/** Mean and unbiased variance of the pixels of some samples. */
function moments(x: sn.Tensor, samples: readonly number[]): { mean: number; variance: number } {
  const pixels = samples.flatMap((n) => [...x.data.subarray(n * 784, (n + 1) * 784)]);
  const mean = pixels.reduce((sum, value) => sum + value, 0) / pixels.length;
  const squares = pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (pixels.length - 1) };
}

const value = (net: sn.Network, key: string): number =>
  net.parameters().get(key)?.data[0] as number;

describe.each(backends)('batch normalization in a network on %s', (backend) => {
  const data = digits(10, 4, 'float64');
  const still = sn.optimizers.sgd(0);

  /** Keys of what a fit changed. */
  async function movedBy(net: sn.Network, options: sn.FitOptions): Promise<string[]> {
    const before = net.parameters();
    await net.fit(data, { batchSize: 5, ...options });
    return [...net.parameters()]
      .filter(([key, after]) => relativeDistance(after, before.get(key) as sn.Tensor) > 0)
      .map(([key]) => key);
  }

  it('keeps running statistics of the batches that it sees', async () => {
    const net = network({ backend });
    expect([value(net, '0.running_mean'), value(net, '0.running_var')]).toEqual([0, 1]);
    let [mean, variance] = [0, 1];
    for (const [start, end] of [
      [0, 7],
      [7, 10],
    ] as const) {
      const found = moments(data.x, [...Array(end).keys()].slice(start));
      mean = 0.75 * mean + 0.25 * found.mean;
      variance = 0.75 * variance + 0.25 * found.variance;
      const part = sn.data.slice(data, start, end);
      await net.fit(part, { batchSize: 7, optimizer: still });
      expect(value(net, '0.running_mean')).toBeCloseTo(mean, 12);
      expect(value(net, '0.running_var')).toBeCloseTo(variance, 12);
    }
  });

  it('counts the samples of a smaller last batch, not the bound', async () => {
    // All images are alike, so that the order of the samples does not matter.
    const x = sn.zeros([5, 1, 28, 28], 'float64');
    for (let i = 0; i < x.size; i++) x.data[i] = data.x.data[i % 784] as number;
    const net = network({ backend });
    await net.fit({ x, y: sn.zeros([5], 'int32') }, { batchSize: 3, optimizer: still });
    const three = moments(x, [0, 1, 2]);
    const two = moments(x, [0, 1]);
    const mean = 0.75 * 0.25 * three.mean + 0.25 * two.mean;
    const variance = 0.75 * (0.75 + 0.25 * three.variance) + 0.25 * two.variance;
    expect(value(net, '0.running_mean')).toBeCloseTo(mean, 12);
    expect(value(net, '0.running_var')).toBeCloseTo(variance, 12);
  });

  it('predicts by the running statistics, each sample alone', async () => {
    const net = network({ backend });
    await net.fit(data, { epochs: 3, batchSize: 4 });
    const together = await net.predict(data.x);
    const alone = await net.predict(sn.data.slice(data, 2, 3).x);
    expect([...alone.data]).toEqual([...together.data.slice(20, 30)]);
    const before = bits(net.parameters());
    await net.evaluate(data);
    expect(bits(net.parameters())).toBe(before);
  });

  it('leaves its statistics as they are in a step whose loss is not finite', async () => {
    const net = network({ backend, dtype: 'float32' });
    const before = bits(net.parameters());
    const huge = { x: sn.full([10, 1, 28, 28], 3e38), y: data.y };
    huge.x.data[0] = Number.POSITIVE_INFINITY;
    await expect(net.fit(huge, { batchSize: 10 })).rejects.toMatchObject({
      code: 'ERR_NON_FINITE',
    });
    expect(bits(net.parameters())).toBe(before);
  });

  it.each([
    [
      ['0', 'norm'],
      ['1.weight', '4.weight', '4.bias'],
    ],
    [
      ['norm.running_var', '0.weight'],
      [
        ...['0.bias', '0.running_mean', '0.running_var', '1.weight'],
        ...['norm.weight', 'norm.bias', '4.weight', '4.bias'],
      ],
    ],
  ])('holds what is frozen by %j, statistics too', async (frozen, expected) => {
    const net = network({ backend });
    expect(await movedBy(net, { frozen })).toEqual(expected);
  });

  it('holds statistics of layers with trainable: false, by themselves or within', async () => {
    const net = sn.sequential({
      inputShape: [1, 28, 28],
      dtype: 'float64',
      backend,
      layers: [
        sn.layers.batchNorm({ trainable: false }),
        sn.layers.residual({ layers: [sn.layers.batchNorm()], trainable: false }),
        sn.layers.flatten(),
        sn.layers.dense({ units: 10 }),
      ],
    });
    expect(await movedBy(net, {})).toEqual(['3.weight', '3.bias']);
  });

  it('normalizes by the running statistics in training where they are frozen', async () => {
    const net = network({ backend });
    await net.fit(data, { epochs: 2, batchSize: 5 });
    const { loss } = await net.evaluate(data);
    const how = { batchSize: 10, optimizer: still };
    const frozen = await net.fit(data, { ...how, frozen: ['0', 'norm'] });
    expect(frozen.epochs[0]?.loss).toBeCloseTo(loss, 12);
    const free = await net.fit(data, how);
    expect(Math.abs((free.epochs[0]?.loss as number) - loss)).toBeGreaterThan(1e-3);
  });

  it('saves its statistics, and loads them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'stridenet-'));
    try {
      const net = network({ backend });
      await net.fit(data, { batchSize: 5 });
      const path = join(folder, 'norm.safetensors');
      await net.save(path);
      const loaded = await sn.load(path, { backend });
      expect(bits(loaded.parameters())).toBe(bits(net.parameters()));
      expect((await loaded.predict(data.x)).data).toEqual((await net.predict(data.x)).data);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('batch normalization', () => {
  it('has no parameters but factor and offset', () => {
    const rows = network({ backend: 'reference' }).layers();
    expect(rows[0]).toMatchObject({ parameters: 2, parameterBytes: 4 * 8 });
  });

  it.runIf(backends.length > 1)('trains alike on both backends', async () => {
    const data = digits(30, 4, 'float64');
    const [native, reference] = await Promise.all(
      (['native', 'reference'] as const).map(async (backend) => {
        const net = network({ backend });
        await net.fit(data, { epochs: 2, batchSize: 8 });
        return net.parameters();
      }),
    );
    for (const [key, expected] of reference as Map<string, sn.Tensor>) {
      const distance = relativeDistance(native?.get(key) as sn.Tensor, expected);
      expect(distance, key).toBeLessThanOrEqual(1e-10);
    }
  });
});
