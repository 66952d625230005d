import type { Shape } from '../../lib/shape.ts';
import { elementCount } from '../../lib/shape.ts';
import { zeros } from '../../lib/tensor.ts';
import { rowsOf } from './binary.ts';
import { type Case, type Family, literal, sizes, spread, uniform, type WrongCall } from './case.ts';
import { checkedWhenSmall, specials } from './elements.ts';

/** Values and slopes that broadcast: one slope, one a channel, one a value. */
const pairs: readonly (readonly [Shape, Shape])[] = [
  [[7], []],
  [[7], [7]],
  [
    [3, 17],
    [1, 17],
  ],
  [
    [3, 17],
    [1, 1],
  ],
  [
    [2, 3, 5],
    [1, 3, 1],
  ],
  [
    [2, 3, 4, 5],
    [1, 3, 1, 1],
  ],
  [
    [5, 33, 7, 9],
    [1, 33, 1, 1],
  ],
  [
    [2, 0, 3],
    [1, 0, 1],
  ],
  [[0, 3], []],
];

function casesOf([x, slope]: readonly [Shape, Shape]): Case[] {
  return ['prelu', 'preluSlope'].map((operator) => ({
    operator,
    title: `${sizes(x)} and slopes ${sizes(slope) || 'of a scalar'}`,
    seed: 1,
    inputs: [spread(x), uniform(slope)],
    attributes: {},
    model: { kind: 'exact' },
    ...rowsOf(x, slope),
    ...checkedWhenSmall([elementCount(x)], 0, 1),
  }));
}

const special: Case[] = ['prelu', 'preluSlope'].map((operator) => ({
  operator,
  title: 'NaN, infinities, −0',
  seed: 1,
  inputs: [literal(specials.slice(0, 7), [7, 1]), literal([0.5, -2, 0, Number.NaN], [1, 4])],
  attributes: {},
  model: { kind: 'exact' },
}));

const wrongCalls: WrongCall[] = [
  {
    operator: 'prelu',
    title: 'another number of slopes than channels',
    call: (ops) => ops.prelu(zeros([2, 3]), zeros([2])),
    code: 'ERR_SHAPE',
    message: ['prelu', 'slope (2)', '(1) or (3)', 'x (2, 3)'],
  },
  {
    operator: 'prelu',
    title: 'slopes of another dtype',
    call: (ops) => ops.prelu(zeros([2, 3]), zeros([3], 'float64')),
    code: 'ERR_DTYPE',
    message: ['prelu', 'float32', 'float64'],
  },
  {
    operator: 'maxout',
    title: 'pieces that do not divide the channels',
    call: (ops) => ops.maxout(zeros([2, 4]), { pieces: 3 }),
    code: 'ERR_ARGUMENT',
    message: ['maxout', 'pieces', '(2, 4)', '3'],
  },
];

/** The linear unit with a learned slope, its derivative, and what maxout refuses. */
export const preluCases: Family = {
  cases: [...pairs.flatMap(casesOf), ...special],
  wrongCalls,
  wrongData: [],
};
