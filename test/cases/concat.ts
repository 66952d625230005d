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
import { specials } from './elements.ts';

function concatCase(shapes: readonly (readonly number[])[], axis: number): Case[] {
  const size = shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
  const made: [string, (shape: readonly number[]) => Input][] = [
    ['floats', (shape) => uniform(shape)],
    ['int32', (shape) => bytes(shape, 'int32')],
    ['uint8', (shape) => bytes(shape)],
  ];
  return made.map(([name, input]) => ({
    operator: 'concat',
    title: `${shapes.slice(0, 4).map(sizes).join(' and ')} along ${axis}, ${name}`,
    seed: 1,
    inputs: shapes.map(input),
    attributes: { axis },
    model: { kind: 'exact' },
    ...(axis > 0 && (shapes[0]?.[0] ?? 0) > 0 ? { perSample: shapes.map((_, i) => i) } : {}),
    ...(name === 'floats' && size > 0 && size <= 130
      ? { gradient: { inputs: shapes.map((_, i) => i), tolerance: 1e-6 } }
      : {}),
  }));
}

const cases: Case[] = [
  ...lengths.map((n) =>
    concatCase(
      [
        [3, n],
        [3, 5],
        [3, 1],
      ],
      1,
    ),
  ),
  concatCase([[4]], 0),
  concatCase([[0], [3], [0], [2]], 0),
  concatCase([[0], [0]], 0),
  concatCase(
    [
      [2, 0],
      [3, 0],
    ],
    0,
  ),
  concatCase(
    [
      [0, 2],
      [0, 3],
    ],
    1,
  ),
  concatCase(
    [
      [2, 3, 4, 5],
      [2, 1, 4, 5],
    ],
    1,
  ),
  concatCase(
    [
      [2, 3, 2, 2],
      [4, 3, 2, 2],
    ],
    0,
  ),
  concatCase(
    [
      [2, 3, 4, 5],
      [2, 3, 4, 1],
      [2, 3, 4, 7],
    ],
    3,
  ),
  concatCase(
    [
      [1, 2, 1, 2, 1, 2, 1, 2],
      [1, 2, 1, 2, 3, 2, 1, 2],
    ],
    4,
  ),
  concatCase([[70_001], [33]], 0),
  concatCase(
    [
      [2, 40_000],
      [2, 30_000],
    ],
    1,
  ),
  concatCase(
    Array.from({ length: 40 }, (_, i) => [2, i % 4]),
    1,
  ),
].flat();

const wrongCalls: WrongCall[] = [
  {
    operator: 'concat',
    title: 'nothing',
    call: (ops) => ops.concat([]),
    code: 'ERR_ARGUMENT',
    message: ['concat', 'xs'],
  },
  {
    operator: 'concat',
    title: 'a value that is no tensor',
    call: (ops) => ops.concat([zeros([2]), 3 as never]),
    code: 'ERR_ARGUMENT',
    message: ['concat', 'xs[1]', '3'],
  },
  {
    operator: 'concat',
    title: 'other sizes',
    call: (ops) => ops.concat([zeros([2, 3]), zeros([2, 4])]),
    code: 'ERR_SHAPE',
    message: ['concat', 'x[1]', '(2, 3)', '(2, 4)', 'axis 0'],
  },
  {
    operator: 'concat',
    title: 'other ranks',
    call: (ops) => ops.concat([zeros([2, 3]), zeros([2])], { axis: -1 }),
    code: 'ERR_SHAPE',
    message: ['concat', '(2, 3)', '(2)'],
  },
  {
    operator: 'concat',
    title: 'scalars',
    call: (ops) => ops.concat([zeros([]), zeros([])]),
    code: 'ERR_SHAPE',
    message: ['concat', '()'],
  },
  {
    operator: 'concat',
    title: 'other dtypes',
    call: (ops) => ops.concat([zeros([2]), zeros([2], 'uint8')]),
    code: 'ERR_DTYPE',
    message: ['concat', 'float32 (2)', 'uint8 (2)'],
  },
  ...[2, -3, 0.5, Number.NaN].map(
    (axis): WrongCall => ({
      operator: 'concat',
      title: `axis ${axis}`,
      call: (ops) => ops.concat([zeros([2, 3])], { axis }),
      code: 'ERR_ARGUMENT',
      message: ['concat', 'axis', String(axis)],
    }),
  ),
];

/** Values one after the other. */
export const concatCases: Family = {
  cases: [
    ...cases,
    {
      operator: 'concat',
      title: 'NaN, −0 and infinities',
      seed: 1,
      inputs: [literal(specials, [8, 5]), literal(specials, [8, 5])],
      attributes: { axis: 1 },
      model: { kind: 'exact' },
    },
  ],
  wrongCalls,
  wrongData: [],
};
