import { zeros } from '../../lib/tensor.ts';
import { Random } from '../support/random.ts';
import {
  absent,
  type Case,
  type Family,
  type Input,
  integers,
  lengths,
  seeds,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';

type Sizes = readonly [N: number, F: number, O: number];

function both(
  make: (values: (shape: readonly number[]) => Input, exact: boolean) => Case[],
): Case[] {
  return [...make(integers, true), ...make(uniform, false)];
}

function model(exact: boolean, terms: number): Case['model'] {
  return exact ? { kind: 'exact' } : { kind: 'dot', terms };
}

function casesOf([N, F, O]: Sizes, bias: boolean, seed = 1): Case[] {
  return both((values, exact) => {
    const title = `${N} samples of ${F} to ${O}${bias ? ', bias' : ''}, ${exact ? 'integers' : 'reals'}`;
    const small = !exact && N * F * O > 0 && N * F + F * O <= 60;
    const claim = (...inputs: number[]) => (small ? { gradient: { inputs, tolerance: 1e-6 } } : {});
    return [
      {
        operator: 'linear',
        title,
        seed,
        inputs: [values([N, F]), values([O, F]), bias ? values([O]) : absent],
        attributes: {},
        model: model(exact, F + 1),
        perSample: [0],
        ...claim(0, 1, ...(bias ? [2] : [])),
      },
      {
        operator: 'linearInputGradient',
        title,
        seed,
        inputs: [values([N, O]), values([O, F])],
        attributes: {},
        model: model(exact, O),
        perSample: [0],
        ...claim(0, 1),
      },
      {
        operator: 'linearWeightGradient',
        title,
        seed,
        inputs: [values([N, F]), values([N, O])],
        attributes: {},
        model: model(exact, N),
        ...claim(0, 1),
      },
    ];
  });
}

function biasGradientCases(shape: readonly number[], seed = 1): Case[] {
  const [n = 0, , p = 1, q = 1] = shape;
  return both((values, exact) => [
    {
      operator: 'biasGradient',
      title: `${sizes(shape)}, ${exact ? 'integers' : 'reals'}`,
      seed,
      inputs: [values(shape)],
      attributes: {},
      model: model(exact, n * p * q),
      ...(n * p * q < 50 ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {}),
    },
  ]);
}

const chosen: Sizes[] = [
  [1, 1, 1],
  [3, 4, 5],
  [2, 5, 3],
  [0, 4, 3],
  [3, 0, 2],
  [3, 2, 0],
  [1, 100, 10],
  [65, 33, 17],
  [50, 200, 100],
  [1, 5408, 20],
  [300, 5, 10],
];

function randomSizes(seed: number): Sizes {
  const random = new Random(seed * 104_729);
  const size = () =>
    random.pick([random.integer(1, 9), random.pick(lengths), random.integer(1, 120)]);
  return [size(), size(), size()];
}

const wrongCalls: WrongCall[] = [
  {
    operator: 'linear',
    title: 'features that differ',
    call: (ops) => ops.linear(zeros([2, 3]), zeros([5, 4])),
    code: 'ERR_SHAPE',
    message: ['linear', '(2, 3)', '(5, 4)'],
  },
  {
    operator: 'linear',
    title: 'x of rank 4',
    call: (ops) => ops.linear(zeros([2, 3, 1, 1]), zeros([5, 3])),
    code: 'ERR_SHAPE',
    message: ['linear', '(2, 3, 1, 1)'],
  },
  {
    operator: 'linear',
    title: 'a bias of another length',
    call: (ops) => ops.linear(zeros([2, 3]), zeros([5, 3]), zeros([3])),
    code: 'ERR_SHAPE',
    message: ['linear', '(5)', '(3)'],
  },
  {
    operator: 'linear',
    title: 'a bias of another dtype',
    call: (ops) => ops.linear(zeros([2, 3]), zeros([5, 3]), zeros([5], 'float64')),
    code: 'ERR_DTYPE',
    message: ['linear', 'bias', 'float64'],
  },
];

/** The dense layer's products and the bias gradient. */
export const linearCases: Family = {
  cases: [
    ...chosen.flatMap((all) => [...casesOf(all, true), ...casesOf(all, false)]),
    ...seeds(30).flatMap((seed) => casesOf(randomSizes(seed), seed % 2 === 1, seed)),
    ...[
      [3, 4],
      [1, 1],
      [0, 3],
      [65, 33],
      [1000, 10],
      [2, 3, 4, 5],
      [1, 67, 1, 1],
      [4, 32, 26, 26],
      [3, 7, 1, 9],
      [0, 2, 3, 3],
      [2, 1, 7, 7],
    ].flatMap((shape) => biasGradientCases(shape)),
  ],
  wrongCalls,
  wrongData: [],
};
