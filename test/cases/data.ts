import { type DType, zeros } from '../../lib/tensor.ts';
import {
  bytes,
  type Case,
  type Family,
  type Functions,
  type Input,
  indices,
  lengths,
  literal,
  sizes,
  uniform,
  type WrongCall,
  type WrongData,
} from './case.ts';

const exact = { kind: 'exact' } as const;

function transposeCases(shape: readonly number[], axes: readonly number[]): Case[] {
  const size = shape.reduce((a, b) => a * b, 1);
  const values: [string, Input][] = [
    ['floats', uniform(shape)],
    ['uint8', bytes(shape)],
    ['int32', bytes(shape, 'int32')],
  ];
  return values.map(([name, input]) => ({
    operator: 'transpose',
    title: `${sizes(shape)} by (${axes.join(', ')}), ${name}`,
    seed: 1,
    inputs: [input],
    attributes: { axes },
    model: exact,
    ...(axes[0] === 0 && shape.length > 1 && size > 0 ? { perSample: [0] } : {}),
    ...(name === 'floats' && size > 0 && size <= 120
      ? { gradient: { inputs: [0], tolerance: 1e-6 } }
      : {}),
  }));
}

function reshapeCase(from: readonly number[], to: readonly number[], keepFirst = false): Case {
  return {
    operator: 'reshape',
    title: `${sizes(from)} to ${sizes(keepFirst ? [from[0] as number, ...to] : to)}`,
    seed: 1,
    inputs: [uniform(from)],
    attributes: { shape: to, keepFirst },
    model: exact,
    ...(from.includes(0) ? {} : { gradient: { inputs: [0], tolerance: 1e-6 } }),
  };
}

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
    model: exact,
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

const transposes: [readonly number[], readonly number[]][] = [
  [
    [3, 4],
    [1, 0],
  ],
  [
    [1, 1],
    [1, 0],
  ],
  [
    [0, 3],
    [1, 0],
  ],
  [[5], [0]],
  [[], []],
  [
    [2, 3, 4],
    [2, 0, 1],
  ],
  [
    [2, 3, 4, 5],
    [0, 2, 3, 1],
  ],
  [
    [2, 3, 4, 5],
    [0, 3, 1, 2],
  ],
  [
    [2, 3, 4, 5],
    [3, 2, 1, 0],
  ],
  [
    [2, 2, 1, 3, 2],
    [4, 1, 3, 0, 2],
  ],
  [
    [67, 65],
    [1, 0],
  ],
  [
    [3, 33, 17, 9],
    [0, 2, 3, 1],
  ],
  [
    [3, 17, 9, 33],
    [0, 3, 1, 2],
  ],
  [
    [2, 1, 28, 28],
    [0, 2, 3, 1],
  ],
  [
    [4, 32, 40, 40],
    [0, 3, 1, 2],
  ],
];

const reshapes: Case[] = [
  reshapeCase([2, 3, 4], [4, 6]),
  reshapeCase([6], [1, 2, 3, 1]),
  reshapeCase([1], []),
  reshapeCase([0, 4], [2, 0]),
  reshapeCase([2, 3, 2, 2], [12], true),
];

const finite: Case[] = [[], [1], [67], [3, 5, 7], [0]].map((shape) => ({
  operator: 'checkFinite',
  title: `${sizes(shape) || 'a scalar'} of numbers`,
  seed: 1,
  inputs: [uniform(shape, -1e30, 1e30)],
  attributes: {},
  model: exact,
}));

const wrongCalls: WrongCall[] = [
  {
    operator: 'reshape',
    title: 'another number of elements',
    call: (ops) => ops.reshape(zeros([2, 3]), [7]),
    code: 'ERR_SHAPE',
    message: ['reshape', '(2, 3)', '(7)'],
  },
  {
    operator: 'reshape',
    title: 'a size that does not come out',
    call: (ops) => ops.reshape(zeros([2, 3]), [4, -1]),
    code: 'ERR_SHAPE',
    message: ['reshape', '(2, 3)', '(4, -1)'],
  },
  {
    operator: 'reshape',
    title: 'two unknown sizes',
    call: (ops) => ops.reshape(zeros([2, 3]), [-1, -1]),
    code: 'ERR_SHAPE',
    message: ['reshape', '-1'],
  },
  {
    operator: 'reshape',
    title: 'flatten of a scalar',
    call: (ops) => ops.flatten(zeros([])),
    code: 'ERR_SHAPE',
    message: ['flatten', '()'],
  },
  ...[[0], [0, 0], [0, 2], [1, -1], [0, 0.5], [Number.NaN, 0]].map((axes) => ({
    operator: 'transpose',
    title: `axes ${axes.join(', ')}`,
    call: (ops: Functions) => ops.transpose(zeros([2, 3]), axes),
    code: 'ERR_ARGUMENT' as const,
    message: ['transpose', '(2, 3)'],
  })),
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
  message: ['gatherRows', sample as string, value as string],
}));

const notFinite: WrongData[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
].flatMap((value) =>
  [0, 16, 66].map((place) => ({
    operator: 'checkFinite',
    title: `checkFinite: ${value} at ${place} of 67`,
    inputs: [
      literal(
        Array.from({ length: 67 }, (_, i) => (i === place ? value : i)),
        [67],
      ),
    ],
    attributes: {},
    code: 'ERR_NON_FINITE' as const,
    message: ['checkFinite'],
  })),
);

/** What moves or checks data without computing with it. */
export const dataCases: Family = {
  cases: [
    ...gathers,
    ...transposes.flatMap(([shape, axes]) => transposeCases(shape, axes)),
    ...reshapes,
    ...finite,
  ],
  wrongCalls,
  wrongData: [...wrongIndices, ...notFinite],
};
