import { expect, it } from 'vitest';
import { type Operand, ops, type Tensor, tensor, zeros } from '../lib/index.ts';
import {
  convolve,
  describeOnBothBackends,
  pullBack,
  single,
  someIntegers,
} from './support/backends.ts';

describeOnBothBackends('A5: 1-D convolution', () => {
  const [x, w, d] = [
    [2, -1, 3, 5],
    [1, -2, 4],
    [10, 7],
  ] as const;
  const [x1, x2, x3, x4] = x;
  const [w1, w2, w3] = w;
  const [d1, d2] = d;
  const [signal, filter, delta] = [tensor([[x]]), tensor([[w]]), tensor([[d]])];

  it('A5: y_i = Σ_j x_{i+j} w_j', () => {
    expect(ops.conv1d(signal, filter).toArray()).toEqual([
      [[x1 * w1 + x2 * w2 + x3 * w3, x2 * w1 + x3 * w2 + x4 * w3]],
    ]);
  });

  it('A5: dL/dw = [x1 d1 + x2 d2, x2 d1 + x3 d2, x3 d1 + x4 d2]', () => {
    const [dw] = pullBack((v) => ops.conv1d(signal, v), [filter], delta);
    expect(dw?.toArray()).toEqual([[[x1 * d1 + x2 * d2, x2 * d1 + x3 * d2, x3 * d1 + x4 * d2]]]);
  });

  it('A5: dL/dx = [w1 d1, w2 d1 + w1 d2, w3 d1 + w2 d2, w3 d2]', () => {
    const [dx] = pullBack((v) => ops.conv1d(v, filter), [signal], delta);
    expect(dx?.toArray()).toEqual([[[w1 * d1, w2 * d1 + w1 * d2, w3 * d1 + w2 * d2, w3 * d2]]]);
  });
});

describeOnBothBackends('A6: 1x1 convolution', () => {
  it('A6: RGB to luma with weights 0.299, 0.587, 0.114', () => {
    const colours = tensor(
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [1, 1, 1],
        [0.5, 0.25, 0.75],
        [0, 0, 0],
      ],
      [6, 3],
      'float64',
    );
    const image = ops.reshape(ops.transpose(colours), [1, 3, 2, 3]);
    const luma = convolve(image, tensor([[[[0.299]], [[0.587]], [[0.114]]]], undefined, 'float64'));
    expect(luma.shape).toEqual([1, 1, 2, 3]);
    const expected = [0.299, 0.587, 0.114, 1, 0.299 / 2 + 0.587 / 4 + (3 * 0.114) / 4, 0];
    for (const [i, value] of expected.entries()) expect(luma.data[i]).toBeCloseTo(value, 15);
  });

  it('A6: is one dense layer at every pixel, value and gradients', () => {
    const [x, w, b] = [someIntegers([2, 3, 4, 5]), someIntegers([7, 3, 1, 1]), someIntegers([7])];
    const dy = someIntegers([2, 7, 4, 5], 3, 5);
    const network = (v: Operand, weight: Operand, bias: Operand): Operand => {
      const pixels = ops.reshape(ops.transpose(v, [0, 2, 3, 1]), [40, 3]);
      const mixed = ops.linear(pixels, ops.reshape(weight, [7, 3]), bias);
      return ops.transpose(ops.reshape(mixed, [2, 4, 5, 7]), [0, 3, 1, 2]);
    };
    expect(ops.conv2d(x, w, b).toArray()).toEqual((network(x, w, b) as Tensor).toArray());
    const own = pullBack((v, m, c) => ops.conv2d(v, m, c), [x, w, b], dy);
    const dense = pullBack(
      (v, m, c) => network(v as Operand, m as Operand, c as Operand),
      [x, w, b],
      dy,
    );
    for (const [i, gradient] of own.entries()) {
      expect(gradient.toArray(), `gradient ${i}`).toEqual(dense[i]?.toArray());
    }
  });
});

