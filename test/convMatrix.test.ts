import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import type { Operand } from '../lib/ops/operator.ts';
import { Generator } from '../lib/random.ts';
import { backends } from './support/networks.ts';

const { ops } = sn;
const random = new Generator(9, 'matrices');

/** Small integers: sums of their products are exact. */
function made(...shape: number[]): sn.Tensor {
  const result = sn.zeros(shape, 'float64');
  for (let i = 0; i < result.size; i++) result.data[i] = random.integer(19) - 9;
  return result;
}

const flat = (x: sn.Tensor): sn.Tensor => ops.reshape(x, [x.size, 1]);

describe('A7: a convolution written out as a matrix', () => {
  it('is the 4x6 of the source for w in R3', () => {
    const w = sn.tensor([5, 6, 7]);
    expect(ops.convMatrix1d(w, [6], { padding: 0 }).toArray()).toEqual([
      [5, 6, 7, 0, 0, 0],
      [0, 5, 6, 7, 0, 0],
      [0, 0, 5, 6, 7, 0],
      [0, 0, 0, 5, 6, 7],
    ]);
    expect(ops.convMatrix1d(w, [4], { padding: 1 }).toArray()).toEqual([
      [6, 7, 0, 0],
      [5, 6, 7, 0],
      [0, 5, 6, 7],
      [0, 0, 5, 6],
    ]);
    expect(ops.convMatrix1d(w, [4], { flipKernel: true, stride: 2 }).toArray()).toEqual([
      [7, 6, 5, 0],
    ]);
  });

  it.each([
    { weight: [1, 1, 2, 2], image: [1, 3, 3], options: {} },
    { weight: [3, 2, 3, 2], image: [2, 5, 4], options: { padding: 1 } },
    {
      weight: [4, 1, 2, 3],
      image: [2, 6, 7],
      options: { groups: 2, stride: [2, 1], flipKernel: true },
    },
    {
      weight: [2, 3, 2, 2],
      image: [3, 7, 6],
      options: {
        dilation: [3, 2],
        padding: [
          [2, 1],
          [0, 3],
        ],
      },
    },
    { weight: [2, 1, 3, 3], image: [1, 5, 5], options: { padding: 'same', stride: 2 } },
    { weight: [2, 1, 3, 3], image: [1, 2, 3], options: { padding: 'full' } },
  ] as const)('and its product: %o', ({ weight, image, options }) => {
    const [w, x] = [made(...weight), made(1, ...image)];
    const matrix = ops.convMatrix2d(w, image, options);
    const y = ops.conv2d(x, w, undefined, options);
    expect(matrix.shape).toEqual([y.size, x.size]);
    expect(ops.matmul(matrix, flat(x)).toArray()).toEqual(flat(y).toArray());
    // the gradient to x is the product with the transpose
    const dy = made(...y.shape);
    const product = (v: Operand): Operand => {
      const out = ops.conv2d(v, w, undefined, options);
      return ops.sum(ops.mul(out, dy));
    };
    const { grads } = sn.valueAndGrad((v) => product(v as Operand) as never)(x);
    const transposed = ops.matmul(ops.transpose(matrix), flat(dy));
    expect(flat(grads[0] as sn.Tensor).toArray()).toEqual(transposed.toArray());
  });

  it('in one dimension as well', () => {
    const [w, x] = [made(4, 2, 3), made(1, 4, 9)];
    const options = { stride: 2, padding: [1, 2], dilation: 2, groups: 2 } as const;
    const matrix = ops.convMatrix1d(w, [4, 9], options);
    const y = ops.conv1d(x, w, undefined, options);
    expect(ops.matmul(matrix, flat(x)).toArray()).toEqual(flat(y).toArray());
  });

  it('takes one filter of one channel as it is', () => {
    const w = made(2, 3);
    expect(ops.convMatrix2d(w, [4, 5]).toArray()).toEqual(
      ops.convMatrix2d(ops.reshape(w, [1, 1, 2, 3]), [1, 4, 5]).toArray(),
    );
  });

  it.each(backends)('can be differentiated on %s', (backend) => {
    const { maxError } = sn.gradientCheck(
      (w) => ops.convMatrix2d(w as never, [2, 4, 4], { padding: 1, stride: 2 }),
      [made(2, 2, 3, 2)],
      { backend, epsilon: 1e-3 },
    );
    expect(maxError).toBeLessThan(1e-9);
  });

  it.each([
    ['another rank', () => ops.convMatrix2d(made(2, 2, 2), [1, 3, 3]), 'ERR_SHAPE', '(2, 2, 2)'],
    [
      'a shape of another rank',
      () => ops.convMatrix2d(made(2, 2), [1, 3, 3]),
      'ERR_ARGUMENT',
      'inputShape',
    ],
    [
      'other channels',
      () => ops.convMatrix2d(made(1, 2, 2, 2), [3, 3, 3]),
      'ERR_SHAPE',
      '3 channels',
    ],
    ['too large a filter', () => ops.convMatrix1d(made(7), [6]), 'ERR_SHAPE', '7'],
    ['integers', () => ops.convMatrix1d(sn.zeros([3], 'int32'), [6]), 'ERR_DTYPE', 'int32 (3)'],
    [
      'an unknown option',
      () => ops.convMatrix1d(made(3), [6], { pad: 1 } as never),
      'ERR_ARGUMENT',
      'pad',
    ],
    [
      'stride 0',
      () => ops.convMatrix2d(made(2, 2), [6, 6], { stride: 0 }),
      'ERR_ARGUMENT',
      'stride',
    ],
  ] as const)('refuses %s', (_, call, code, part) => {
    expect(call).toThrow(expect.objectContaining({ code }));
    expect(call).toThrow('convMatrix');
    expect(call).toThrow(part);
  });
});

describe('A7: im2col', () => {
  it('makes a convolution a product', () => {
    const [x, w] = [made(2, 3, 6, 5), made(4, 3, 3, 2)];
    const options = { padding: 1, stride: 2 };
    const columns = ops.unfold(x, { kernelSize: [3, 2], ...options });
    const y = ops.conv2d(x, w, undefined, options);
    expect(columns.shape).toEqual([2, 18, (y.shape[2] as number) * (y.shape[3] as number)]);
    for (const n of [0, 1]) {
      const [one] = [ops.slice(columns, [[n, n + 1]])];
      const product = ops.matmul(ops.reshape(w, [4, 18]), ops.reshape(one, columns.shape.slice(1)));
      expect([...product.data]).toEqual([...ops.slice(y, [[n, n + 1]]).data]);
    }
  });

  it('and its adjoint count how often a cell is seen', () => {
    const options = { kernelSize: 2 };
    const ones = ops.unfold(sn.full([1, 1, 3, 3], 1), options);
    expect(ops.fold(ones, { ...options, outputSize: 3 }).toArray()).toEqual([
      [
        [
          [1, 2, 1],
          [2, 4, 2],
          [1, 2, 1],
        ],
      ],
    ]);
  });
});
