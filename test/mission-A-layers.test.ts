import { expect, it } from 'vitest';
import { mnist } from '../lib/data/mnist.ts';
import type { Samples } from '../lib/data/samples.ts';
import { type Operand, ops, Tensor, tensor, valueAndGrad, zeros } from '../lib/index.ts';
import { describeOnBothBackends, pullBack, single, someIntegers } from './support/backends.ts';

describeOnBothBackends('A9: max pooling', () => {
  const x = tensor([
    [
      [
        [1, 5, 2, 0, 9],
        [3, 4, 8, 1, 9],
        [7, 0, 6, 6, 9],
        [2, 2, 5, 3, 9],
        [9, 9, 9, 9, 9],
      ],
    ],
  ]);

  it('A9: drops what does not fill a window and gives it gradient 0', () => {
    const y = ops.maxPool2d(x, { kernelSize: 2 });
    expect(y.toArray()).toEqual([
      [
        [
          [5, 8],
          [7, 6],
        ],
      ],
    ]);
    const [dx] = pullBack(
      (v) => ops.maxPool2d(v, { kernelSize: 2 }),
      [x],
      tensor([
        [
          [
            [1, 2],
            [3, 4],
          ],
        ],
      ]),
    );
    expect(dx?.toArray()).toEqual([
      [
        [
          [0, 1, 0, 0, 0],
          [0, 0, 2, 0, 0],
          [3, 0, 4, 0, 0],
          [0, 0, 0, 0, 0],
          [0, 0, 0, 0, 0],
        ],
      ],
    ]);
  });

  it('A9: has (W − F)/S + 1 outputs, rounded down, or up with ceilMode', () => {
    for (const [W, F, S] of [
      [5, 2, 2],
      [6, 3, 2],
      [7, 3, 3],
      [8, 2, 3],
      [5, 5, 1],
      [3, 5, 5],
      [4, 5, 2],
    ] as const) {
      const images = zeros([1, 1, W, W]);
      const size = (round: (x: number) => number) => round((W - F) / S) + 1;
      const down = () => ops.maxPool2d(images, { kernelSize: F, stride: S });
      if (W < F) expect(down).toThrow('larger than the padded input');
      else expect(down().shape).toEqual([1, 1, size(Math.floor), size(Math.floor)]);
      const up = ops.maxPool2d(images, { kernelSize: F, stride: S, ceilMode: true });
      expect(up.shape).toEqual([1, 1, size(Math.ceil), size(Math.ceil)]);
    }
  });

  it('A9: with ceilMode the last window takes what is there', () => {
    expect(ops.maxPool2d(x, { kernelSize: 2, ceilMode: true }).toArray()).toEqual([
      [
        [
          [5, 8, 9],
          [7, 6, 9],
          [9, 9, 9],
        ],
      ],
    ]);
  });

  it('A9: pads with −∞, so that negative maxima stay', () => {
    const y = ops.maxPool2d(
      single([
        [-1, -2],
        [-3, -4],
      ]),
      { kernelSize: 3, stride: 1, padding: 1 },
    );
    expect(y.toArray()).toEqual([
      [
        [
          [-1, -1],
          [-1, -1],
        ],
      ],
    ]);
  });

  it('A9: windows that overlap add their gradients', () => {
    const [dx] = pullBack(
      (v) => ops.maxPool2d(v, { kernelSize: 2, stride: 1 }),
      [
        single([
          [0, 1, 2],
          [3, 9, 4],
          [5, 6, 7],
        ]),
      ],
      tensor([
        [
          [
            [1, 10],
            [100, 1000],
          ],
        ],
      ]),
    );
    expect(dx?.toArray()).toEqual([
      [
        [
          [0, 0, 0],
          [0, 1111, 0],
          [0, 0, 0],
        ],
      ],
    ]);
  });
});

