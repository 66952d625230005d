import { zeros } from '../../lib/tensor.ts';
import {
  bytes,
  type Case,
  type Family,
  type Input,
  lengths,
  literal,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, hasRows, specials } from './elements.ts';

function casesOf(shape: readonly number[], axes: readonly number[]): Case[] {
  const values: [string, Input][] = [
    ['floats', uniform(shape)],
    ['int32', bytes(shape, 'int32')],
    ['uint8', bytes(shape)],
  ];
  return values.map(([name, input]) => ({
    operator: 'flip',
    title: `${sizes(shape)} along (${axes.join(', ')}), ${name}`,
    seed: 1,
    inputs: [input],
    attributes: { axes },
    model: { kind: 'exact' },
    ...(hasRows(shape) && !axes.includes(0) ? { perSample: [0] } : {}),
    ...(name === 'floats' ? checkedWhenSmall(shape, 0) : {}),
  }));
}

const flips: [readonly number[], readonly number[]][] = [
  ...lengths.map((n): [readonly number[], readonly number[]] => [[3, n], [1]]),
  [[], []],
  [[0], [0]],
  [
    [3, 0],
    [0, 1],
  ],
  [[7], [0]],
  [[4, 5], []],
  [[4, 5], [0]],
  [
    [4, 5],
    [1, 0],
  ],
  [[2, 3, 4, 5], [1]],
  [
    [2, 3, 4, 5],
    [2, 3],
  ],
  [
    [2, 3, 4, 5],
    [1, 3],
  ],
  [
    [2, 3, 4, 5],
    [0, 1, 2, 3],
  ],
  [
    [3, 2, 2, 3, 1, 2, 2, 3],
    [1, 3, 6],
  ],
  [[70_001], [0]],
  [[3, 17, 33, 19], [3]],
  [[2, 3, 17_000], [1]],
];

const wrongCalls: WrongCall[] = [
  ...[[2], [-3], [0.5], [0, 0], [0, -2], [Number.NaN]].map(
    (axes): WrongCall => ({
      operator: 'flip',
      title: `axes ${axes.join(', ')}`,
      call: (ops) => ops.flip(zeros([2, 3]), axes),
      code: 'ERR_ARGUMENT',
      message: ['flip', 'axes'],
    }),
  ),
  ...[{ axes: [0] }, { axes: [0, 2] }, { axes: [1, 1] }, { k: 0.5 }, { turns: 1 }].map(
    (options): WrongCall => ({
      operator: 'rot90',
      title: JSON.stringify(options),
      call: (ops) => ops.rot90(zeros([2, 3]), options as never),
      code: 'ERR_ARGUMENT',
      message: ['rot90'],
    }),
  ),
  {
    operator: 'rot90',
    title: 'a vector',
    call: (ops) => ops.rot90(zeros([3])),
    code: 'ERR_SHAPE',
    message: ['rot90', '(3)'],
  },
];

/** Reversed axes. */
export const flipCases: Family = {
  cases: [
    ...flips.flatMap(([shape, axes]) => casesOf(shape, axes)),
    {
      operator: 'flip',
      title: 'NaN, −0 and infinities',
      seed: 1,
      inputs: [literal(specials, [40])],
      attributes: { axes: [0] },
      model: { kind: 'exact' },
    },
  ],
  wrongCalls,
  wrongData: [],
};