describeOnBothBackends('A7: convolution as a matrix', () => {
  it("A7: the source's 4x6 matrix of a filter of 3 on a padded signal of 6", () => {
    const matrix = ops.convMatrix1d(tensor([5, 7, 9]), [6], { padding: 0 });
    expect(matrix.toArray()).toEqual([
      [5, 7, 9, 0, 0, 0],
      [0, 5, 7, 9, 0, 0],
      [0, 0, 5, 7, 9, 0],
      [0, 0, 0, 5, 7, 9],
    ]);
  });

  it('A7: acts on the unpadded signal', () => {
    const matrix = ops.convMatrix1d(tensor([5, 7, 9]), [4], { padding: 1 });
    expect(matrix.toArray()).toEqual([
      [7, 9, 0, 0],
      [5, 7, 9, 0],
      [0, 5, 7, 9],
      [0, 0, 5, 7],
    ]);
  });

  const settings = [
    {},
    { padding: 1 },
    { stride: 2, padding: [1, 2] },
    { dilation: [2, 1], padding: 'same' },
    { groups: 2, stride: [2, 1], padding: 'full' },
    { flipKernel: true, stride: 2, padding: 1 },
  ] as const;

  it.each(settings)('A3, A7: %j: y = M·x, and the gradient to x is Mᵀ·dy', (options) => {
    const groups = 'groups' in options ? options.groups : 1;
    const [x, w] = [someIntegers([1, 4, 5, 6]), someIntegers([6, 4 / groups, 3, 2])];
    const matrix = ops.convMatrix2d(w, [4, 5, 6], options);
    const y = convolve(x, w, options);
    expect(matrix.shape).toEqual([y.size, x.size]);
    const column = (v: Tensor): Tensor => ops.reshape(v, [v.size, 1]);
    expect(ops.matmul(matrix, column(x)).data).toEqual(y.data);
    const dy = someIntegers(y.shape, 3, 4);
    const [dx] = pullBack((v) => ops.conv2d(v, w, null, options), [x], dy);
    expect(ops.matmul(matrix, column(dy), { transposeA: true }).data).toEqual(dx?.data);
  });

  it.each([
    {},
    { padding: [1, 2] },
    { stride: 2, dilation: 2, padding: 'same' },
    { groups: 2 },
  ] as const)('A7: %j of signals: y = M·x, and the gradient to x is Mᵀ·dy', (options) => {
    const groups = 'groups' in options ? options.groups : 1;
    const [x, w] = [someIntegers([1, 2, 9]), someIntegers([4, 2 / groups, 3])];
    const matrix = ops.convMatrix1d(w, [2, 9], options);
    const y = ops.conv1d(x, w, null, options);
    const column = (v: Tensor): Tensor => ops.reshape(v, [v.size, 1]);
    expect(ops.matmul(matrix, column(x)).data).toEqual(y.data);
    const dy = someIntegers(y.shape, 3, 4);
    const [dx] = pullBack((v) => ops.conv1d(v, w, null, options), [x], dy);
    expect(ops.matmul(matrix, column(dy), { transposeA: true }).data).toEqual(dx?.data);
  });

  it('A7: the matrix has a gradient to the filters: that of the convolution', () => {
    const [x, w] = [someIntegers([1, 2, 4, 5]), someIntegers([3, 2, 2, 3])];
    const options = { stride: 2, padding: 1 };
    const dy = someIntegers(convolve(x, w, options).shape, 3, 4);
    const [direct] = pullBack((v) => ops.conv2d(x, v, null, options), [w], dy);
    const [through] = pullBack(
      (v) =>
        ops.matmul(ops.convMatrix2d(v as Operand, [2, 4, 5], options), ops.reshape(x, [x.size, 1])),
      [w],
      ops.reshape(dy, [dy.size, 1]),
    );
    expect(through?.toArray()).toEqual(direct?.toArray());
  });
});

describeOnBothBackends('A7: unfold and fold', () => {
  const options = { kernelSize: [3, 2], stride: [1, 2], padding: 1, dilation: [1, 2] } as const;
  const { kernelSize: _, ...geometry } = options;

  it('A7: a convolution is the filters times the unfolded patches', () => {
    const [x, w] = [someIntegers([2, 3, 5, 6]), someIntegers([4, 3, 3, 2])];
    const y = convolve(x, w, geometry);
    const columns = ops.unfold(x, options);
    expect(columns.shape).toEqual([2, 3 * 3 * 2, (y.shape[2] as number) * (y.shape[3] as number)]);
    const product = ops.matmul(ops.reshape(w, [4, 18]), columns);
    expect(product.data).toEqual(y.data);
  });

  it('A7: fold is the adjoint of unfold: ⟨unfold(x), c⟩ = ⟨x, fold(c)⟩, and its gradient', () => {
    const x = someIntegers([2, 3, 5, 6]);
    const c = someIntegers(ops.unfold(x, options).shape, 3, 7);
    const back = ops.fold(c, { ...options, outputSize: [5, 6] });
    const inner = (a: Tensor, b: Tensor): number =>
      Array.from(a.data).reduce((sum, value, i) => sum + value * (b.data[i] as number), 0);
    expect(inner(ops.unfold(x, options), c)).toBe(inner(x, back));
    expect(pullBack((v) => ops.unfold(v, options), [x], c)[0]?.toArray()).toEqual(back.toArray());
  });
});

