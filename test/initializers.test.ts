import { describe, expect, it } from 'vitest';
import { initializers as init, layers, sequential } from '../lib/index.ts';
import { drawTensor } from '../lib/initializers/initializer.ts';
import { initializerOf } from '../lib/initializers/registry.ts';
import { Generator } from '../lib/random.ts';
import { failsWith } from './support/errors.ts';

const fan = { fanIn: 50, fanOut: 800 };

function values(initializer: init.Initializer, shape: readonly number[] = [200, 500]): number[] {
  const random = new Generator(7, 'initializers');
  return Array.from(drawTensor('weight', initializer, shape, 'float64', fan, random).data);
}

/** Mean and variance of 100,000 values; their standard errors are below 0.4 % of the deviation. */
function moments(initializer: init.Initializer): { mean: number; variance: number } {
  const drawn = values(initializer);
  const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
  const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length;
  return { mean, variance };
}

describe('B3: initializers', () => {
  it.each([
    ['heNormal', init.heNormal(), 2 / 50],
    ['heNormal, fan-out', init.heNormal({ mode: 'fanOut' }), 2 / 800],
    ['heNormal, gain of tanh', init.heNormal({ gain: init.gain('tanh') }), 25 / 9 / 50],
    ['heUniform', init.heUniform(), 2 / 50],
    ['glorotNormal', init.glorotNormal(), 2 / 850],
    ['glorotUniform', init.glorotUniform({ gain: 2 }), 8 / 850],
    ['lecunNormal', init.lecunNormal(), 1 / 50],
    ['lecunUniform', init.lecunUniform({ mode: 'fanAverage' }), 1 / 425],
    [
      'scaledNormal: the sheet’s RandnAverage with a factor',
      init.scaledNormal({ gain: 3 }),
      9 / 50,
    ],
    ['normal', init.normal({ deviation: 0.2 }), 0.04],
    ['uniform', init.uniform({ low: -1, high: 1 }), 1 / 3],
    // Of a normal cut at two deviations: 1 − 4·φ(2)/(2·Φ(2) − 1).
    ['truncatedNormal', init.truncatedNormal({ deviation: 1 }), 0.77374],
  ])('%s has its variance', (_, initializer, variance) => {
    const found = moments(initializer);
    expect(Math.abs(found.variance / variance - 1)).toBeLessThan(0.02);
    expect(Math.abs(found.mean)).toBeLessThan(0.02 * Math.sqrt(variance));
  });

  it('constants, and bounds', () => {
    expect(new Set(values(init.zeros()))).toEqual(new Set([0]));
    expect(new Set(values(init.ones()))).toEqual(new Set([1]));
    expect(new Set(values(init.constant(-2)))).toEqual(new Set([-2]));
    const cut = values(init.truncatedNormal({ deviation: 2, mean: 5, limit: 1 }));
    expect(Math.max(...cut.slice(0, 50_000))).toBeLessThanOrEqual(7);
    expect(Math.min(...cut.slice(0, 50_000))).toBeGreaterThanOrEqual(3);
    const even = values(init.uniform({ low: 2, high: 3 })).slice(0, 50_000);
    expect(Math.min(...even)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...even)).toBeLessThan(3);
  });

  it.each([[[4, 3, 2, 1]], [[9, 2, 2]], [[5, 5]], [[1, 7]]])(
    'orthogonal gives %j orthonormal rows or columns',
    (shape) => {
      const data = values(init.orthogonal({ gain: 2 }), shape);
      const rows = shape[0] as number;
      const columns = data.length / rows;
      const count = Math.min(rows, columns);
      const at = (vector: number, i: number): number =>
        data[rows <= columns ? vector * columns + i : i * columns + vector] as number;
      for (let a = 0; a < count; a++) {
        for (let b = 0; b < count; b++) {
          let product = 0;
          for (let i = 0; i < Math.max(rows, columns); i++) product += at(a, i) * at(b, i);
          expect(product).toBeCloseTo(a === b ? 4 : 0, 12);
        }
      }
    },
  );

  it('gains are those of PyTorch’s calculate_gain', () => {
    expect(['linear', 'sigmoid', 'tanh', 'relu', 'selu'].map((name) => init.gain(name))).toEqual([
      1,
      1,
      5 / 3,
      Math.SQRT2,
      0.75,
    ]);
    expect(init.gain('leakyRelu')).toBeCloseTo(1.4141428569978354, 15);
    expect(init.gain('leakyRelu', { negativeSlope: 0.2 })).toBeCloseTo(1.3867504905630728, 15);
  });

  it.each([
    init.heNormal({ mode: 'fanOut', gain: 1.5 }),
    init.truncatedNormal({ deviation: 0.1, limit: 1 }),
    init.uniform({ low: 1, high: 2 }),
    init.orthogonal({ gain: 3 }),
    init.constant(4),
    init.ones(),
  ])('$kind comes back from what a file keeps of it', (initializer) => {
    const kept = JSON.parse(JSON.stringify(initializer.options));
    const again = initializerOf(initializer.kind, kept);
    expect(values(again, [6, 7])).toEqual(values(initializer, [6, 7]));
  });

  it.each([
    () => init.heNormal({ mode: 'fan_in' as never }),
    () => init.heNormal({ gain: Number.NaN }),
    () => init.lecunNormal({ scale: 2 } as never),
    () => init.normal({ std: 1 } as never),
    () => init.truncatedNormal({ limit: 0 }),
    () => init.uniform({ low: 1, high: 0 }),
    () => init.constant('1' as never),
    () => init.gain('mish'),
    () => init.gain('relu', { negativeSlope: 1 }),
    () => values(init.orthogonal(), [5]),
    () => initializerOf('constructor', {}),
  ])('wrong settings are refused: %s', (call) => {
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });

  it.each<[string, object, RegExp]>([
    ['throws', { draw: () => unknownFunction() }, /its initializer threw ReferenceError/],
    ['draws texts', { draw: () => 'zz' }, /draw of .* finite number but received 'zz'/],
    ['draws NaN', { draw: () => Number.NaN }, /draw of .* finite number but received NaN/],
    ['fills a list', { fill: () => [1, 2, 3, 4] }, /fill of .* Float64Array of 4 values/],
    ['fills too little', { fill: () => new Float64Array(3) }, /fill of .* of 4 values/],
    [
      'fills an infinity',
      { fill: () => Float64Array.of(0, 1, 1 / 0, 2) },
      /value of fill.*Infinity/,
    ],
  ])('one of the user that %s is refused with the name of the parameter', (_, part, words) => {
    const initializer = { kind: 'mine', options: {}, draw: () => 0, ...part } as init.Initializer;
    const net = sequential({ inputShape: [2], layers: [layers.dense({ units: 2, initializer })] });
    expect(() => net.parameters()).toThrow(failsWith('ERR_ARGUMENT', '[parameter 0.weight]'));
    expect(() => net.parameters()).toThrow(words);
  });
});

function unknownFunction(): never {
  throw new ReferenceError('no such function');
}
