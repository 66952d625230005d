import { describe, expect, it } from 'vitest';
import {
  type ErrorCode,
  layers,
  ops,
  StridenetError,
  sequential,
  shape,
  trace,
} from '../lib/index.ts';
import { Random } from './support/random.ts';

const { convMultiplyAdds, convOutputSize, convParameters, convTransposeOutputSize } = shape;
const { denseParameters, poolOutputSize, samePadding } = shape;

type Run = (...shapes: readonly (readonly number[])[]) => readonly number[] | null;

/** The output shape of a function of operators on inputs of these shapes; null when refused. */
function traced(fn: Parameters<typeof trace>[0]): Run {
  return (...shapes) => {
    try {
      const specs = shapes.map((each) => ({ shape: each, dtype: 'float32' as const }));
      return trace(fn, ...specs).outputs[0]?.shape ?? null;
    } catch (error) {
      if (error instanceof StridenetError) return null;
      throw error;
    }
  };
}

function orNull<T>(call: () => T): T | null {
  try {
    return call();
  } catch (error) {
    if (error instanceof StridenetError) return null;
    throw error;
  }
}

describe('B7: sizes', () => {
  it('are those of the operators, over 300 random shapes', () => {
    const random = new Random(12);
    const pair = (low: number, high: number): [number, number] => [
      random.integer(low, high),
      random.integer(low, high),
    ];
    let sizes = 0;
    for (let trial = 0; trial < 300; trial++) {
      const [size, kernelSize, stride, dilation] = [
        pair(1, 12),
        pair(1, 4),
        pair(1, 3),
        pair(1, 2),
      ];
      const padding = (
        [
          0,
          1,
          [1, 2],
          'same',
          'full',
          'valid',
          [
            [2, 0],
            [1, 1],
          ],
        ] as const
      )[random.integer(0, 6)] as shape.PaddingOption;
      const window = { stride, padding, dilation };
      const what = `seed 12, trial ${trial}: ${JSON.stringify({ size, kernelSize, ...window })}`;
      const input = [1, 2, ...size];
      const conv = traced((x, w) => ops.conv2d(x as never, w as never, null, window));
      const found = orNull(() => convOutputSize(size, kernelSize, window));
      expect(found, what).toEqual(conv(input, [3, 2, ...kernelSize])?.slice(2) ?? null);
      const ceilMode = trial % 2 === 0;
      const pool = traced((x) => ops.maxPool2d(x as never, { kernelSize, ceilMode, ...window }));
      const pooled = orNull(() => poolOutputSize(size, kernelSize, { ceilMode, ...window }));
      expect(pooled, what).toEqual(pool(input)?.slice(2) ?? null);
      if (found !== null) sizes++;
      if (typeof padding === 'string') continue;
      const back = { stride, padding, dilation, outputPadding: [stride[0] - 1, 0] as const };
      const wide = traced((x, w) => ops.convTranspose2d(x as never, w as never, null, back));
      const spread = orNull(() => convTransposeOutputSize(size, kernelSize, back));
      expect(spread, what).toEqual(wide(input, [2, 3, ...kernelSize])?.slice(2) ?? null);
    }
    expect(sizes).toBeGreaterThan(100);
  });

  it('along one axis are those of an image’s rows', () => {
    expect(convOutputSize(10, 3, { padding: [2, 0], stride: 2 })).toBe(5);
    expect(convOutputSize(10, 3, { padding: 'same', stride: 3 })).toBe(4);
    expect(poolOutputSize(7, 2)).toBe(3);
    expect(poolOutputSize(7, 2, { ceilMode: true })).toBe(4);
    expect(convTransposeOutputSize(4, 3, { stride: 2, padding: 1, outputPadding: 1 })).toBe(8);
    expect(samePadding(10, 4)).toEqual([1, 2]);
    expect(samePadding([10, 9], [4, 3], { stride: [3, 1] })).toEqual([
      [1, 2],
      [1, 1],
    ]);
  });

  it('and costs are those of the layers', () => {
    const cost = { channels: 6, filters: 9, kernelSize: [3, 2], groups: 3 } as const;
    const window = { stride: 2, padding: 1 } as const;
    const conv = layers.conv2d({ filters: 9, kernelSize: [3, 2], groups: 3, ...window });
    const net = sequential({
      inputShape: [6, 11, 8],
      layers: [conv, layers.flatten(), layers.dense({ units: 7 })],
      backend: 'reference',
    });
    const [first, , last] = net.layers();
    expect(convParameters(cost)).toBe(first?.parameters);
    expect(convMultiplyAdds([11, 8], { ...cost, ...window })).toBe(first?.multiplyAdds);
    const features = net.layers()[1]?.outputShape[0] as number;
    expect(denseParameters({ features, units: 7 })).toBe(last?.parameters);
    expect(denseParameters({ features, units: 7, bias: false })).toBe(last?.multiplyAdds);
  });

  it.each<[string, () => unknown, ErrorCode]>([
    ['a window that does not fit', () => convOutputSize(2, 3), 'ERR_SHAPE'],
    ['cells left over', () => poolOutputSize(7, 2, { strict: true }), 'ERR_SHAPE'],
    ['too much padding', () => poolOutputSize(7, 2, { padding: 2 }), 'ERR_SHAPE'],
    ['nothing left', () => convTransposeOutputSize(1, 1, { padding: 1 }), 'ERR_SHAPE'],
    [
      'groups',
      () => convParameters({ channels: 3, filters: 4, kernelSize: 1, groups: 2 }),
      'ERR_SHAPE',
    ],
    ['half a size', () => convOutputSize(7.5, 3), 'ERR_ARGUMENT'],
    ['three sizes', () => convOutputSize([1, 2, 3] as never, 3), 'ERR_ARGUMENT'],
    ['a pair for one axis', () => convOutputSize(7, [3, 3] as never), 'ERR_ARGUMENT'],
    ['stride 0', () => convOutputSize([7, 7], 3, { stride: 0 }), 'ERR_ARGUMENT'],
    ['another rule', () => convOutputSize(7, 3, { padding: 'SAME' as never }), 'ERR_ARGUMENT'],
    ['another option', () => poolOutputSize(7, 3, { strides: 2 } as never), 'ERR_ARGUMENT'],
    ['no filters', () => convParameters({ channels: 3, kernelSize: 1 } as never), 'ERR_ARGUMENT'],
  ])('refuse %s', (_, call, code) => {
    expect(call).toThrow(expect.objectContaining({ code }));
  });
});
