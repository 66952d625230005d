import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { backends, bits, digits, relativeDistance } from './support/networks.ts';

const { layers } = sn;

/** Nearly every kind of layer in one network, images in all its parts. */
function mixed(options: Partial<sn.SequentialOptions> = {}): sn.Network {
  const conv = (filters: number, kernelSize: number): sn.layers.Layer =>
    layers.conv2d({ filters, kernelSize, padding: 'same', bias: false });
  return sn.sequential({
    inputShape: [1, 28, 28],
    dtype: 'float64',
    seed: 6,
    ...options,
    layers: [
      layers.conv2d({ filters: 6, kernelSize: 5, stride: 3, bias: false }),
      layers.batchNorm({ activation: 'swish' }),
      layers.branches({
        branches: [
          [conv(4, 1)],
          [conv(3, 1), layers.prelu({ perChannel: true }), conv(5, 3)],
          [layers.maxPool2d({ kernelSize: 3, stride: 1, padding: 1 }), conv(3, 1)],
          [layers.avgPool2d({ kernelSize: 3, stride: 1, padding: 1 })],
        ],
      }),
      layers.groupNorm({ groups: 3 }),
      layers.residual({ layers: [layers.activation('gelu'), conv(18, 3)], activation: 'tanh' }),
      layers.spatialDropout({ rate: 0.2 }),
      layers.convTranspose2d({ filters: 4, kernelSize: 3, stride: 2, groups: 2 }),
      layers.pad({ padding: 1, mode: 'replicate' }),
      layers.adaptiveAvgPool2d({ outputSize: 3 }),
      layers.flatten(),
      layers.layerNorm(),
      layers.maxout({ units: 12, pieces: 3 }),
      layers.dropout({ rate: 0.25 }),
      layers.sequential({ layers: [layers.dense({ units: 10, activation: 'softmax' })] }),
    ],
  });
}

/** Values no two of which are close. */
function spread(samples: number, dtype: 'float32' | 'float64'): sn.Tensor {
  const x = sn.zeros([samples, 1, 28, 28], dtype);
  new Generator(2, 'spread').permutation(x.size).forEach((place, i) => {
    x.data[i] = place / x.size;
  });
  return x;
}

describe('a network of many kinds of layers', () => {
  it.each(backends)('has the gradients of central differences in training on %s', (backend) => {
    const net = mixed({ backend: 'reference' });
    // A longer step crosses kinks: there is a maximum or a slope for each of thousands of values.
    const options = { backend, samples: 6, epsilon: 3e-7 };
    const { maxError, worst } = sn.gradientCheck(net, [spread(2, 'float64')], options);
    expect(maxError, JSON.stringify(worst)).toBeLessThan(1e-6);
  });

  it.runIf(backends.length > 1)('agrees on both backends, with each pass on and off', () => {
    const net = mixed({ backend: 'reference' });
    for (const passes of [{}, { layout: false }, { fuse: false }]) {
      for (const training of [true, false]) {
        const x = spread(3, 'float64');
        const { maxError, worst } = sn.compareBackends(net, [x], { passes, training });
        expect(maxError, JSON.stringify({ passes, training, worst })).toBeLessThan(1e-11);
      }
    }
  });

  it.runIf(backends.length > 1)('trains alike on both, a smaller last batch included', async () => {
    const data = digits(22, 3, 'float64');
    const [native, reference] = await Promise.all(
      (['native', 'reference'] as const).map(async (backend) => {
        const net = mixed({ backend });
        await net.fit(data, { epochs: 2, batchSize: 8, optimizer: sn.optimizers.sgd(0.05) });
        return net.parameters();
      }),
    );
    for (const [key, expected] of reference as Map<string, sn.Tensor>) {
      const distance = relativeDistance(native?.get(key) as sn.Tensor, expected);
      expect(distance, key).toBeLessThanOrEqual(1e-10);
    }
  });

  it.each(backends)('learns, and comes back from a file on %s', async (backend) => {
    const data = digits(backend === 'native' ? 400 : 40, 3);
    const net = mixed({ backend, dtype: 'float32' });
    const before = (await net.evaluate(data)).loss;
    await net.fit(data, { epochs: 3, batchSize: 10, optimizer: sn.optimizers.adam(3e-3) });
    const after = (await net.evaluate(data)).loss;
    expect(after).toBeLessThan(0.9 * before);
    const folder = await mkdtemp(join(tmpdir(), 'stridenet-'));
    try {
      const path = join(folder, 'mixed.safetensors');
      await net.save(path);
      const loaded = await sn.load(path, { backend });
      expect(bits(loaded.parameters())).toBe(bits(net.parameters()));
      expect((await loaded.predict(data.x)).data).toEqual((await net.predict(data.x)).data);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.runIf(backends.length > 1)('predicts the same bits alone and among others', async () => {
    const net = mixed({ dtype: 'float32' });
    const { x } = digits(20, 8);
    const together = await net.predict(x);
    for (const n of [0, 7, 19]) {
      const one = sn.tensor(x.data.slice(n * 784, (n + 1) * 784), [1, 1, 28, 28], 'uint8');
      expect([...(await net.predict(one)).data]).toEqual([
        ...together.data.slice(n * 10, (n + 1) * 10),
      ]);
    }
  });

  it.runIf(backends.length > 1)('trains to the same bits at any number of threads', async () => {
    const data = digits(60, 4);
    const seen = new Set<string>();
    for (const threads of [1, 2, 3, 8]) {
      const net = mixed({ threads, dtype: 'float32' });
      await net.fit(data, { batchSize: 16, clipNorm: 1 });
      seen.add(bits(net.parameters()));
    }
    expect(seen.size).toBe(1);
  });
});