describeOnBothBackends('A8: finite differences as convolution', () => {
  const x = someIntegers([1, 1, 5, 6], 9);
  const at = (i: number, j: number): number => (i < 5 && j < 6 ? (x.data[i * 6 + j] as number) : 0);
  const expected = (down: number, right: number): number[][] =>
    Array.from({ length: 5 }, (_, i) =>
      Array.from({ length: 6 }, (__, j) => at(i + down, j + right) - at(i, j)),
    );

  it('A8: [0 0 0; 0 -1 0; 0 1 0] with padding 1 gives x_{i+1,j} - x_{i,j}', () => {
    const filter = single([
      [0, 0, 0],
      [0, -1, 0],
      [0, 1, 0],
    ]);
    expect(convolve(x, filter, { padding: 1 }).toArray()).toEqual([[expected(1, 0)]]);
  });

  it('A8: [0 0 0; 0 -1 1; 0 0 0] with padding 1 gives x_{i,j+1} - x_{i,j}', () => {
    const filter = single([
      [0, 0, 0],
      [0, -1, 1],
      [0, 0, 0],
    ]);
    expect(convolve(x, filter, { padding: 1 }).toArray()).toEqual([[expected(0, 1)]]);
  });
});

/** A depthwise bank of filters of `value` everywhere. */
function constant(channels: number, k: number, value: number): Tensor {
  const filters = zeros([channels, 1, k, k]);
  filters.data.fill(value);
  return filters;
}

describeOnBothBackends('A11: average pooling', () => {
  it.each([
    [2, { stride: 2 }],
    [4, { stride: 3, padding: 2 }],
    [
      2,
      {
        stride: 1,
        padding: [
          [1, 0],
          [0, 1],
        ],
      },
    ],
  ] as const)('A11: of %i with %j is a depthwise convolution with 1/k²', (k, geometry) => {
    const x = someIntegers([2, 3, 9, 8]);
    const filters = constant(3, k, 1 / k ** 2);
    const pooled = ops.avgPool2d(x, { kernelSize: k, ...geometry });
    expect(pooled.toArray()).toEqual(convolve(x, filters, { groups: 3, ...geometry }).toArray());
    const dy = someIntegers(pooled.shape, 3, 5);
    const [dx] = pullBack((v) => ops.avgPool2d(v, { kernelSize: k, ...geometry }), [x], dy);
    const [other] = pullBack(
      (v) => ops.conv2d(v, filters, null, { groups: 3, ...geometry }),
      [x],
      dy,
    );
    expect(dx?.toArray()).toEqual(other?.toArray());
  });

  it('A11: the global average is the mean of each channel, and shares its gradient evenly', () => {
    const x = someIntegers([2, 3, 4, 8]);
    const means = ops.globalAvgPool2d(x);
    expect(means.toArray()).toEqual(ops.mean(x, { axis: [2, 3] }).toArray());
    expect(means.toArray()).toEqual(
      ops.reshape(ops.adaptiveAvgPool2d(x, { outputSize: 1 }), [2, 3]).toArray(),
    );
    const dy = someIntegers([2, 3]);
    const [dx] = pullBack((v) => ops.globalAvgPool2d(v), [x], dy);
    expect(dx?.toArray()).toEqual(
      ops
        .mul(ops.reshape(dy, [2, 3, 1, 1]), tensor(Array(32).fill(1 / 32), [1, 1, 4, 8]))
        .toArray(),
    );
  });

  it('A11: adaptive pooling to a divisor of the size is average pooling', () => {
    const x = someIntegers([2, 3, 8, 4]);
    expect(ops.adaptiveAvgPool2d(x, { outputSize: [4, 1] }).toArray()).toEqual(
      ops.avgPool2d(x, { kernelSize: [2, 4] }).toArray(),
    );
  });

  it('A11: adaptive pooling of 5 cells to 3 takes those from ⌊5p/3⌋ to ⌈5(p + 1)/3⌉', () => {
    const x = tensor([[[[6, 12, 18, 30, 42]]]]);
    const y = ops.adaptiveAvgPool2d(x, { outputSize: [1, 3] });
    expect(y.toArray()).toEqual([[[[(6 + 12) / 2, (12 + 18 + 30) / 3, (30 + 42) / 2]]]]);
  });
});
