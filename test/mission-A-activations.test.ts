import { expect, it } from 'vitest';
import { gradientCheck, type Operand, ops, Tensor, tensor } from '../lib/index.ts';
import { describeOnBothBackends, pullBack } from './support/backends.ts';

const { exp, expm1, log1p, max, min, sqrt, tanh } = Math;
const sigmoid = (x: number): number => 1 / (1 + exp(-x));
const softplus = (x: number): number => max(x, 0) + log1p(exp(-Math.abs(x)));

/** erf x = 2/√π · e^(−x²) · Σ 2ⁿ x²ⁿ⁺¹/(2n + 1)!!, whose terms have one sign. */
function erf(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < 150; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / sqrt(Math.PI)) * exp(-x * x) * sum;
}

const [seluScale, seluAlpha] = [1.0507009873554805, 1.6732632423543772];

interface Entry {
  readonly name: string;
  readonly apply: (x: Operand) => Operand;
  readonly formula: (x: number) => number;
  /** Never falls, so that it commutes with maxima. */
  readonly increasing: boolean;
}

const slope = tensor([0.25], [1], 'float64');

const zoo: readonly Entry[] = [
  { name: 'sigmoid', apply: (x) => ops.sigmoid(x), formula: sigmoid, increasing: true },
  { name: 'tanh', apply: (x) => ops.tanh(x), formula: tanh, increasing: true },
  { name: 'ReLU', apply: (x) => ops.relu(x), formula: (x) => max(x, 0), increasing: true },
  {
    name: 'leaky ReLU (0.01)',
    apply: (x) => ops.leakyRelu(x),
    formula: (x) => (x > 0 ? x : 0.01 * x),
    increasing: true,
  },
  {
    name: 'leaky ReLU of slope 0.2',
    apply: (x) => ops.leakyRelu(x, { negativeSlope: 0.2 }),
    formula: (x) => (x > 0 ? x : 0.2 * x),
    increasing: true,
  },
  {
    name: 'PReLU',
    apply: (x) => ops.prelu(x, slope),
    formula: (x) => (x > 0 ? x : 0.25 * x),
    increasing: true,
  },
  {
    name: 'ELU',
    apply: (x) => ops.elu(x),
    formula: (x) => (x > 0 ? x : expm1(x)),
    increasing: true,
  },
  {
    name: 'SELU',
    apply: (x) => ops.selu(x),
    formula: (x) => seluScale * (x > 0 ? x : seluAlpha * expm1(x)),
    increasing: true,
  },
  { name: 'softplus', apply: (x) => ops.softplus(x), formula: softplus, increasing: true },
  {
    name: 'ReLU6',
    apply: (x) => ops.relu6(x),
    formula: (x) => min(max(x, 0), 6),
    increasing: true,
  },
  {
    name: 'Mish, x·tanh(ln(1 + eˣ))',
    apply: (x) => ops.mish(x),
    formula: (x) => x * tanh(softplus(x)),
    increasing: false,
  },
  {
    name: 'Swish, x·sigmoid(x)',
    apply: (x) => ops.swish(x),
    formula: (x) => x * sigmoid(x),
    increasing: false,
  },
  {
    name: 'hard-swish, x·ReLU6(x + 3)/6',
    apply: (x) => ops.hardSwish(x),
    formula: (x) => (x * min(max(x + 3, 0), 6)) / 6,
    increasing: false,
  },
  {
    name: 'GELU, x·Φ(x)',
    apply: (x) => ops.gelu(x),
    formula: (x) => (x / 2) * (1 + erf(x / Math.SQRT2)),
    increasing: false,
  },
  {
    name: 'GELU by tanh',
    apply: (x) => ops.gelu(x, { approximate: 'tanh' }),
    formula: (x) => (x / 2) * (1 + tanh(sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
    increasing: false,
  },
];

/** 72 numbers in (−4, 7), all different, none at a kink, in an order that mixes them. */
const points = tensor(
  Array.from({ length: 72 }, (_, i) => -3.97 + ((i * 29) % 72) * 0.15),
  [2, 1, 6, 6],
  'float64',
);

describeOnBothBackends('A14: activations', (backend) => {
  it.each(zoo)('A14: $name by its formula, and its gradient', ({ apply, formula }) => {
    const y = apply(points) as Tensor;
    for (const [i, x] of points.data.entries()) {
      const expected = formula(x);
      expect(Math.abs((y.data[i] as number) - expected), `at ${x}`).toBeLessThan(
        4e-15 * max(1, Math.abs(expected)),
      );
    }
    const { maxError, worst } = gradientCheck(apply, [points], { backend, epsilon: 1e-5 });
    expect(maxError, JSON.stringify(worst)).toBeLessThan(1e-8);
  });

  it.each(zoo.filter(({ increasing }) => increasing))(
    'A14: $name and max pooling commute, value and gradient',
    ({ apply }) => {
      const pool = (x: Operand): Operand => ops.maxPool2d(x, { kernelSize: 3, stride: 2 });
      const before = (x: Operand): Operand => pool(apply(x));
      const after = (x: Operand): Operand => apply(pool(x));
      expect((before(points) as Tensor).toArray()).toEqual((after(points) as Tensor).toArray());
      const dy = new Tensor(Float64Array.of(1, 2, -3, 4, 5, 6, 7, -8), [2, 1, 2, 2], 'float64');
      const [a, b] = [before, after].map((fn) => pullBack(fn, [points], dy)[0] as Tensor);
      for (const [i, value] of (a as Tensor).data.entries()) {
        expect(value).toBeCloseTo(b?.data[i] as number, 14);
      }
    },
  );

  it('A14: PReLU learns its slopes: the gradient sums dy·x where x is negative', () => {
    const x = tensor(
      [
        [1, -2],
        [-3, 4],
        [-5, -6],
      ],
      [3, 2],
      'float64',
    );
    const slopes = tensor([0.5, 0.125], [2], 'float64');
    const dy = tensor(
      [
        [1, 10],
        [100, 1000],
        [2, 3],
      ],
      [3, 2],
      'float64',
    );
    expect(ops.prelu(x, slopes).toArray()).toEqual([
      [1, -0.25],
      [-1.5, 4],
      [-2.5, -0.75],
    ]);
    const [dx, dSlopes] = pullBack((v, s) => ops.prelu(v, s), [x, slopes], dy);
    expect(dx?.toArray()).toEqual([
      [1, 1.25],
      [50, 1000],
      [1, 0.375],
    ]);
    expect(dSlopes?.toArray()).toEqual([-3 * 100 + -5 * 2, -2 * 10 + -6 * 3]);
  });

  it('A14: Maxout takes the largest of its pieces, which gets the gradient', () => {
    const x = tensor([[1, 5, 2, -1, -3, -2]], [1, 6], 'float64');
    expect(ops.maxout(x, { pieces: 3 }).toArray()).toEqual([[5, -1]]);
    const [dx] = pullBack(
      (v) => ops.maxout(v, { pieces: 3 }),
      [x],
      tensor([[7, 9]], [1, 2], 'float64'),
    );
    expect(dx?.toArray()).toEqual([[0, 7, 0, 9, 0, 0]]);
  });

  it('A14: softmax is exp over its sum, and log-softmax its logarithm', () => {
    const z = tensor(
      [
        [0.5, -1, 2],
        [3, 3, -700],
      ],
      [2, 3],
      'float64',
    );
    const [p, l] = [ops.softmax(z), ops.logSoftmax(z)];
    for (const [n, row] of [
      [0.5, -1, 2],
      [3, 3, -700],
    ].entries()) {
      const sum = row.reduce((total, value) => total + exp(value), 0);
      for (const [c, value] of row.entries()) {
        expect(p.data[3 * n + c]).toBeCloseTo(exp(value) / sum, 15);
        expect(l.data[3 * n + c]).toBeCloseTo(value - Math.log(sum), 12);
      }
    }
  });
});
