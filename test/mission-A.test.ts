import { expect, it } from 'vitest';
import { gradientCheck, type Operand, ops, Tensor, tensor, zeros } from '../lib/index.ts';
import {
  convolve,
  describeOnBothBackends,
  pullBack,
  single,
  someIntegers,
} from './support/backends.ts';

/** x with `sides` = [top, bottom, left, right] zeros around it. */
function padded(x: Tensor, [top, bottom, left, right]: readonly number[]): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const [t = 0, b = 0, l = 0, r = 0] = [top, bottom, left, right];
  const y = zeros([n, c, h + t + b, w + l + r]);
  for (let image = 0; image < n * c; image++) {
    for (let i = 0; i < h; i++) {
      for (let j = 0; j < w; j++) {
        const to = (image * (h + t + b) + i + t) * (w + l + r) + j + l;
        y.data[to] = x.data[(image * h + i) * w + j];
      }
    }
  }
  return y;
}

/** Channels from `start` to `end` of (N, C, H, W). */
function channels(x: Tensor, start: number, end: number): Tensor {
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const y = zeros([n, end - start, h, w]);
  for (let i = 0; i < n; i++) {
    y.data.set(
      x.data.subarray((i * c + start) * h * w, (i * c + end) * h * w),
      i * (end - start) * h * w,
    );
  }
  return y;
}

/** Every filter turned by 180°. */
function flipped(filters: Tensor): Tensor {
  const [, , r, s] = filters.shape as [number, number, number, number];
  const y = filters.clone();
  for (let start = 0; start < y.size; start += r * s)
    y.data.subarray(start, start + r * s).reverse();
  return y;
}

const correlated = {
  image: single([
    [1, 1, 1, 0, 0],
    [0, 1, 1, 1, 0],
    [0, 0, 1, 1, 1],
    [0, 0, 1, 1, 0],
    [0, 1, 1, 0, 0],
  ]),
  filter: single([
    [1, 0, 1],
    [0, 1, 0],
    [1, 0, 1],
  ]),
};
const convolved = {
  image: single([
    [1, 3, 1],
    [0, -1, 1],
    [2, 2, -1],
  ]),
  filter: single([
    [1, 2],
    [0, -1],
  ]),
};

