import { type DType, zeros } from '../../lib/tensor.ts';
import {
  bytes,
  type Case,
  type Family,
  type Input,
  indices,
  lengths,
  literal,
  sizes,
  uniform,
  type WrongCall,
  type WrongData,
} from './case.ts';

interface Gather {
  readonly data: readonly number[];
  readonly count: number;
  readonly values?: Input;
  readonly name?: string;
  readonly dtype?: DType;
  readonly scale?: number;
  readonly offset?: number;
}

function gatherCase({
  data,
  count,
  values,
  name = 'floats',
  dtype,
  scale = 1,
  offset = 0,
}: Gather): Case {
  return {
    operator: 'gatherRows',
    title: `${count} rows of ${sizes(data)}, ${name}${dtype ? '' : ' to floats'}, · ${scale} + ${offset}`,
    seed: 2,
    inputs: [values ?? uniform(data), indices(count, data[0] as number)],
    attributes: (tested) => ({ dtype: dtype ?? tested, scale, offset }),
    model: { kind: 'exact' },
  };
}

const gathers: Case[] = [
  gatherCase({ data: [10, 3], count: 7 }),
  gatherCase({ data: [10, 3], count: 0 }),
  gatherCase({ data: [10, 0], count: 4 }),
  gatherCase({ data: [1], count: 5 }),
  gatherCase({
    data: [50, 1, 9, 9],
    count: 33,
    values: bytes([50, 1, 9, 9]),
    name: 'uint8',
    scale: 1 / 255,
  }),
  gatherCase({
    data: [50, 1, 9, 9],
    count: 33,
    values: bytes([50, 1, 9, 9]),
    name: 'uint8',
    scale: 2 / 255,
    offset: -1,
  }),
  gatherCase({ data: [50, 1, 9, 9], count: 33, values: bytes([50, 1, 9, 9]), name: 'uint8' }),
  gatherCase({ data: [6, 5], count: 9, values: bytes([6, 5]), name: 'uint8', dtype: 'uint8' }),
  gatherCase({
    data: [6, 5],
    count: 9,
    values: bytes([6, 5], 'int32'),
    name: 'int32',
    dtype: 'int32',
  }),
  gatherCase({
    data: [6],
    count: 20,
    values: bytes([6], 'int32'),
    name: 'int32',
    scale: 0.3,
    offset: 7,
  }),
  gatherCase({ data: [9, 4], count: 6, scale: 1 / 3, offset: 0.1 }),
  gatherCase({
    data: [300, 1, 28, 28],
    count: 200,
    values: bytes([300, 1, 28, 28]),
    name: 'uint8',
    scale: 1 / 255,
  }),
  ...lengths.map((n) =>
    gatherCase({ data: [4, n], count: 3, values: bytes([4, n]), name: 'uint8', scale: 1 / 255 }),
  ),
];

const wrongCalls: WrongCall[] = [
  {
    operator: 'gatherRows',
    title: 'floating indices',
    call: (ops) => ops.gatherRows(zeros([4, 3]), zeros([2])),
    code: 'ERR_DTYPE',
    message: ['gatherRows', 'float32 (2)'],
  },
  {
    operator: 'gatherRows',
    title: 'a scalar',
    call: (ops) => ops.gatherRows(zeros([]), zeros([2], 'int32')),
    code: 'ERR_SHAPE',
    message: ['gatherRows', '()'],
  },
  {
    operator: 'gatherRows',
    title: 'integers that are scaled',
    call: (ops) => ops.gatherRows(zeros([4], 'uint8'), zeros([2], 'int32'), { scale: 2 }),
    code: 'ERR_DTYPE',
    message: ['gatherRows', 'uint8'],
  },
];

const wrongIndices: WrongData[] = [
  ['above the rows', [0, 1, 4], '2', '4'],
  ['negative', [-1, 0, 1], '0', '-1'],
  ['huge', [0, 2 ** 31 - 1, 0], '1', String(2 ** 31 - 1)],
].map(([title, values, sample, value]) => ({
  operator: 'gatherRows',
  title: `gatherRows: an index ${title as string}`,
  inputs: [bytes([4, 2]), literal(values as number[], [3], 'int32')],
  attributes: { dtype: 'float32', scale: 0.5, offset: 0 },
  code: 'ERR_ARGUMENT',
  message: ['gatherRows', `sample ${sample as string}`, value as string],
}));

/** Rows by their indices, scaled. */
export const gatherRowsCases: Family = {
  cases: gathers,
  wrongCalls,
  wrongData: wrongIndices,
};
