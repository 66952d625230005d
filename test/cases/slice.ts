import { trace } from '../../lib/computation/trace.ts';
import { ops } from '../../lib/dispatch.ts';
import type { Attributes } from '../../lib/ops/operator.ts';
import type { Range } from '../../lib/ops/slice.ts';
import { zeros } from '../../lib/tensor.ts';
import {
  bytes,
  type Case,
  type Family,
  type Functions,
  type Input,
  lengths,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, hasRows } from './elements.ts';

/** The attributes that the public function makes of its ranges, and the shape of the part. */
function taken(
  shape: readonly number[],
  ranges: readonly Range[],
): { attributes: Attributes; part: readonly number[] } {
  const [node] = trace((x) => ops.slice(x, ranges), { shape, dtype: 'float32' }).nodes;
  return { attributes: node?.attributes ?? {}, part: node?.outputs[0]?.shape ?? [] };
}

function casesOf(shape: readonly number[], ranges: readonly Range[]): Case[] {
  const { attributes, part } = taken(shape, ranges);
  const axes = attributes.axes as readonly number[];
  const title = `${sizes(shape)} by ${JSON.stringify(ranges)}`;
  const common = { seed: 1, model: { kind: 'exact' } as const };
  const values: [string, Input][] = [
    ['floats', uniform(shape)],
    ['int32', bytes(shape, 'int32')],
    ['uint8', bytes(shape)],
  ];
  const rows = hasRows(shape) && !axes.includes(0) ? { perSample: [0] } : {};
  const cases = values.map(([name, input]) => ({
    ...common,
    operator: 'slice',
    title: `${title}, ${name}`,
    inputs: [input],
    attributes,
    ...rows,
    ...(name === 'floats' ? checkedWhenSmall(shape, 0) : {}),
  }));
  return [
    ...cases,
    {
      ...common,
      operator: 'sliceGradient',
      title,
      inputs: [uniform(part)],
      attributes: { ...attributes, sizes: axes.map((axis) => shape[axis] as number) },
      ...rows,
      ...checkedWhenSmall(part, 0),
    },
  ];
}

const slices: [readonly number[], readonly Range[]][] = [
  ...lengths.flatMap((n): [readonly number[], readonly Range[]][] => [
    [
      [3, n + 3],
      [null, [2, -1]],
    ],
    [
      [3, 3 * n],
      [
        [0, 3],
        [1, 3 * n, 3],
      ],
    ],
  ]),
  [[], []],
  [[5], []],
  [[5], [[1, -1]]],
  [[5], [[-100, 100, 2]]],
  [[5], [[4, 2]]],
  [[5], [[0, 5, 2 ** 52]]],
  [[0], [[0, 7]]],
  [[3, 0], [[1, 2]]],
  [
    [4, 5],
    [null, [3, 3]],
  ],
  [
    [2, 3, 4, 5],
    [null, [1, 2]],
  ],
  [
    [2, 3, 4, 5],
    [null, [0, 3, 2], null, [1, -1]],
  ],
  [
    [2, 3, 4, 5],
    [
      [1, 2],
      [0, 1],
      [2, 3],
      [4, 5],
    ],
  ],
  [
    [4, 3, 4, 5],
    [
      [0, 4, 3],
      [0, 3, 2],
      [1, 4, 2],
      [0, 5, 4],
    ],
  ],
  [
    [3, 2, 7, 2, 1, 2, 2, 3],
    [null, [1, 2], [0, 7, 3], null, null, null, [0, 1], [1, 3]],
  ],
  [
    [2, 33, 17, 19],
    [null, null, [1, 16], [2, 18]],
  ],
  [
    [40, 3000],
    [null, [1, 2999, 2]],
  ],
  [[70_011], [[3, 70_004]]],
  [
    [3, 50_000],
    [null, [7, 49_000]],
  ],
];

const wrongRanges: [string, readonly unknown[], string][] = [
  ['more ranges than axes', [null, null, null], 'at most 2'],
  ['a range that is a number', [1], 'as in slice(x, [[0, 2]])'],
  ['a range of one number', [[1]], 'ranges[0]'],
  ['a range of four numbers', [null, [1, 2, 3, 4]], 'ranges[1]'],
  ['a step of 0', [[0, 2, 0]], 'step of ranges[0]'],
  ['a negative step', [null, [2, 0, -1]], 'step of ranges[1]'],
  ['a fraction', [[0.5, 2]], 'start of ranges[0]'],
  ['NaN', [[0, Number.NaN]], 'end of ranges[0]'],
];

const wrongCalls: WrongCall[] = wrongRanges.map(([title, ranges, part]) => ({
  operator: 'slice',
  title,
  call: (functions: Functions) => functions.slice(zeros([2, 3]), ranges as readonly Range[]),
  code: 'ERR_ARGUMENT' as const,
  message: ['slice', part],
}));

/** Parts of values. */
export const sliceCases: Family = {
  cases: slices.flatMap(([shape, ranges]) => casesOf(shape, ranges)),
  wrongCalls,
  wrongData: [],
};
