import type { PadMode } from '../../lib/ops/pad.ts';
import { zeros } from '../../lib/tensor.ts';
import {
  bytes,
  type Case,
  type Family,
  type Input,
  integers,
  lengths,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, hasRows } from './elements.ts';

interface Padded {
  readonly shape: readonly number[];
  /** [before, after] of every axis, one after the other. */
  readonly padding: readonly number[];
  readonly modes?: readonly PadMode[];
  readonly value?: number;
}

const all: readonly PadMode[] = ['constant', 'reflect', 'replicate'];

function casesOf({ shape, padding, modes = all, value = 7 }: Padded): Case[] {
  const longer = shape.map((n, i) => n + (padding[2 * i] ?? 0) + (padding[2 * i + 1] ?? 0));
  const values: [string, Input][] = [
    ['floats', uniform(shape)],
    ['int32', bytes(shape, 'int32')],
    ['uint8', bytes(shape)],
  ];
  const samples = hasRows(shape) && padding[0] === 0 && padding[1] === 0;
  const rows = samples ? { perSample: [0] } : {};
  return modes.flatMap((mode): Case[] => {
    const title = `${mode} ${sizes(shape)} by (${padding.join(', ')})`;
    const forward = values.map(
      ([name, input]): Case => ({
        operator: 'pad',
        title: `${title}, ${name}`,
        seed: 1,
        inputs: [input],
        attributes: { padding, mode, value: mode === 'constant' ? value : 0 },
        model: { kind: 'exact' },
        ...rows,
        ...(name === 'floats' ? checkedWhenSmall(shape, 0) : {}),
      }),
    );
    if (mode === 'constant') return forward;
    const gradient = {
      operator: 'padGradient',
      seed: 1,
      attributes: { padding, mode, value: 0 },
      ...rows,
    };
    // The places that show one cell: all of its padding and itself along every axis.
    const terms = shape.reduce(
      (count, _, axis) => count * (1 + (padding[2 * axis] ?? 0) + (padding[2 * axis + 1] ?? 0)),
      1,
    );
    return [
      ...forward,
      {
        ...gradient,
        title,
        inputs: [uniform(longer)],
        model: { kind: 'dot', terms },
        ...checkedWhenSmall(longer, 0),
      },
      {
        ...gradient,
        title: `${title}, integers`,
        inputs: [integers(longer)],
        model: { kind: 'exact' },
      },
    ];
  });
}

const pads: Padded[] = [
  ...lengths.map((n): Padded => ({ shape: [2, n + 2], padding: [0, 0, 1, 2] })),
  { shape: [], padding: [], value: -0 },
  { shape: [5], padding: [0, 0] },
  { shape: [5], padding: [4, 4] },
  { shape: [5], padding: [0, 9], modes: ['constant', 'replicate'] },
  { shape: [1], padding: [3, 2], modes: ['constant', 'replicate'] },
  { shape: [0], padding: [2, 3], modes: ['constant'] },
  { shape: [3, 0], padding: [1, 1, 0, 2], modes: ['constant'] },
  { shape: [3, 0], padding: [0, 0, 0, 0] },
  { shape: [3, 4], padding: [0, 0, 0, 0] },
  { shape: [3, 4], padding: [1, 0, 0, 0] },
  { shape: [3, 4], padding: [2, 1, 3, 2] },
  { shape: [2, 3, 4, 5], padding: [0, 0, 0, 0, 1, 1, 2, 2] },
  { shape: [2, 3, 4, 5], padding: [0, 0, 0, 0, 3, 0, 0, 4] },
  { shape: [2, 4, 5, 3], padding: [0, 0, 1, 2, 2, 1, 0, 0] },
  { shape: [2, 3, 4, 5], padding: [0, 0, 2, 1, 0, 0, 0, 0] },
  { shape: [2, 3, 4, 5], padding: [1, 1, 2, 0, 0, 0, 3, 4] },
  { shape: [2, 2, 1, 2, 3, 2, 1, 2], padding: [0, 0, 1, 1, 0, 0, 0, 1, 2, 1, 0, 0, 0, 0, 1, 0] },
  { shape: [2, 17, 33, 19], padding: [0, 0, 0, 0, 2, 2, 3, 3] },
  { shape: [2, 33, 19, 17], padding: [0, 0, 2, 2, 3, 3, 0, 0] },
  { shape: [70_001], padding: [3, 70] },
  { shape: [3, 30_000], padding: [1, 1, 700, 20] },
];

const floats: Case[] = [Number.NEGATIVE_INFINITY, Number.NaN, -0, 1e-3].map((value) => ({
  operator: 'pad',
  title: `by ${Object.is(value, -0) ? '-0' : value}`,
  seed: 1,
  inputs: [uniform([2, 3, 4])],
  attributes: { padding: [0, 0, 1, 0, 2, 3], mode: 'constant', value },
  model: { kind: 'exact' },
  perSample: [0],
}));

const wrongPaddings: readonly unknown[] = [3, [3], [[1]], [[1, 2, 3]], [[1, -1]], [[0.5, 0]]];

const wrongCalls: WrongCall[] = [
  ...wrongPaddings.map(
    (padding): WrongCall => ({
      operator: 'pad',
      title: `padding ${JSON.stringify(padding)}`,
      call: (ops) => ops.pad(zeros([2, 3]), padding as never),
      code: 'ERR_ARGUMENT',
      message: ['pad', 'padding'],
    }),
  ),
  {
    operator: 'pad',
    title: 'more pairs than axes',
    call: (ops) =>
      ops.pad(zeros([2]), [
        [1, 1],
        [1, 1],
      ]),
    code: 'ERR_ARGUMENT',
    message: ['pad', 'at most 1'],
  },
  {
    operator: 'pad',
    title: 'an unknown mode',
    call: (ops) => ops.pad(zeros([2]), [[1, 1]], { mode: 'circular' as never }),
    code: 'ERR_ARGUMENT',
    message: ['pad', 'circular'],
  },
  {
    operator: 'pad',
    title: 'a value that is no number',
    call: (ops) => ops.pad(zeros([2]), [[1, 1]], { value: '1' as never }),
    code: 'ERR_ARGUMENT',
    message: ['pad', 'value'],
  },
  ...([256, -1, 0.5, Number.NaN] as const).map(
    (value): WrongCall => ({
      operator: 'pad',
      title: `bytes with ${value}`,
      call: (ops) => ops.pad(zeros([2], 'uint8'), [[1, 1]], { value }),
      code: 'ERR_ARGUMENT',
      message: ['pad', 'uint8', String(value)],
    }),
  ),
  {
    operator: 'pad',
    title: 'a reflection longer than the axis',
    call: (ops) => ops.pad(zeros([2, 3]), [[3, 0]], { mode: 'reflect' }),
    code: 'ERR_SHAPE',
    message: ['pad', 'axis 1', '(2, 3)', '3 cells'],
  },
  {
    operator: 'pad',
    title: 'the edge of nothing',
    call: (ops) => ops.pad(zeros([2, 0]), [[1, 0]], { mode: 'replicate' }),
    code: 'ERR_SHAPE',
    message: ['pad', 'axis 1', '(2, 0)'],
  },
];

/** Cells around values. */
export const padCases: Family = {
  cases: [...pads.flatMap(casesOf), ...floats],
  wrongCalls,
  wrongData: [],
};
