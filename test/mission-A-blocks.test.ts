import { expect, it } from 'vitest';
import {
  initializers,
  layers,
  type Operand,
  ops,
  sequential,
  Tensor,
  tensor,
  valueAndGrad,
  zeros,
} from '../lib/index.ts';
import { describeOnBothBackends, pullBack, someIntegers } from './support/backends.ts';
import { Random } from './support/random.ts';

function random(shape: readonly number[], seed: number): Tensor {
  const source = new Random(seed);
  const result = zeros(shape, 'float64');
  for (let i = 0; i < result.size; i++) result.data[i] = source.uniform(-1, 1);
  return result;
}

function expectClose(actual: Tensor | undefined, expected: Tensor, digits: number): void {
  expect(actual?.shape).toEqual(expected.shape);
  for (const [i, value] of expected.data.entries()) {
    expect(actual?.data[i], `element ${i}`).toBeCloseTo(value, digits);
  }
}

describeOnBothBackends('A16: skip connections', (backend) => {
  const F = 5;
  // The batch has one row a sample: W·x of the source is x·Wᵀ here.
  const [x, w1, w2, delta] = [
    random([3, F], 1),
    random([F, F], 2),
    random([F, F], 3),
    random([3, F], 4),
  ];
  interface Activation {
    readonly apply: (v: Operand) => Operand;
    /** σ' by σ. */
    readonly slope: (y: Tensor) => Tensor['data'];
  }
  const activations: Readonly<Record<'sigmoid' | 'tanh' | 'relu', Activation>> = {
    sigmoid: {
      apply: (v: Operand) => ops.sigmoid(v),
      slope: (y: Tensor) => y.data.map((s) => s * (1 - s)),
    },
    tanh: {
      apply: (v: Operand) => ops.tanh(v),
      slope: (y: Tensor) => y.data.map((t) => 1 - t * t),
    },
    relu: {
      apply: (v: Operand) => ops.relu(v),
      slope: (y: Tensor) => y.data.map((r) => (r > 0 ? 1 : 0)),
    },
  };
  const names = Object.keys(activations) as (keyof typeof activations)[];

  /** W1ᵀ·diag(σ')·W2ᵀ·δ + δ. */
  function expected(name: keyof typeof activations): Tensor {
    const { apply, slope } = activations[name];
    const hidden = apply(ops.linear(x, w1)) as Tensor;
    const slopes = new Tensor(slope(hidden), hidden.shape, 'float64');
    return ops.add(ops.matmul(ops.mul(ops.matmul(delta, w2), slopes), w1), delta);
  }

  it.each(names)("A16: W2·σ(W1·x) + x has gradient W1ᵀ·diag(σ')·W2ᵀ·δ + δ, σ = %s", (name) => {
    const { apply } = activations[name];
    const block = (v: Operand): Operand => ops.add(ops.linear(apply(ops.linear(v, w1)), w2), v);
    expectClose(pullBack(block, [x], delta)[0], expected(name), 14);
  });

  it.each(names)('A16: so has layers.residual, σ = %s', (name) => {
    const net = sequential({
      inputShape: [F],
      dtype: 'float64',
      backend,
      layers: [
        layers.residual({
          layers: [
            layers.dense({ units: F, bias: false, activation: name }),
            layers.dense({ units: F, bias: false }),
          ],
        }),
      ],
    });
    const parameters = new Map([
      ['0.body.0.weight', w1],
      ['0.body.1.weight', w2],
    ]);
    const [dx] = pullBack((v) => net.apply(v, parameters), [x], delta);
    expectClose(dx, expected(name), 14);
  });

  it('A16: with weights of zero the block passes value and gradient by', () => {
    const none = layers.dense({ units: F, initializer: initializers.zeros() });
    const net = sequential({
      inputShape: [F],
      dtype: 'float64',
      backend,
      layers: [layers.residual({ layers: [none] })],
    });
    expect((net.apply(x) as Tensor).toArray()).toEqual(x.toArray());
    expect(pullBack((v) => net.apply(v), [x], delta)[0]?.toArray()).toEqual(delta.toArray());
  });
});

/** Mean and variance (biased) of channel c of (N,C,H,W). */
function statistics(x: Tensor, c: number): { mean: number; variance: number; count: number } {
  const [n = 0, channels = 0, h = 0, w = 0] = x.shape;
  const values = Array.from({ length: n }, (_, i) =>
    Array.from(x.data.subarray((i * channels + c) * h * w, (i * channels + c + 1) * h * w)),
  ).flat();
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance, count: values.length };
}

