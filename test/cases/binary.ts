import { tensor, zeros } from '../../lib/tensor.ts';
import { Random } from '../support/random.ts';
import {
  type Case,
  type ErrorModel,
  type Family,
  type Functions,
  type Input,
  literal,
  seeds,
  sizes,
  spread,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, hasRows, shapes, specials } from './elements.ts';

type Shape = readonly number[];
export type Pair = readonly [a: Shape, b: Shape];

/** What broadcasts to what: scalars, rows, columns, both, planes, channels, and several at once. */
export const broadcasts: readonly Pair[] = [
  [[], []],
  [[67], []],
  [[], [67]],
  [[70_001], []],
  [
    [5, 1],
    [1, 7],
  ],
  [
    [7, 33],
    [1, 33],
  ],
  [
    [1, 33],
    [7, 33],
  ],
  [
    [7, 65],
    [7, 1],
  ],
  [
    [7, 1],
    [7, 65],
  ],
  [
    [700, 3],
    [1, 3],
  ],
  [
    [700, 3],
    [700, 1],
  ],
  [
    [1, 2],
    [9000, 1],
  ],
  [
    [3, 20_000],
    [1, 20_000],
  ],
  [
    [3, 20_000],
    [3, 1],
  ],
  [
    [2, 5, 4, 3],
    [1, 5, 1, 1],
  ],
  [
    [2, 5, 40, 30],
    [1, 5, 1, 1],
  ],
  [
    [2, 40, 30, 5],
    [1, 1, 1, 5],
  ],
  [
    [2, 3, 4, 5],
    [2, 1, 4, 1],
  ],
  [
    [2, 3, 4, 5],
    [1, 3, 1, 5],
  ],
  [
    [4, 1, 6, 1],
    [1, 5, 1, 7],
  ],
  [
    [3, 1, 50],
    [3, 50, 1],
  ],
  [
    [2, 1, 3, 1, 2, 3],
    [1, 2, 1, 3, 1, 1],
  ],
  [
    [3, 0],
    [1, 1],
  ],
  [
    [1, 0, 2],
    [4, 1, 1],
  ],
  [
    [1, 1],
    [1, 1],
  ],
];

/** Which operands hold a sample a row: those with all rows of the result. */
export function rowsOf(...operands: Shape[]): { perSample?: readonly number[] } {
  const N = Math.max(...operands.map((shape) => shape[0] ?? 1));
  if (!operands.some(hasRows) || operands.some((shape) => shape[0] === 0)) return {};
  const perSample = operands.flatMap((shape, i) => (shape[0] === N && shape.length > 1 ? [i] : []));
  return operands.every((shape) => shape.length !== 1) ? { perSample } : {};
}

/** A pair of shapes of one rank up to 5 that broadcast. */
export function randomPair(seed: number): Pair {
  const random = new Random(seed * 104_729);
  const rank = random.integer(1, 5);
  const full = Array.from({ length: rank }, () =>
    random.pick([1, 2, 3, random.integer(1, 9), random.integer(1, rank < 3 ? 140 : 20)]),
  );
  const thin = (): Shape => full.map((size) => (random.next() < 0.35 ? 1 : size));
  return [thin(), thin()];
}

const names = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'pow'] as const;

interface Definition {
  readonly operator: (typeof names)[number];
  readonly a: (shape: Shape) => Input;
  readonly b: (shape: Shape) => Input;
  /** Default: exact. */
  readonly model?: ErrorModel;
}

const definitions: readonly Definition[] = [
  { operator: 'add', a: (s) => uniform(s), b: (s) => uniform(s, -1e-3, 1e3) },
  { operator: 'sub', a: (s) => uniform(s), b: (s) => uniform(s, -1e-3, 1e1) },
  { operator: 'mul', a: (s) => uniform(s), b: (s) => uniform(s, -3, 3) },
  { operator: 'div', a: (s) => uniform(s), b: (s) => uniform(s, 0.5, 3) },
  { operator: 'maximum', a: spread, b: (s) => uniform(s, -1.1, 1.1) },
  { operator: 'minimum', a: spread, b: (s) => uniform(s, -1.1, 1.1) },
  {
    operator: 'pow',
    a: (s) => uniform(s, 0.25, 3),
    b: (s) => uniform(s, -3, 3),
    model: { kind: 'ulp', ulps: 2 },
  },
];

