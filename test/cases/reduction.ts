import { zeros } from '../../lib/tensor.ts';
import { Random } from '../support/random.ts';
import {
  type Case,
  type Family,
  lengths,
  literal,
  seeds,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, specials } from './elements.ts';

type Shape = readonly number[];
export type Reduction = readonly [shape: Shape, axes: readonly number[]];

/** Everything, rows, columns, planes, channels, several groups of axes at once, nothing. */
export const reductions: readonly Reduction[] = [
  ...lengths.map((n): Reduction => [[n], [0]]),
  ...[1, 3, 16, 33, 67].flatMap((n): Reduction[] => [
    [[5, n], [1]],
    [[n, 5], [0]],
  ]),
  [[], []],
  [[7, 3], []],
  [[300_001], [0]],
  [[3, 40_000], [1]],
  [[1000, 130], [0]],
  [[130, 1000], [1]],
  [[2, 3000, 5], [1]],
  [[5000, 2], [0]],
  [[70, 1100], [0]],
  [
    [2, 3, 4, 5],
    [0, 1, 2, 3],
  ],
  [
    [2, 3, 4, 5],
    [2, 3],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 3],
  ],
  [[2, 3, 4, 5], [1]],
  [
    [2, 3, 4, 5],
    [0, 2],
  ],
  [
    [4, 3, 600, 2],
    [0, 2],
  ],
  [
    [2, 17, 30, 40],
    [0, 2, 3],
  ],
  [
    [3, 20, 30, 17],
    [1, 2],
  ],
  [
    [2, 3, 2, 3, 2, 3],
    [0, 2, 4],
  ],
  [
    [2, 3, 2, 3, 2, 3],
    [1, 3, 5],
  ],
  [
    [1, 5, 1],
    [0, 2],
  ],
  [[3, 0, 2], [0]],
];

/** A shape of rank up to 5 and some of its axes. */
export function randomReduction(seed: number): Reduction {
  const random = new Random(seed * 15_485_863);
  const rank = random.integer(1, 5);
  const shape = Array.from({ length: rank }, () =>
    random.pick([1, 2, random.integer(1, 9), random.integer(1, rank < 3 ? 300 : 20)]),
  );
  return [shape, shape.flatMap((_, axis) => (random.next() < 0.5 ? [axis] : []))];
}

/** The number of elements that fall on one of the result. */
export function terms([shape, axes]: Reduction): number {
  return axes.reduce((product, axis) => product * (shape[axis] as number), 1);
}

export function titleOf([shape, axes]: Reduction): string {
  return `${sizes(shape) || 'a scalar'} over ${axes.length === 0 ? 'nothing' : `axes ${axes}`}`;
}

/** Inputs that hold a sample a row, unless the rows are what is reduced. */
export function rowsOf([shape, axes]: Reduction, ...inputs: number[]): Partial<Case> {
  return (shape[0] ?? 0) > 0 && !axes.includes(0) ? { perSample: inputs } : {};
}

function casesOf(reduction: Reduction, seed = 1): Case[] {
  const [shape, axes] = reduction;
  const reduced = shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const common = { title: titleOf(reduction), seed };
  return [
    ...['sum', 'mean'].map(
      (operator): Case => ({
        ...common,
        operator,
        inputs: [uniform(shape)],
        attributes: { axes },
        model: { kind: 'dot', terms: Math.max(1, terms(reduction)) },
        ...rowsOf(reduction, 0),
        ...checkedWhenSmall(shape, 0),
      }),
    ),
    ...[false, true].map(
      (mean): Case => ({
        ...common,
        operator: 'sumGradient',
        title: `${common.title}${mean ? ', of the mean' : ''}`,
        inputs: [uniform(reduced), uniform(shape)],
        attributes: { axes, mean },
        model: { kind: 'exact' },
        ...rowsOf(reduction, 0, 1),
        ...checkedWhenSmall(shape, 0),
      }),
    ),
  ];
}

const special: Case[] = ['sum', 'mean'].flatMap((operator) => [
  {
    operator,
    title: 'rows with NaN, infinities, −0',
    seed: 1,
    inputs: [literal(specials.slice(0, 36), [12, 3])],
    attributes: { axes: [1] },
    model: { kind: 'dot', terms: 3 },
  },
  {
    operator,
    title: 'columns of no element',
    seed: 1,
    inputs: [uniform([3, 0, 2])],
    attributes: { axes: [1] },
    model: { kind: 'dot', terms: 1 },
  },
]);

function wrongCallsOf(operator: 'sum' | 'mean'): WrongCall[] {
  const x = zeros([2, 3]);
  const refused = (
    title: string,
    call: WrongCall['call'],
    code: WrongCall['code'],
    ...message: string[]
  ): WrongCall => ({ operator, title, call, code, message: [operator, ...message] });
  return [
    refused(
      'an axis beyond the last',
      (ops) => ops[operator](x, { axis: 2 }),
      'ERR_ARGUMENT',
      'axis',
      '2',
    ),
    refused(
      'an axis before the first',
      (ops) => ops[operator](x, { axis: [0, -3] }),
      'ERR_ARGUMENT',
      'axis[1]',
      '-3',
    ),
    refused(
      'half an axis',
      (ops) => ops[operator](x, { axis: 0.5 }),
      'ERR_ARGUMENT',
      'axis',
      '0.5',
    ),
    refused(
      'an axis twice',
      (ops) => ops[operator](x, { axis: [1, -1] }),
      'ERR_ARGUMENT',
      'axis',
      '[1, -1]',
    ),
    refused(
      'an option that it does not have',
      (ops) => ops[operator](x, { dim: 1 } as object),
      'ERR_ARGUMENT',
      "'dim'",
    ),
    refused('integers', (ops) => ops[operator](zeros([2], 'int32')), 'ERR_DTYPE', 'int32 (2)'),
    refused('a number', (ops) => ops[operator](3 as never), 'ERR_ARGUMENT', 'x', '3'),
  ];
}

/** Sums and means over axes, and their gradient. */
export const reductionCases: Family = {
  cases: [
    ...reductions.flatMap((reduction) => casesOf(reduction)),
    ...seeds(30).flatMap((seed) => casesOf(randomReduction(seed), seed)),
    ...special,
  ],
  wrongCalls: (['sum', 'mean'] as const).flatMap(wrongCallsOf),
  wrongData: [],
};
