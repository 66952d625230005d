import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator, philox4x32 } from '../lib/random.ts';

describe('Philox 4x32-10', () => {
  // The known answers of Random123 (kat_vectors), as the C++ tests have them.
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('counter %o, key %o', (counter, key, words) => {
    expect(philox4x32(counter, key)).toEqual(words);
  });
});

describe('a generator', () => {
  it('is a function of seed and stream', () => {
    const draw = (seed: number, stream: string): number[] => {
      const generator = new Generator(seed, stream);
      return Array.from({ length: 9 }, () => generator.word());
    };
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
    expect(draw(1, 'a')).not.toEqual(draw(2 ** 32 + 1, 'a'));
  });

  it('draws every integer of a range about as often', () => {
    const generator = new Generator(3);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[generator.integer(7)]! += 1;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(5 * Math.sqrt(8571));
    expect(generator.integer(1)).toBe(0);
    expect(generator.integer(2 ** 32 - 1)).toBeLessThan(2 ** 32 - 1);
  });

  it('draws normals of mean 0, variance 1 and kurtosis 3', () => {
    const generator = new Generator(5);
    const count = 200_000;
    let [mean, square, fourth] = [0, 0, 0];
    for (let i = 0; i < count; i++) {
      const value = generator.normal();
      mean += value / count;
      square += value ** 2 / count;
      fourth += value ** 4 / count;
    }
    expect(Math.abs(mean)).toBeLessThan(0.01);
    expect(Math.abs(square - 1)).toBeLessThan(0.016);
    expect(Math.abs(fourth - 3)).toBeLessThan(0.11);
  });

  it('makes permutations', () => {
    const order = new Generator(1).permutation(1000);
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect([...order]).not.toEqual([...new Generator(2).permutation(1000)]);
  });

  it.each([-1, 0.5, Number.NaN, 2 ** 53, '1'])('refuses the seed %s', (seed) => {
    expect(() => new Generator(seed as number)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });
});

describe('random tensors', () => {
  it('are those of their seed, in the shape and dtype asked for', () => {
    const x: sn.Tensor<'float32'> = sn.randomNormal([3, 2], { seed: 1 });
    const y: sn.Tensor<'float64'> = sn.randomNormal([3, 2], { seed: 1, dtype: 'float64' });
    expect(x).toMatchObject({ shape: [3, 2], dtype: 'float32' });
    expect(y.to('float32').data).toEqual(x.data);
    expect(sn.randomNormal([6], { seed: 1 }).data).toEqual(x.data);
    expect(sn.randomNormal([6], { seed: 2 }).data).not.toEqual(x.data);
    expect(sn.randomUniform([0, 2], { seed: 1 }).size).toBe(0);
    expect(sn.ones([2, 2], 'int32').toArray()).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });

  it('have the distribution asked for', () => {
    const count = 40_000;
    const normal = sn.randomNormal([count], { seed: 3, mean: -2, deviation: 0.5 });
    const mean = sn.ops.mean(normal).item();
    const variance = sn.ops.mean(sn.ops.square(sn.ops.sub(normal, mean))).item();
    expect(Math.abs(mean + 2)).toBeLessThan((5 * 0.5) / Math.sqrt(count));
    expect(Math.abs(variance - 0.25)).toBeLessThan(5 * 0.25 * Math.sqrt(2 / count));
    const uniform = sn.randomUniform([count], { seed: 3, low: 2, high: 6 });
    expect(uniform.data.every((value: number) => value >= 2 && value < 6)).toBe(true);
    const average = sn.ops.mean(uniform).item();
    expect(Math.abs(average - 4)).toBeLessThan(5 * Math.sqrt(16 / 12 / count));
  });

  it.each([
    [() => sn.randomNormal([2], {} as never), /^\[randomNormal\] expected a seed/],
    [() => sn.randomNormal([2], { seed: 1, dtype: 'int32' as never }), /float32/],
    [() => sn.randomNormal([2], { seed: 1, deviation: -1 }), /deviation to be .* at least 0/],
    [() => sn.randomUniform([2], { seed: 1, low: Number.NaN }), /low to be a finite number/],
    [() => sn.randomUniform([2], { seed: 1, high: -1 }), /high to be .* at least 0/],
    [() => sn.randomUniform([2], { seed: 1, std: 1 } as never), /has no option 'std'/],
  ])('are refused by their settings: %s', (call, message) => {
    expect(call).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT', message: expect.stringMatching(message) }),
    );
  });
});