describeOnBothBackends('A17: what networks need besides', () => {
  const x = random([4, 3, 5, 2], 5);

  it('A17: batch normalization gives each channel mean 0 and variance 1, then scales and shifts', () => {
    const [weight, bias] = [
      tensor([2, 3, 0.5], [3], 'float64'),
      tensor([1, -1, 0], [3], 'float64'),
    ];
    const { y } = ops.batchNormTraining(x, null, null, weight, bias, { epsilon: 0 });
    for (const c of [0, 1, 2]) {
      const { mean, variance } = statistics(y, c);
      expect(mean).toBeCloseTo(bias.data[c] as number, 14);
      expect(variance).toBeCloseTo((weight.data[c] as number) ** 2, 12);
    }
  });

  it('A17: its running statistics follow the batch, with the unbiased variance, and serve later', () => {
    const [mean, variance] = [zeros([3], 'float64'), tensor([1, 1, 1], [3], 'float64')];
    const next = ops.batchNormTraining(x, mean, variance, null, null, { momentum: 0.25 });
    const y = ops.batchNorm(x, next.runningMean as Tensor, next.runningVariance as Tensor);
    for (const c of [0, 1, 2]) {
      const own = statistics(x, c);
      const unbiased = (own.variance * own.count) / (own.count - 1);
      const [m, v] = [0.25 * own.mean, 0.75 + 0.25 * unbiased];
      expect(next.runningMean?.data[c]).toBeCloseTo(m, 14);
      expect(next.runningVariance?.data[c]).toBeCloseTo(v, 14);
      expect(y.data[10 * c]).toBeCloseTo(
        ((x.data[10 * c] as number) - m) / Math.sqrt(v + 1e-5),
        13,
      );
    }
  });

  it('A17: batch normalization has no gradient along constants and along itself', () => {
    const [dx] = pullBack(
      (v) => ops.batchNormTraining(v, null, null, null, null, { epsilon: 0 }).y,
      [x],
      random(x.shape, 6),
    );
    for (const c of [0, 1, 2]) expect(statistics(dx as Tensor, c).mean).toBeCloseTo(0, 14);
    const product = ops.mul(dx as Tensor, x);
    for (const c of [0, 1, 2]) expect(statistics(product, c).mean).toBeCloseTo(0, 13);
  });

  it('A17: dropout keeps values with probability 1 − rate, times 1/(1 − rate), and its gradient', () => {
    const ones = tensor(Array(20_000).fill(1), [20_000], 'float64');
    const options = { rate: 0.2, seed: 7 };
    const y = ops.dropout(ones, options);
    expect(new Set(y.data)).toEqual(new Set([0, 1.25]));
    const kept = Array.from(y.data).filter((value) => value !== 0).length / 20_000;
    // Four deviations of a binomial of 20,000.
    expect(Math.abs(kept - 0.8)).toBeLessThan(4 * Math.sqrt((0.8 * 0.2) / 20_000));
    const [dx] = pullBack((v) => ops.dropout(v, options), [ones], ones);
    expect(dx?.data).toEqual(y.data);
    expect(ops.dropout(ones, { ...options, seed: 8 }).data).not.toEqual(y.data);
    expect(ops.dropout(ones, { ...options, step: 1 }).data).not.toEqual(y.data);
  });

  it('A17: concat joins what slice takes apart, value and gradient', () => {
    const [a, b] = [someIntegers([2, 3, 4, 5]), someIntegers([2, 2, 4, 5], 3, 9)];
    const joined = ops.concat([a, b], { axis: 1 });
    expect(ops.slice(joined, [null, [0, 3]]).toArray()).toEqual(a.toArray());
    expect(ops.slice(joined, [null, [3, 5]]).toArray()).toEqual(b.toArray());
    const dy = someIntegers([2, 5, 4, 5], 3, 2);
    const [da, db] = pullBack((v, w) => ops.concat([v, w], { axis: 1 }), [a, b], dy);
    expect(ops.concat([da as Tensor, db as Tensor], { axis: 1 }).toArray()).toEqual(dy.toArray());
  });

  it('A17: a slice by channel list: a convolution of some channels is one with zeros for the rest', () => {
    const [image, list] = [someIntegers([2, 6, 5, 5]), [0, 3, 4, 5]];
    const narrow = someIntegers([1, 4, 3, 3]);
    const wide = zeros([1, 6, 3, 3]);
    for (const [i, channel] of list.entries()) {
      wide.data.set(narrow.data.subarray(9 * i, 9 * i + 9), 9 * channel);
    }
    const chosen = (v: Operand): Operand => ops.conv2d(ops.gather(v, list, { axis: 1 }), narrow);
    expect((chosen(image) as Tensor).toArray()).toEqual(ops.conv2d(image, wide).toArray());
    const dy = someIntegers([2, 1, 3, 3], 3, 4);
    const [dx] = pullBack(chosen, [image], dy);
    const [other] = pullBack((v) => ops.conv2d(v, wide), [image], dy);
    expect(dx?.toArray()).toEqual(other?.toArray());
  });

  it('A17: a channel taken twice gets both gradients', () => {
    const image = someIntegers([1, 3, 2]);
    const sum = valueAndGrad((v) => ops.sum(ops.gather(v, [2, 0, 2], { axis: 1 })));
    expect(sum(image).grads[0]?.toArray()).toEqual([
      [
        [1, 1],
        [0, 0],
        [2, 2],
      ],
    ]);
  });
});
