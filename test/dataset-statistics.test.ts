import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { upTo } from './support/datasets.ts';
import { failsWith } from './support/errors.ts';

const { data, tensor } = sn;

describe('statistics', () => {
  const x = sn.randomUniform([40, 3, 5, 4], { seed: 8, low: -3, high: 700 });

  /** Mean and deviation of each channel by two loops over all values. */
  function expected(values: sn.Tensor, scale: number): sn.data.Statistics {
    const [count, channels, ...inner] = values.shape as [number, number, ...number[]];
    const size = sn.shape.elementCount(inner);
    const of = (channel: number): number[] =>
      upTo(count).flatMap((i) => {
        const start = (i * channels + channel) * size;
        return [...values.data.subarray(start, start + size)].map((each) => each * scale);
      });
    const mean = upTo(channels).map((c) => of(c).reduce((a, b) => a + b) / of(c).length);
    const std = upTo(channels).map((c) => {
      const squares = of(c).map((each) => (each - (mean[c] as number)) ** 2);
      return Math.sqrt(squares.reduce((a, b) => a + b) / squares.length);
    });
    return { mean, std };
  }

  function expectClose(found: sn.data.Statistics, right: sn.data.Statistics): void {
    for (const name of ['mean', 'std'] as const) {
      expect(found[name]).toHaveLength(right[name].length);
      found[name].forEach((each, i) => {
        expect(each).toBeCloseTo(right[name][i] as number, 10);
      });
    }
  }

  it('are those of two passes over all values, after scaling', async () => {
    const y = sn.zeros([40], 'uint8');
    expectClose(await data.statistics({ x, y }), expected(x, 1));
    expectClose(await data.statistics({ x, y, scale: 0.25 }), expected(x, 0.25));
    expectClose(await data.statistics({ x, y, scale: -2 }), expected(x, -2));
    const bytes = x.to('uint8');
    expectClose(await data.statistics({ x: bytes, y }), expected(bytes, 1 / 255));
    expectClose(await data.statistics(data.from({ x: bytes, y })), expected(bytes, 1 / 255));
    const flat = sn.ops.reshape(x, [40, 60]);
    expectClose(await data.statistics({ x: flat, y }), expected(flat, 1));
    const doubled = data.from({ x, y }).map((s) => ({ ...s, x: sn.ops.mul(s.x, 2) }));
    expectClose(await data.statistics(doubled), expected(sn.ops.mul(x, 2), 1));
  });

  it('do not cancel', async () => {
    const far = tensor([1e8 + 1, 1e8 + 2, 1e8 + 3, 1e8 + 4], [4, 1, 1], 'float64');
    const { mean, std } = await data.statistics({ x: far, y: sn.zeros([4], 'uint8') });
    expect(mean).toEqual([1e8 + 2.5]);
    expect(std[0]).toBeCloseTo(Math.sqrt(1.25), 12);
  });

  it('take images of different sizes', async () => {
    const images = [tensor([[[1, 2, 3]]]), tensor([[[6]]])].map((each) => ({ x: each, y: 0 }));
    const { mean, std } = await data.statistics(data.from(images));
    expect(mean).toEqual([3]);
    expect(std[0]).toBeCloseTo(Math.sqrt(14 / 4), 12);
  });

  it('refuse what has none', async () => {
    const error = (...words: string[]) => failsWith('ERR_ARGUMENT', 'data.statistics', ...words);
    const from = (...xs: sn.Tensor[]) => data.from(xs.map((each) => ({ x: each, y: 0 })));
    await expect(data.statistics(from())).rejects.toEqual(error('at least one'));
    await expect(data.statistics(from(tensor([1, Number.NaN])))).rejects.toEqual(
      error('finite', 'sample 0'),
    );
    await expect(data.statistics({} as sn.Samples)).rejects.toEqual(error('data.x'));
    await expect(data.statistics(from(sn.zeros([2]), sn.zeros([3])))).rejects.toEqual(
      failsWith('ERR_SHAPE', 'sample 1 has 3 channels', '2'),
    );
    await expect(data.statistics(from(sn.zeros([])))).rejects.toEqual(
      failsWith('ERR_SHAPE', 'sample 0', 'no channel'),
    );
  });

  it('normalize to mean 0 and deviation 1, in the network and from its file alike', async () => {
    const y = sn.zeros([40], 'uint8');
    const found = await data.statistics({ x: x.to('uint8'), y });
    const net = sn.sequential({
      inputShape: [3, 5, 4],
      layers: [sn.layers.normalization(found)],
    });
    const out = await net.predict(x.to('uint8'));
    const after = await data.statistics({ x: out, y });
    after.mean.forEach((mean, c) => {
      expect(mean).toBeCloseTo(0, 5);
      expect(after.std[c]).toBeCloseTo(1, 5);
    });
    expect(net.parameters().size).toBe(0);
  });

  it('of a channel that is the same everywhere are refused, with what to do', async () => {
    const found = await data.statistics({ x: sn.ones([4, 2, 3]), y: sn.zeros([4], 'uint8') });
    expect(found).toEqual({ mean: [1, 1], std: [0, 0] });
    const message = 'std to be finite numbers above 0 but received 0: give 1 to a channel';
    expect(() => sn.layers.normalization(found)).toThrow(message);
  });
});
