import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits, digits, relativeDistance } from './support/networks.ts';

const { layers } = sn;

function network(options: Partial<sn.SequentialOptions> = {}, rate = 0.4): sn.Network {
  return sn.sequential({
    inputShape: [1, 28, 28],
    dtype: 'float64',
    seed: 3,
    ...options,
    layers: [
      layers.conv2d({ filters: 4, kernelSize: 5, stride: 3, activation: 'relu' }),
      layers.spatialDropout({ rate: rate / 2 }),
      layers.flatten(),
      layers.dense({ units: 20, activation: 'relu' }),
      layers.dropout({ rate }),
      layers.dense({ units: 10 }),
    ],
  });
}

const data = digits(30, 8, 'float64');

async function trained(
  options: Partial<sn.SequentialOptions>,
  fit: sn.FitOptions = {},
): Promise<Map<string, sn.Tensor>> {
  const net = network(options);
  await net.fit(data, { epochs: 2, batchSize: 8, seed: 5, ...fit });
  return net.parameters();
}

describe.each(backends)('dropout in a network on %s', (backend) => {
  it('does nothing in predictions and evaluations', async () => {
    const [some, none] = [network({ backend }), network({ backend }, 0)];
    expect((await some.predict(data.x)).data).toEqual((await none.predict(data.x)).data);
    expect(await some.evaluate(data)).toEqual(await none.evaluate(data));
  });

  it('is a function of the seed of fit', async () => {
    const [once, again, other] = [
      await trained({ backend }),
      await trained({ backend }),
      await trained({ backend }, { seed: 6 }),
    ];
    expect(bits(again)).toBe(bits(once));
    expect(bits(other)).not.toBe(bits(once));
  });

  it('differs from step to step and from place to place', () => {
    sn.setDefaultBackend(backend);
    try {
      const net = sn.sequential({
        inputShape: [400],
        dtype: 'float64',
        layers: [layers.dropout({ rate: 0.25 })],
      });
      const later = sn.sequential({
        inputShape: [400],
        dtype: 'float64',
        layers: [layers.activation('linear'), layers.dropout({ rate: 0.25 })],
      });
      const ones = sn.full([5, 400], 1, 'float64');
      const drawn = (of: sn.Network, options: { seed?: number; step?: number }): number[] => {
        const y = of.apply(ones, new Map(), { training: true, ...options }) as sn.Tensor;
        return [...y.data];
      };
      const first = drawn(net, { seed: 1, step: 1 });
      expect(new Set(first)).toEqual(new Set([0, 1 / 0.75]));
      // 2,000 draws of probability 1/4: five standard deviations are 97.
      expect(Math.abs(first.filter((value) => value === 0).length - 500)).toBeLessThan(97);
      expect(drawn(net, { seed: 1, step: 1 })).toEqual(first);
      const others = [
        drawn(net, { seed: 1, step: 2 }),
        drawn(net, { seed: 2, step: 1 }),
        drawn(later, { seed: 1, step: 1 }),
        drawn(net, { seed: 1 + 2 ** 40, step: 1 }),
      ];
      for (const other of others) {
        // Two independent masks agree in 1/16 + 9/16 of the places: 1,250, standard deviation 22.
        const same = other.filter((value, i) => value === first[i]).length;
        expect(Math.abs(same - 1250)).toBeLessThan(110);
      }
    } finally {
      sn.setDefaultBackend('native');
    }
  });

  it('drops whole channels when spatial', () => {
    const net = sn.sequential({
      inputShape: [50, 3, 2],
      dtype: 'float64',
      layers: [layers.spatialDropout()],
    });
    const y = net.apply(sn.full([4, 50, 3, 2], 1, 'float64'), new Map(), { training: true });
    const { data: values } = y as sn.Tensor;
    const channels = Array.from({ length: 200 }, (_, c) => [...values.subarray(6 * c, 6 * c + 6)]);
    for (const channel of channels) expect(new Set(channel).size).toBe(1);
    expect(new Set(channels.map(([value]) => value))).toEqual(new Set([0, 2]));
  });
});

describe.skipIf(backends.length < 2)('dropout', () => {
  it('trains alike on both backends, which draw the same masks', async () => {
    const [native, reference] = [
      await trained({ backend: 'native' }),
      await trained({ backend: 'reference' }),
    ];
    for (const [key, expected] of reference) {
      const distance = relativeDistance(native.get(key) as sn.Tensor, expected);
      expect(distance, key).toBeLessThanOrEqual(1e-11);
    }
  });

  it('has the same bits at any number of threads', async () => {
    const seen = new Set<string>();
    for (const threads of [1, 2, 3, 8]) seen.add(bits(await trained({ threads })));
    expect(seen.size).toBe(1);
  });
});
