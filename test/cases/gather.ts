import { elementCount } from '../../lib/shape.ts';
import { tensor, zeros } from '../../lib/tensor.ts';
import {
  bytes,
  type Case,
  type Family,
  type Input,
  integers,
  lengths,
  literal,
  sizes,
  uniform,
  type WrongCall,
  type WrongData,
} from './case.ts';
import { checkedWhenSmall } from './elements.ts';

/** Random places below `count`. */
function places(shape: readonly number[], count: number, dtype: 'int32' | 'uint8'): Input {
  return ({ random }) =>
    tensor(
      Array.from({ length: elementCount(shape) }, () => random.integer(0, count - 1)),
      shape,
      dtype,
    );
}

interface Gathering {
  readonly shape: readonly number[];
  readonly axis: number;
  readonly indices: readonly number[];
  readonly dtype?: 'int32' | 'uint8';
}

function casesOf({ shape, axis, indices, dtype = 'int32' }: Gathering): Case[] {
  const size = shape[axis] as number;
  const index = places(indices, size, dtype);
  const title = `${sizes(shape)} along ${axis} by ${dtype} (${indices.join(', ')})`;
  const values: [string, Input][] = [
    ['floats', uniform(shape)],
    ['int32', bytes(shape, 'int32')],
    ['uint8', bytes(shape)],
  ];
  const gathered = [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)];
  const samples = axis > 0 ? 0 : 1;
  const hasSamples = ((samples === 0 ? shape : indices)[0] ?? 0) > 0;
  const forward = values.map(
    ([name, input]): Case => ({
      operator: 'gather',
      title: `${title}, ${name}`,
      seed: 1,
      inputs: [input, index],
      attributes: { axis },
      model: { kind: 'exact' },
      ...(hasSamples ? { perSample: [samples] } : {}),
      ...(name === 'floats' ? checkedWhenSmall(shape, 0) : {}),
    }),
  );
  const backward = {
    operator: 'gatherGradient',
    seed: 1,
    attributes: { axis, size },
    ...(axis > 0 && hasSamples ? { perSample: [0] } : {}),
  };
  if (axis === 0 && indices.length === 0) return forward;
  return [
    ...forward,
    {
      ...backward,
      title,
      inputs: [uniform(gathered), index],
      model: { kind: 'dot', terms: Math.max(1, elementCount(indices)), absolute: [0] },
      ...checkedWhenSmall(gathered, 0),
    },
    {
      ...backward,
      title: `${title}, integers`,
      inputs: [integers(gathered), index],
      model: { kind: 'exact' },
    },
  ];
}

const gatherings: Gathering[] = [
  ...lengths.map((n): Gathering => ({ shape: [3, 4, n], axis: 1, indices: [6] })),
  ...lengths.map((n): Gathering => ({ shape: [2, n], axis: 1, indices: [5], dtype: 'uint8' })),
  { shape: [7], axis: 0, indices: [] },
  { shape: [7], axis: 0, indices: [0] },
  { shape: [7, 0], axis: 0, indices: [4] },
  { shape: [0, 3], axis: 1, indices: [2] },
  { shape: [4, 0], axis: 1, indices: [0] },
  { shape: [2, 5, 3], axis: 1, indices: [] },
  { shape: [5, 3], axis: 0, indices: [4, 2], dtype: 'uint8' },
  { shape: [2, 5, 3], axis: 1, indices: [2, 3] },
  { shape: [2, 3, 5], axis: 2, indices: [2, 1, 4] },
  { shape: [2, 6, 4, 5], axis: 1, indices: [4] },
  { shape: [2, 6, 4, 5], axis: 3, indices: [8] },
  { shape: [2, 1, 3, 1, 2, 1, 2], axis: 2, indices: [2, 2] },
  { shape: [300, 65], axis: 0, indices: [40, 20] },
  { shape: [3, 16, 900], axis: 1, indices: [24] },
  { shape: [200], axis: 0, indices: [150, 140] },
];

const wrongCalls: WrongCall[] = [
  {
    operator: 'gather',
    title: 'floating indices',
    call: (ops) => ops.gather(zeros([4, 3]), zeros([2])),
    code: 'ERR_DTYPE',
    message: ['gather', 'float32 (2)'],
  },
  {
    operator: 'gather',
    title: 'a list of fractions',
    call: (ops) => ops.gather(zeros([4, 3]), [0, 0.5]),
    code: 'ERR_ARGUMENT',
    message: ['gather', 'indices', '0.5'],
  },
  {
    operator: 'gather',
    title: 'a scalar',
    call: (ops) => ops.gather(zeros([]), [0]),
    code: 'ERR_SHAPE',
    message: ['gather', '()'],
  },
  {
    operator: 'gather',
    title: 'an axis that is none',
    call: (ops) => ops.gather(zeros([4, 3]), [0], { axis: 2 }),
    code: 'ERR_ARGUMENT',
    message: ['gather', 'axis', '2'],
  },
  {
    operator: 'gather',
    title: 'a rank above 8',
    call: (ops) => ops.gather(zeros([1, 1, 1, 1, 1, 1, 1, 1]), zeros([1, 1], 'int32')),
    code: 'ERR_SHAPE',
    message: ['gather', 'rank 9'],
  },
  {
    operator: 'gather',
    title: 'an index out of range, from a list',
    call: (ops) => ops.gather(zeros([4, 3]), [0, -1]),
    code: 'ERR_ARGUMENT',
    message: ['gather', 'the index at (1)', '[0, 4)', '-1'],
  },
];

const wrongIndices: WrongData[] = (
  [
    ['above the size', [0, 1, 3, 2], 'int32', '(1, 0)', 3],
    ['negative', [0, -1, 5, 1], 'int32', '(0, 1)', -1],
    ['huge', [0, 0, 0, 2 ** 31 - 1], 'int32', '(1, 1)', 2 ** 31 - 1],
    ['of a byte', [255, 0, 0, 0], 'uint8', '(0, 0)', 255],
  ] as const
).flatMap(([title, values, dtype, place, value]): WrongData[] => {
  const index = literal(values, [2, 2], dtype);
  const rest = {
    code: 'ERR_ARGUMENT' as const,
    message: [`the index at ${place} to be in [0, 3) but received ${value}`],
  };
  return [
    {
      ...rest,
      operator: 'gather',
      title: `gather: an index ${title}`,
      inputs: [bytes([2, 3]), index],
      attributes: { axis: 1 },
    },
    {
      ...rest,
      operator: 'gatherGradient',
      title: `gatherGradient: an index ${title}`,
      inputs: [uniform([2, 2, 2]), index],
      attributes: { axis: 1, size: 3 },
    },
  ];
});

/** Entries by their indices. */
export const gatherCases: Family = {
  cases: gatherings.flatMap(casesOf),
  wrongCalls,
  wrongData: wrongIndices,
};