describeOnBothBackends('A10: ties in max pooling', () => {
  const x = single([
    [4, 4, 1, 0],
    [4, 0, 2, 2],
  ]);
  const dy = tensor([[[[6, 10]]]]);
  it.each([
    [
      'all',
      [
        [6, 6, 0, 0],
        [6, 0, 10, 10],
      ],
    ],
    [
      'split',
      [
        [2, 2, 0, 0],
        [2, 0, 5, 5],
      ],
    ],
    [
      'first',
      [
        [6, 0, 0, 0],
        [0, 0, 10, 0],
      ],
    ],
  ] as const)("A10: '%s', in both dtypes", (ties, expected) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const pool = (v: Operand): Operand => ops.maxPool2d(v, { kernelSize: 2, ties });
      const [dx] = pullBack(pool, [x.to(dtype)], dy.to(dtype));
      expect(dx?.dtype).toBe(dtype);
      expect(dx?.toArray()).toEqual([[expected]]);
    }
  });

  it("A10: the default is 'first'", () => {
    const [dx] = pullBack((v) => ops.maxPool2d(v, { kernelSize: 2 }), [x], dy);
    expect(dx?.toArray()).toEqual([
      [
        [
          [6, 0, 0, 0],
          [0, 0, 10, 0],
        ],
      ],
    ]);
  });
});

describeOnBothBackends('A12: dense layer and matrix product', () => {
  const a = tensor([
    [2, 1, -3],
    [-3, 4, 2],
  ]);
  const b = tensor([
    [3, 2, 1, -1],
    [2, 1, 3, 2],
    [3, 2, 1, -2],
  ]);

  it('A12: the product of the source', () => {
    expect(ops.matmul(a, b).toArray()).toEqual([
      [-1, -1, 2, 6],
      [5, 2, 11, 7],
    ]);
  });

  it('A12: y = xw has dx = dy·wᵀ and dw = xᵀ·dy', () => {
    const dy = someIntegers([2, 4]);
    const [da, db] = pullBack((v, w) => ops.matmul(v, w), [a, b], dy);
    expect(da?.toArray()).toEqual(ops.matmul(dy, ops.transpose(b)).toArray());
    expect(db?.toArray()).toEqual(ops.matmul(ops.transpose(a), dy).toArray());
  });

  it('A12: a dense layer has dW = δᵀx, dx = δW and db = Σδ', () => {
    const [x, w, bias] = [someIntegers([5, 3]), someIntegers([4, 3]), tensor([1, 2, 3, 4])];
    const delta = someIntegers([5, 4], 3, 7);
    expect(ops.linear(x, w, bias).toArray()).toEqual(
      (ops.matmul(x, w, { transposeB: true }).toArray() as number[][]).map((row) =>
        row.map((value, o) => value + (bias.data[o] as number)),
      ),
    );
    const [dx, dw, db] = pullBack((v, m, c) => ops.linear(v, m, c), [x, w, bias], delta);
    expect(dx?.toArray()).toEqual(ops.matmul(delta, w).toArray());
    expect(dw?.toArray()).toEqual(ops.matmul(ops.transpose(delta), x).toArray());
    const sums = (ops.transpose(delta).toArray() as number[][]).map((row) =>
      row.reduce((p, q) => p + q),
    );
    expect(db?.toArray()).toEqual(sums);
  });
});

describeOnBothBackends('A13: flatten', () => {
  it('A13: (n, c, h, w) to (n, c·h·w) and back, gradient too', () => {
    const x = someIntegers([2, 3, 4, 5], 9);
    const y = ops.flatten(x);
    expect(y.shape).toEqual([2, 60]);
    expect(y.data).toEqual(x.data);
    expect(ops.reshape(y, [2, 3, 4, 5]).toArray()).toEqual(x.toArray());
    const dy = someIntegers([2, 60]);
    const [dx] = pullBack(ops.flatten, [x], dy);
    expect(dx?.shape).toEqual(x.shape);
    expect(dx?.data).toEqual(dy.data);
  });
});

