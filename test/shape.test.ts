import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../lib/index.ts';
import {
  checkShape,
  convOutputSize,
  elementCount,
  formatShape,
  resolvePadding,
} from '../lib/shape.ts';
import { Random } from './support/random.ts';

function refuses(call: () => unknown, code: ErrorCode, ...message: string[]): void {
  expect(call).toThrow(expect.objectContaining({ code, name: 'StridenetError' }));
  for (const part of message) expect(call).toThrow(part);
}

describe('shapes', () => {
  it.each([[[]], [[0]], [[1, 2, 3]], [[0, 2 ** 30]], [[1, 1, 1, 1, 1, 1, 1, 1]]])(
    'allow %j',
    (sizes) => {
      expect(() => checkShape('here', sizes)).not.toThrow();
    },
  );

  it.each([
    [[1.5], '1.5'],
    [[Number.NaN], 'NaN'],
    [[2, Number.POSITIVE_INFINITY], 'Infinity'],
    [[-1], '-1'],
    [['3'], "'3'"],
    [[null], 'null'],
    [[3n], '3n'],
    [[[2]], '[2]'],
    [[1, 1, 1, 1, 1, 1, 1, 1, 1], 'rank 9'],
    [[2 ** 53], '2^53'],
    [[2 ** 27, 2 ** 27], '2^53'],
    [[4194305, 4194305, 211106198978564], '2^53'],
    [[0, 2 ** 27, 2 ** 27], '2^53'],
  ])('refuse %s with ERR_SHAPE', (sizes, part) => {
    refuses(() => checkShape('here', sizes), 'ERR_SHAPE', 'here', part);
  });

  it('of more elements than an array holds are ERR_MEMORY', () => {
    refuses(
      () => checkShape('here', [2 ** 20, 2 ** 20]),
      'ERR_MEMORY',
      'here',
      '(1048576, 1048576)',
    );
  });

  it.each([[null], [undefined], [5], ['2,3'], [{ length: 2 }], [new Float32Array(2)]])(
    'must be arrays: %s is ERR_ARGUMENT',
    (value) => {
      refuses(() => checkShape('here', value), 'ERR_ARGUMENT', 'here');
    },
  );

  it('count their elements and read well', () => {
    expect(elementCount([2, 3, 4])).toBe(24);
    expect(elementCount([])).toBe(1);
    expect(elementCount([3, 0])).toBe(0);
    expect(formatShape([2, 3])).toBe('(2, 3)');
    expect(formatShape([])).toBe('()');
  });
});

/** How many places of a window fit, counted one by one. */
function countPlaces(size: number, window: number, stride: number): number {
  let count = 0;
  for (let start = 0; start + window <= size; start += stride) count++;
  return count;
}

describe('convOutputSize', () => {
  it('counts the places of the window', () => {
    const random = new Random(5);
    for (let i = 0; i < 500; i++) {
      const [size, kernel] = [random.integer(1, 40), random.integer(1, 7)];
      const options = {
        stride: random.integer(1, 6),
        padding: random.integer(0, 8),
        dilation: random.integer(1, 3),
      };
      const window = options.dilation * (kernel - 1) + 1;
      if (window > size + options.padding) continue;
      const expected = countPlaces(size + options.padding, window, options.stride);
      expect(convOutputSize(size, kernel, options), JSON.stringify({ size, kernel, options })).toBe(
        expected,
      );
    }
  });

  it('refuses a window that is larger than the padded input', () => {
    refuses(() => convOutputSize(4, 3, { dilation: 2 }), 'ERR_SHAPE', '5', '4');
    expect(convOutputSize(4, 3, { dilation: 2, padding: 1 })).toBe(1);
  });

  it('refuses a remainder when strict', () => {
    refuses(() => convOutputSize(8, 3, { stride: 2, strict: true }), 'ERR_SHAPE', '1 of 8');
    expect(convOutputSize(7, 3, { stride: 2, strict: true })).toBe(3);
  });

  it.each([
    ['size', [-1, 3, {}]],
    ['size', [2.5, 3, {}]],
    ['size', [2 ** 53, 3, {}]],
    ['kernelSize', [5, 0, {}]],
    ['kernelSize', [5, Number.NaN, {}]],
    ['stride', [5, 3, { stride: 0 }]],
    ['padding', [5, 3, { padding: -1 }]],
    ['padding', [5, 3, { padding: 0.5 }]],
    ['dilation', [5, 3, { dilation: 0 }]],
  ] as const)('refuses a wrong %s: %j', (name, [size, kernel, options]) => {
    refuses(() => convOutputSize(size, kernel, options), 'ERR_ARGUMENT', name);
  });
});

const geometry = {
  size: [7, 8],
  kernelSize: [3, 4],
  stride: [1, 1],
  dilation: [1, 1],
} as const;

describe('padding', () => {
  it.each([
    [2, [2, 2, 2, 2]],
    [
      [1, 2],
      [1, 1, 2, 2],
    ],
    [
      [
        [1, 2],
        [3, 4],
      ],
      [1, 2, 3, 4],
    ],
    ['valid', [0, 0, 0, 0]],
    ['full', [2, 2, 3, 3]],
    ['same', [1, 1, 1, 2]],
  ])('%j is %j', (option, expected) => {
    expect(resolvePadding('here', option, geometry)).toEqual(expected);
  });

  it("'same' gives ceil(size / stride) outputs, whatever filter, stride and dilation", () => {
    const random = new Random(6);
    for (let i = 0; i < 300; i++) {
      const pair = (low: number, high: number) =>
        [random.integer(low, high), random.integer(low, high)] as const;
      const all = {
        size: pair(1, 30),
        kernelSize: pair(1, 6),
        stride: pair(1, 4),
        dilation: pair(1, 3),
        flipKernel: random.next() < 0.5,
      };
      const sides = resolvePadding('here', 'same', all);
      for (const axis of [0, 1] as const) {
        const [before = 0, after = 0] = sides.slice(2 * axis, 2 * axis + 2);
        const outputs = convOutputSize(all.size[axis], all.kernelSize[axis], {
          stride: all.stride[axis],
          dilation: all.dilation[axis],
          padding: before + after,
        });
        expect(outputs, JSON.stringify(all)).toBe(Math.ceil(all.size[axis] / all.stride[axis]));
        expect(Math.abs(before - after)).toBeLessThanOrEqual(1);
      }
    }
  });

  it("'same' with flipKernel and stride 1 has the odd cell at the start, as SciPy's crop", () => {
    expect(resolvePadding('here', 'same', { ...geometry, flipKernel: true })).toEqual([1, 1, 2, 1]);
  });

  it.each([
    'SAME',
    -1,
    0.5,
    Number.NaN,
    2 ** 53,
    [1],
    [1, 2, 3],
    [1, [2, 3]],
    [
      [1, 2],
      [3, -4],
    ],
    [
      [1, 2],
      [3, 4, 5],
    ],
    null,
    {},
    true,
    '1',
    [[1, 2], 'same'],
  ])('%j is ERR_ARGUMENT', (option) => {
    refuses(() => resolvePadding('here', option, geometry), 'ERR_ARGUMENT', 'here', 'padding');
  });
});
