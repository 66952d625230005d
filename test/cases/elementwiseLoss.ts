import type { Reduction } from '../../lib/ops/loss.ts';
import type { Attributes } from '../../lib/ops/operator.ts';
import { elementCount } from '../../lib/shape.ts';
import { type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type ErrorModel,
  type Family,
  type Functions,
  type Input,
  lengths,
  literal,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { reductions, sum, tiny } from './rows.ts';

/** A loss, and how far off its value and its slope may be for one pair of elements, in u. */
interface Tried {
  readonly operator: 'squaredError' | 'absoluteError' | 'huber' | 'binaryCrossEntropy';
  readonly settings: Attributes;
  readonly derivation: string;
  readonly value: (a: number, b: number, delta: number) => { size: number; error: number };
  readonly slope: (a: number, b: number, delta: number) => { size: number; error: number };
  readonly inputs: (shape: readonly number[]) => [Input, Input];
}

/** The second operand 0.1 to 0.4 or 0.6 to 1.6 from the first: away from 0 and from ±0.5. */
const apart: Input = ({ inputs, dtype, random }) => {
  const first = inputs[0] as Tensor;
  const values = Array.from(first.data, (value) => {
    const near = random.integer(0, 1) === 0;
    const distance = near ? random.uniform(0.1, 0.4) : random.uniform(0.6, 1.6);
    return value + (random.integer(0, 1) === 0 ? distance : -distance);
  });
  return tensor(values, first.shape, dtype);
};

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
const distances = (shape: readonly number[]): [Input, Input] => [uniform(shape), apart];
const relative = (size: number, error: number) => ({ size, error: error * size });

const losses: readonly Tried[] = [
  {
    operator: 'squaredError',
    settings: {},
    derivation: 'the difference rounds once, which the square doubles, and the square once',
    value: (a, b) => relative((a - b) ** 2, 4),
    slope: (a, b) => relative(2 * Math.abs(a - b), 2),
    inputs: (shape) => [uniform(shape), uniform(shape)],
  },
  {
    operator: 'absoluteError',
    settings: {},
    derivation: 'the difference rounds once; the sign is exact',
    value: (a, b) => relative(Math.abs(a - b), 2),
    slope: () => relative(1, 0),
    inputs: distances,
  },
  ...[0.5, 1.3].map(
    (delta): Tried => ({
      operator: 'huber',
      settings: { delta },
      derivation:
        'difference, delta and products round once each; on the lines |d| is at most twice ' +
        '|d| − delta/2, so that the difference of the two at most doubles a relative error',
      value: (a, b, d) => {
        const distance = Math.abs(a - b);
        return relative(distance <= d ? distance ** 2 / 2 : d * (distance - d / 2), 8);
      },
      slope: (a, b, d) => relative(Math.min(Math.abs(a - b), d), 2),
      inputs: distances,
    }),
  ),
  {
    operator: 'binaryCrossEntropy',
    settings: {},
    derivation:
      'the exponential is good to 8 u, its log(1 + e) to 8 u more; maximum, product and logarithm ' +
      'are added with two roundings relative to at most the sum of their sizes',
    value: (x, t) => {
      const rest = Math.log1p(Math.exp(-Math.abs(x)));
      const size = Math.max(x, 0) + Math.abs(x * t) + rest;
      return { size, error: 4 * size + 16 * rest };
    },
    slope: (x, t) => ({
      size: Math.abs(logistic(x) - t),
      error: 12 * logistic(x) + 2 * Math.abs(t),
    }),
    inputs: (shape) => [uniform(shape, -6, 6), uniform(shape, 0, 1)],
  },
];

function valueModel({ derivation, value }: Tried): ErrorModel {
  return {
    kind: 'composed',
    derivation: `${derivation}; a sum of K terms of one sign errs by (4·√K + 4)·u of it, and the reference's, in order and in float64, by K·2⁻⁵³ at most`,
    bounds: ([a, b], _, u, { reduction, delta = 0 }) => {
      const [first, second] = [a as Tensor, b as Tensor];
      const terms = Array.from(first.data, (x, i) =>
        value(x as number, second.data[i] as number, delta as number),
      );
      if (reduction === 'none') return [terms.map(({ error }) => error * u + tiny)];
      const size = sum(terms.map((term) => term.size));
      const K = terms.length;
      const whole =
        sum(terms.map(({ error }) => error)) + (4 * Math.sqrt(K) + 4 + (K * 2 ** -53) / u) * size;
      return [[(reduction === 'mean' ? whole / K : whole) * u + tiny]];
    },
  };
}

function gradientModel({ derivation, slope }: Tried): ErrorModel {
  return {
    kind: 'composed',
    derivation: `${derivation}; the factor dloss (over the number of elements) and the product round once`,
    bounds: ([a, b, dloss], _, u, { reduction, delta = 0 }) => {
      const [first, second, factor] = [a as Tensor, b as Tensor, dloss as Tensor];
      const bounds = Array.from(first.data, (x, i) => {
        const { size, error } = slope(x as number, second.data[i] as number, delta as number);
        const scale =
          Math.abs(factor.data[reduction === 'none' ? i : 0] as number) /
          (reduction === 'mean' ? first.size : 1);
        return scale * (error + 4 * size) * u + tiny;
      });
      return [bounds];
    },
  };
}

function casesOf(tried: Tried, shape: readonly number[]): Case[] {
  const { operator, settings, inputs } = tried;
  const size = elementCount(shape);
  const setting = Object.values(settings).join();
  return reductions.flatMap((reduction): Case[] => {
    const each = reduction === 'none' && shape.length > 0;
    const common = {
      title: `${sizes(shape)}, ${reduction}${setting === '' ? '' : `, ${setting}`}`,
      seed: 1,
      attributes: { ...settings, reduction },
    };
    return [
      {
        ...common,
        operator,
        inputs: inputs(shape),
        model: valueModel(tried),
        ...(each ? { perSample: [0, 1] } : {}),
        ...(size > 0 && size <= 100 ? { gradient: { inputs: [0, 1], tolerance: 1e-6 } } : {}),
      },
      {
        ...common,
        operator: `${operator}Gradient`,
        inputs: [...inputs(shape), uniform(reduction === 'none' ? shape : [], 0.5, 2)],
        model: gradientModel(tried),
        ...(each ? { perSample: [0, 1, 2] } : {}),
        ...(size > 0 && size <= 20 ? { gradient: { inputs: [0, 1, 2], tolerance: 1e-6 } } : {}),
      },
    ];
  });
}

const shapes = [
  [3, 4],
  [0, 3],
  [2, 3, 4, 5],
  [1000, 7],
  [2, 17_000],
  [],
  ...lengths.map((n) => [n]),
];

const { NaN: none, POSITIVE_INFINITY: infinity } = Number;
const firsts = [none, 1, infinity, -infinity, infinity, 0, -0, -0, 1, 3, -200, 200, 1e4, -1e4, 0.5];
const seconds = [1, none, 0, 1, infinity, 0, 0, -0, 1, 1, 1, 0, 1, 0, -1];

function specialCases({ operator, settings, ...tried }: Tried): Case[] {
  const operands = [literal(firsts, [firsts.length]), literal(seconds, [seconds.length])];
  const common = { title: 'NaN, infinities, zeros, far apart', seed: 1 };
  const attributes = { ...settings, reduction: 'none' };
  const ones = literal(new Array(firsts.length).fill(1), [firsts.length]);
  const all = { operator, settings, ...tried };
  return [
    {
      ...common,
      operator,
      inputs: operands,
      attributes,
      model: valueModel(all),
      perSample: [0, 1],
    },
    {
      ...common,
      operator: `${operator}Gradient`,
      inputs: [...operands, ones],
      attributes,
      model: gradientModel(all),
      perSample: [0, 1, 2],
    },
  ];
}

function wrongCallsOf(operator: Tried['operator']): WrongCall[] {
  const call = (ops: Functions, a: Tensor, b: Tensor, options = {}) => ops[operator](a, b, options);
  return [
    {
      operator,
      title: 'shapes that differ',
      call: (ops) => call(ops, zeros([4, 3]), zeros([4])),
      code: 'ERR_SHAPE',
      message: [operator, '(4, 3)', '(4)'],
    },
    {
      operator,
      title: 'dtypes that differ',
      call: (ops) => call(ops, zeros([4]), zeros([4], 'float64')),
      code: 'ERR_DTYPE',
      message: [operator, 'float32', 'float64'],
    },
    {
      operator,
      title: 'integers',
      call: (ops) => call(ops, zeros([4], 'int32'), zeros([4])),
      code: 'ERR_DTYPE',
      message: [operator, 'int32'],
    },
    {
      operator,
      title: 'an unknown reduction',
      call: (ops) => call(ops, zeros([4]), zeros([4]), { reduction: 'max' as Reduction }),
      code: 'ERR_ARGUMENT',
      message: [operator, "'max'"],
    },
    {
      operator,
      title: 'an unknown option',
      call: (ops) => call(ops, zeros([4]), zeros([4]), { beta: 1 }),
      code: 'ERR_ARGUMENT',
      message: [operator, "'beta'"],
    },
  ];
}

const wrongDeltas: WrongCall[] = [0, -1, none, infinity].map((delta) => ({
  operator: 'huber',
  title: `delta ${delta}`,
  call: (ops) => ops.huber(zeros([4]), zeros([4]), { delta }),
  code: 'ERR_ARGUMENT',
  message: ['huber', 'delta', String(delta)],
}));

const names = [...new Set(losses.map(({ operator }) => operator))];

/** Squared and absolute error, Huber loss, binary cross-entropy, and their gradients. */
export const elementwiseLossCases: Family = {
  cases: losses.flatMap((tried) => [
    ...shapes.flatMap((shape) => casesOf(tried, shape)),
    ...specialCases(tried),
  ]),
  wrongCalls: [...names.flatMap(wrongCallsOf), ...wrongDeltas],
  wrongData: [],
};