describeOnBothBackends('A1: convolution', () => {
  it('A1: has floor((n + 2p − f)/s) + 1 outputs along an axis', () => {
    for (const n of [3, 7, 8]) {
      for (const f of [1, 2, 3]) {
        for (const p of [0, 1, 2]) {
          for (const s of [1, 2, 3]) {
            const options = { stride: s, padding: p };
            const y = convolve(zeros([2, 1, n, n + 1]), zeros([3, 1, f, f]), options);
            const along = (size: number) => Math.floor((size + 2 * p - f) / s) + 1;
            expect(y.shape).toEqual([2, 3, along(n), along(n + 1)]);
          }
        }
      }
    }
  });

  it('A1: sums over channels, batch by batch, and adds one bias a filter', () => {
    const x = tensor([
      [[[1, 2]], [[3, 4]]],
      [[[5, 6]], [[7, 8]]],
    ]);
    const w = tensor([
      [[[1]], [[10]]],
      [[[100]], [[1000]]],
    ]);
    const y = ops.conv2d(x, w, tensor([0.5, -1]));
    expect(y.toArray()).toEqual([
      [[[31.5, 42.5]], [[3099, 4199]]],
      [[[75.5, 86.5]], [[7499, 8599]]],
    ]);
  });

  it('A1: pads with zeros, each side as told', () => {
    const [x, w] = [someIntegers([2, 3, 5, 6]), someIntegers([4, 3, 3, 3])];
    const y = convolve(x, w, {
      padding: [
        [2, 0],
        [1, 3],
      ],
      stride: [1, 2],
    });
    const expected = convolve(padded(x, [2, 0, 1, 3]), w, { stride: [1, 2] });
    expect(y.toArray()).toEqual(expected.toArray());
  });

  it("A1: 'valid' pads nothing, 'same' gives ceil(n/s) with the odd cell at the end", () => {
    const [x, w] = [someIntegers([1, 2, 7, 6]), someIntegers([3, 2, 2, 4])];
    expect(convolve(x, w, { padding: 'valid' }).shape).toEqual([1, 3, 6, 3]);
    const same = convolve(x, w, { padding: 'same' });
    expect(same.shape).toEqual([1, 3, 7, 6]);
    expect(same.toArray()).toEqual(convolve(padded(x, [0, 1, 1, 2]), w).toArray());
    expect(convolve(x, w, { padding: 'same', stride: 3 }).shape).toEqual([1, 3, 3, 2]);
  });

  it('A1: dilation spreads the taps', () => {
    const [x, w] = [someIntegers([1, 2, 9, 9]), someIntegers([3, 2, 2, 3])];
    const spread = zeros([3, 2, 3, 7]);
    for (let filter = 0; filter < 6; filter++) {
      for (let r = 0; r < 2; r++) {
        for (let s = 0; s < 3; s++) {
          spread.data[(filter * 3 + 2 * r) * 7 + 3 * s] = w.data[(filter * 2 + r) * 3 + s];
        }
      }
    }
    expect(convolve(x, w, { dilation: [2, 3] }).toArray()).toEqual(convolve(x, spread).toArray());
  });

  it('A1: groups are convolutions of their own', () => {
    const [x, w] = [someIntegers([2, 4, 5, 5]), someIntegers([6, 2, 3, 3])];
    const y = convolve(x, w, { groups: 2 });
    for (const group of [0, 1]) {
      const filters = new Tensor(
        w.data.slice(group * 54, group * 54 + 54),
        [3, 2, 3, 3],
        'float32',
      );
      const part = convolve(channels(x, 2 * group, 2 * group + 2), filters);
      expect(channels(y, 3 * group, 3 * group + 3).toArray()).toEqual(part.toArray());
    }
  });
});

describeOnBothBackends('A2: both conventions', () => {
  const full = [
    [1, 5, 7, 2],
    [0, -2, -4, 1],
    [2, 6, 4, -3],
    [0, -2, -2, 1],
  ];

  it('A2: full true convolution', () => {
    const y = convolve(convolved.image, convolved.filter, {
      padding: 'full',
      flipKernel: true,
    });
    expect(y.toArray()).toEqual([[full]]);
  });

  it('A2: valid and same true convolutions are the parts of the full one that SciPy takes', () => {
    const { image, filter } = convolved;
    const valid = convolve(image, filter, { flipKernel: true });
    expect(valid.toArray()).toEqual([[full.slice(1, 3).map((row) => row.slice(1, 3))]]);
    const same = convolve(image, filter, { flipKernel: true, padding: 'same' });
    expect(same.toArray()).toEqual([[full.slice(0, 3).map((row) => row.slice(0, 3))]]);
  });

  it('A2: cross-correlation, the default', () => {
    const y = convolve(correlated.image, correlated.filter);
    expect(y.toArray()).toEqual([
      [
        [
          [4, 3, 4],
          [2, 4, 3],
          [2, 3, 4],
        ],
      ],
    ]);
  });

  it('A2: true convolution is correlation with the filter turned by 180°', () => {
    const [x, w] = [someIntegers([2, 3, 6, 5]), someIntegers([4, 3, 2, 3])];
    const options = { stride: 2, padding: 1 };
    expect(convolve(x, w, { ...options, flipKernel: true }).toArray()).toEqual(
      convolve(x, flipped(w), options).toArray(),
    );
  });
});

