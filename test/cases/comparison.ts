import { zeros } from '../../lib/tensor.ts';
import { broadcasts, type Pair, randomPair, rowsOf } from './binary.ts';
import {
  bytes,
  type Case,
  type Family,
  type Input,
  integers,
  literal,
  seeds,
  sizes,
  type WrongCall,
} from './case.ts';
import { shapes, specials } from './elements.ts';

const names = ['equal', 'notEqual', 'less', 'lessEqual', 'greater', 'greaterEqual'] as const;
type Name = (typeof names)[number];

function caseOf(
  operator: Name,
  [a, b]: Pair,
  seed = 1,
  input: (shape: readonly number[]) => Input = (shape) => integers(shape, -2, 2),
  kind = '',
): Case {
  return {
    operator,
    title: `${sizes(a) || 'a scalar'} and ${sizes(b) || 'a scalar'}${kind}`,
    seed,
    inputs: [input(a), input(b)],
    attributes: {},
    model: { kind: 'exact' },
    ...rowsOf(a, b),
  };
}

function casesOf(operator: Name): Case[] {
  return [
    ...shapes.map((shape) => caseOf(operator, [shape, shape])),
    ...broadcasts.map((pair) => caseOf(operator, pair)),
    ...seeds(6).map((seed) => caseOf(operator, randomPair(seed), seed)),
    ...(['int32', 'uint8'] as const).flatMap((dtype) =>
      seeds(6).map((seed) =>
        caseOf(operator, randomPair(seed), seed, (shape) => bytes(shape, dtype), `, ${dtype}`),
      ),
    ),
    {
      operator,
      title: 'NaN, infinities, −0 against each other',
      seed: 1,
      inputs: [literal(specials, [40, 1]), literal(specials, [1, 40])],
      attributes: {},
      model: { kind: 'exact' },
    },
  ];
}

function wrongCallsOf(operator: Name): WrongCall[] {
  return [
    {
      operator,
      title: 'shapes that do not broadcast',
      call: (ops) => ops[operator](zeros([2, 3]), zeros([2])),
      code: 'ERR_SHAPE',
      message: [operator, '(2, 3)', 'b (2)'],
    },
    {
      operator,
      title: 'dtypes that mix',
      call: (ops) => ops[operator](zeros([2], 'int32'), zeros([2], 'uint8')),
      code: 'ERR_DTYPE',
      message: [operator, 'a is int32 (2)', 'b is uint8 (2)'],
    },
    {
      operator,
      title: 'two numbers',
      call: (ops) => ops[operator](1, 2),
      code: 'ERR_ARGUMENT',
      message: [operator, '[1, 2]'],
    },
    {
      operator,
      title: 'a fraction beside integers',
      call: (ops) => ops[operator](zeros([2], 'int32'), 0.5),
      code: 'ERR_DTYPE',
      message: ['0.5', 'int32'],
    },
  ];
}

/** Comparisons with broadcasting. */
export const comparisonCases: Family = {
  cases: names.flatMap(casesOf),
  wrongCalls: names.flatMap(wrongCallsOf),
  wrongData: [],
};