describeOnBothBackends('A15: softmax and losses', () => {
  const z = tensor([[0.2, -1.3, 2.1, 0.4]], [1, 4], 'float64');
  const exponentials = Array.from(z.data, Math.exp);
  const total = exponentials.reduce((a, b) => a + b);
  const p = exponentials.map((e) => e / total);

  it('A15: softmax has the Jacobian p_i(δ_ij − p_j)', () => {
    for (const [i, pi] of p.entries()) {
      const unit = zeros([1, 4], 'float64');
      unit.data[i] = 1;
      const [row] = pullBack((v) => ops.softmax(v), [z], unit);
      for (const [j, pj] of p.entries()) {
        expect(row?.data[j]).toBeCloseTo(pi * ((i === j ? 1 : 0) - pj), 14);
      }
    }
  });

  it('A15: cross-entropy is −log p_y with gradient p − e_y', () => {
    const label = tensor([2], [1], 'int32');
    expect(ops.softmaxCrossEntropy(z, label).item()).toBeCloseTo(-Math.log(p[2] as number), 14);
    const [dz] = pullBack(
      (v) => ops.softmaxCrossEntropy(v, label),
      [z],
      tensor([1], [1], 'float64'),
    );
    for (const [j, pj] of p.entries()) expect(dz?.data[j]).toBeCloseTo(pj - (j === 2 ? 1 : 0), 14);
  });

  it('A15: squared error has gradient 2(prediction − target)/size', () => {
    const [a, b] = [
      tensor([
        [1, 2],
        [3, 5],
      ]),
      tensor([
        [0, 2],
        [7, 1],
      ]),
    ];
    expect(ops.squaredError(a, b).item()).toBe((1 + 0 + 16 + 16) / 4);
    expect(ops.squaredError(a, b, { reduction: 'sum' }).item()).toBe(33);
    const [da, db] = pullBack((v, w) => ops.squaredError(v, w), [a, b], tensor([1]));
    expect(da?.toArray()).toEqual([
      [0.5, 0],
      [-2, 2],
    ]);
    expect(db?.toArray()).toEqual([
      [-0.5, 0],
      [2, -2],
    ]);
  });
});

interface Digits {
  readonly x: Tensor;
  /** 0 for a four, 1 for a nine. */
  readonly labels: Tensor;
  readonly oneHot: Tensor;
}

/** The first `count` fours and nines of a data set, pixels in [0, 1]. */
function foursAndNines({ x, y }: Samples, count: number): Digits {
  const places: number[] = [];
  for (let i = 0; places.length < count; i++) {
    if (y.data[i] === 4 || y.data[i] === 9) places.push(i);
  }
  const pixels = zeros([count, 784]);
  const [labels, oneHot] = [zeros([count], 'int32'), zeros([count, 2])];
  for (const [n, place] of places.entries()) {
    pixels.data.set(x.data.subarray(place * 784, place * 784 + 784), n * 784);
    labels.data[n] = y.data[place] === 9 ? 1 : 0;
    oneHot.data[2 * n + (labels.data[n] as number)] = 1;
  }
  for (let i = 0; i < pixels.size; i++) pixels.data[i] /= 255;
  return { x: pixels, labels, oneHot };
}

describeOnBothBackends('A15: fours against nines', () => {
  it('A15: cross-entropy and the sum of squares both learn to tell them apart', async () => {
    const { train, test } = await mnist();
    const [seen, unseen] = [foursAndNines(train, 300), foursAndNines(test, 300)];
    const losses: Record<string, (w: Operand) => Operand> = {
      crossEntropy: (w) => ops.softmaxCrossEntropy(ops.linear(seen.x, w), seen.labels),
      squares: (w) => ops.squaredError(ops.softmax(ops.linear(seen.x, w)), seen.oneHot),
    };
    for (const [name, loss] of Object.entries(losses)) {
      let w: Tensor = zeros([2, 784]);
      const step = valueAndGrad(loss);
      const first = step(w).value.item();
      for (let i = 0; i < 40; i++) {
        const gradient = step(w).grads[0] as Tensor;
        w = new Tensor(
          w.data.map((value, j) => value - 0.1 * (gradient.data[j] as number)),
          w.shape,
          w.dtype,
        );
      }
      expect(step(w).value.item(), name).toBeLessThan(0.6 * first);
      const right = ops.countCorrect(ops.linear(unseen.x, w), unseen.labels).item();
      expect(right / 300, name).toBeGreaterThan(0.9);
    }
  });
});