function caseOf({ operator, a, b, model }: Definition, [left, right]: Pair, seed = 1): Case {
  const size = Math.max(...[left, right].map((shape) => shape.reduce((x, y) => x * y, 1)));
  return {
    operator,
    title: `${sizes(left) || 'a scalar'} and ${sizes(right) || 'a scalar'}`,
    seed,
    inputs: [a(left), b(right)],
    attributes: {},
    model: model ?? { kind: 'exact' },
    ...rowsOf(left, right),
    ...checkedWhenSmall([size], 0, 1),
  };
}

function special({ operator, model }: Definition): Case {
  const [column, row] = [specials.slice(0, 9), specials.slice(0, 9)];
  return {
    operator,
    title: 'NaN, infinities, −0 against each other',
    seed: 1,
    inputs: [literal(column, [9, 1]), literal(row, [1, 9])],
    attributes: {},
    model: model ?? { kind: 'exact' },
  };
}

const bases = [...specials.slice(0, 9), 0.5, 2, -2, -0.5];
const exponents = [0.5, 1, 2, 3, -0.5, -1, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];

const powers: Case[] = [
  {
    operator: 'pow',
    title: 'special bases to integers, halves and infinities',
    seed: 1,
    inputs: [literal(bases, [13, 1]), literal(exponents, [1, 9])],
    attributes: {},
    model: { kind: 'ulp', ulps: 2 },
  },
  ...[0, 1, 2, 3, -2].map(
    (exponent): Case => ({
      operator: 'pow',
      title: `numbers of both signs to ${exponent}`,
      seed: 1,
      inputs: [spread([40]), literal([exponent], [])],
      attributes: {},
      model: { kind: 'ulp', ulps: 2 },
      ...(exponent < 0 ? {} : { gradient: { inputs: [0], tolerance: 1e-6 } }),
    }),
  ),
];

function wrongCallsOf(operator: (typeof names)[number]): WrongCall[] {
  const refused = (
    title: string,
    call: (f: Functions['add']) => unknown,
    code: WrongCall['code'],
    ...message: string[]
  ): WrongCall => ({
    operator,
    title,
    call: (ops) => call(ops[operator]),
    code,
    message: [operator, ...message],
  });
  return [
    refused(
      'shapes that do not broadcast',
      (f) => f(zeros([2, 3]), zeros([3, 2])),
      'ERR_SHAPE',
      'a (2, 3)',
      'b (3, 2)',
    ),
    refused(
      'ranks that do not align',
      (f) => f(zeros([2, 3]), zeros([2])),
      'ERR_SHAPE',
      '(2, 3)',
      'b (2)',
    ),
    refused(
      'dtypes that mix',
      (f) => f(zeros([2]), zeros([2], 'float64')),
      'ERR_DTYPE',
      'float32',
      'float64',
    ),
    refused('integers', (f) => f(zeros([2], 'int32'), 3), 'ERR_DTYPE', 'a', 'int32 (2)'),
    refused('two numbers', (f) => f(2, 3), 'ERR_ARGUMENT', '[2, 3]'),
    refused(
      'a text for a tensor',
      (f) => f(zeros([2]), 'x' as unknown as number),
      'ERR_ARGUMENT',
      'b',
      "'x'",
    ),
    refused(
      'nested numbers for a tensor',
      (f) => f([1, 2] as unknown as number, tensor([1, 2])),
      'ERR_ARGUMENT',
      'a',
      '[1, 2]',
    ),
  ];
}

/** Functions of two numbers with broadcasting. */
export const binaryCases: Family = {
  cases: [
    ...definitions.flatMap((definition) => [
      ...shapes.map((shape) => caseOf(definition, [shape, shape])),
      ...broadcasts.map((pair) => caseOf(definition, pair)),
      ...seeds(15).map((seed) => caseOf(definition, randomPair(seed), seed)),
      special(definition),
    ]),
    ...powers,
  ],
  wrongCalls: names.flatMap(wrongCallsOf),
  wrongData: [],
};