describeOnBothBackends('A3: gradient to the input', () => {
  const [x, w, dy] = [
    someIntegers([2, 3, 5, 6]),
    someIntegers([4, 3, 3, 2]),
    someIntegers([2, 4, 3, 5]),
  ];
  const exchanged = ops.transpose(w, [1, 0, 2, 3]);

  it('A3: of correlation is the full true convolution of dy with the filters as they are', () => {
    const [dx] = pullBack((v) => ops.conv2d(v, w), [x], dy);
    const expected = convolve(dy, exchanged, { padding: 'full', flipKernel: true });
    expect(dx?.toArray()).toEqual(expected.toArray());
  });

  it('A3: of true convolution is that with the doubly flipped filters', () => {
    const [dx] = pullBack((v) => ops.conv2d(v, w, null, { flipKernel: true }), [x], dy);
    const options = { padding: 'full', flipKernel: true } as const;
    expect(dx?.toArray()).toEqual(convolve(dy, flipped(exchanged), options).toArray());
  });

  it.each([false, true])(
    'A3: is the transpose of the convolution as a matrix, flipKernel %s',
    (flipKernel) => {
      const options = { stride: 2, padding: 1, flipKernel };
      const image = someIntegers([1, 3, 5, 6]);
      const delta = someIntegers([1, 4, 3, 4]);
      const [dx] = pullBack((v) => ops.conv2d(v, w, null, options), [image], delta);
      for (let i = 0; i < image.size; i++) {
        const unit = zeros(image.shape);
        unit.data[i] = 1;
        const column = Array.from(convolve(unit, w, options).data);
        expect(dx?.data[i]).toBe(column.reduce((sum, value, j) => sum + value * delta.data[j], 0));
      }
    },
  );

  it('A3: equals finite differences', () => {
    const inputs = [x.to('float64')];
    const options = { stride: 2, padding: 1, flipKernel: true };
    const fn = (v: Operand) => ops.conv2d(v, w.to('float64'), null, options);
    expect(gradientCheck(fn, inputs, { epsilon: 1e-3 }).maxError).toBeLessThan(1e-9);
  });
});

describeOnBothBackends('A4: gradients to filters and bias', () => {
  const [x, w, dy] = [
    someIntegers([3, 2, 5, 6]),
    someIntegers([4, 2, 3, 2]),
    someIntegers([3, 4, 3, 5]),
  ];
  const bias = tensor([1, 2, 3, 4]);
  const exchange = (v: Tensor) => ops.transpose(v, [1, 0, 2, 3]);
  const expected = exchange(convolve(exchange(x), exchange(dy)));

  it('A4: to the filters is the correlation of input with dy, summed over the batch', () => {
    const [dw] = pullBack((v) => ops.conv2d(x, v), [w], dy);
    expect(dw?.toArray()).toEqual(expected.toArray());
  });

  it('A4: with flipKernel it comes out doubly flipped', () => {
    const [dw] = pullBack((v) => ops.conv2d(x, v, null, { flipKernel: true }), [w], dy);
    expect(dw?.toArray()).toEqual(flipped(expected).toArray());
  });

  it('A4: to the bias is the sum over batch, height and width', () => {
    const [db] = pullBack((v) => ops.conv2d(x, w, v), [bias], dy);
    const sums = [0, 1, 2, 3].map((k) =>
      Array.from(channels(dy, k, k + 1).data).reduce((a, b) => a + b, 0),
    );
    expect(db?.toArray()).toEqual(sums);
  });

  it("A4: a convolution's filter gradient sums over all positions, a dense layer's over one", () => {
    const line = tensor([[[[1, 2, 3, 4]]]]);
    const deltas = tensor([[[[10, 100, 1000]]]]);
    const [dw] = pullBack((v) => ops.conv2d(line, v), [single([[0, 0]])], deltas);
    expect(dw?.toArray()).toEqual([[[[1 * 10 + 2 * 100 + 3 * 1000, 2 * 10 + 3 * 100 + 4 * 1000]]]]);
    const [dense] = pullBack(
      (v) => ops.linear(tensor([[1, 2]]), v),
      [zeros([2, 2])],
      tensor([[10, 100]]),
    );
    expect(dense?.toArray()).toEqual([
      [10, 20],
      [100, 200],
    ]);
  });

  it('A4: is not added to that of the batch before', () => {
    const once = pullBack((v) => ops.conv2d(x, v), [w], dy)[0]?.toArray();
    expect(pullBack((v) => ops.conv2d(x, v), [w], dy)[0]?.toArray()).toEqual(once);
  });
});
