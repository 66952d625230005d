import { zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type Family,
  integers,
  lengths,
  literal,
  sizes,
  spread,
  uniform,
  type WrongCall,
} from './case.ts';

const special = [
  Number.NaN,
  -0,
  0,
  1,
  -1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** -126,
  -(2 ** -126),
];
const specials = Array.from({ length: 40 }, (_, i) => special[i % special.length] as number);

const shapes: (readonly number[])[] = [
  ...lengths.map((n) => [n]),
  [],
  [0],
  [3, 0, 2],
  [2, 3, 4, 5],
  [7, 13, 11],
  [70_001],
];

function casesOf(shape: readonly number[]): Case[] {
  const exact = { kind: 'exact' } as const;
  const common = { title: sizes(shape) || 'a scalar', seed: 1, attributes: {}, model: exact };
  const rows = shape.length > 1 && (shape[0] ?? 0) > 0;
  const size = shape.reduce((a, b) => a * b, 1);
  const claim = (...inputs: number[]) =>
    size > 0 && size <= 130 ? { gradient: { inputs, tolerance: 1e-6 } } : {};
  return [
    {
      ...common,
      operator: 'relu',
      inputs: [spread(shape)],
      ...(rows ? { perSample: [0] } : {}),
      ...claim(0),
    },
    {
      ...common,
      operator: 'reluGradient',
      inputs: [uniform(shape), integers(shape, -1, 1)],
      ...(rows ? { perSample: [0, 1] } : {}),
      ...claim(0),
    },
    {
      ...common,
      operator: 'add',
      inputs: [uniform(shape), uniform(shape, -1e-3, 1e3)],
      ...(rows ? { perSample: [0, 1] } : {}),
      ...claim(0, 1),
    },
  ];
}

const wrongCalls: WrongCall[] = [
  {
    operator: 'add',
    title: 'shapes that differ',
    call: (ops) => ops.add(zeros([2, 3]), zeros([3, 2])),
    code: 'ERR_SHAPE',
    message: ['add', '(2, 3)', '(3, 2)'],
  },
  {
    operator: 'add',
    title: 'shapes that would broadcast elsewhere',
    call: (ops) => ops.add(zeros([2, 3]), zeros([3])),
    code: 'ERR_SHAPE',
    message: ['add', '(2, 3)', '(3)'],
  },
  {
    operator: 'add',
    title: 'dtypes that mix',
    call: (ops) => ops.add(zeros([2]), zeros([2], 'float64')),
    code: 'ERR_DTYPE',
    message: ['add', 'float32', 'float64'],
  },
  {
    operator: 'add',
    title: 'a number for a tensor',
    call: (ops) => ops.add(zeros([2]), 3 as unknown as ReturnType<typeof zeros>),
    code: 'ERR_ARGUMENT',
    message: ['add', 'b', '3'],
  },
  {
    operator: 'relu',
    title: 'integers',
    call: (ops) => ops.relu(zeros([2], 'int32')),
    code: 'ERR_DTYPE',
    message: ['relu', 'int32 (2)'],
  },
];

const specialCases: Case[] = [
  {
    operator: 'relu',
    title: 'NaN, infinities, −0, the smallest normal number of float32',
    seed: 1,
    inputs: [literal(specials, [40])],
    attributes: {},
    model: { kind: 'exact' },
  },
  {
    operator: 'reluGradient',
    title: 'where y is NaN, infinite, −0',
    seed: 1,
    inputs: [
      literal(
        specials.map((_, i) => i + 1),
        [40],
      ),
      literal(specials, [40]),
    ],
    attributes: {},
    model: { kind: 'exact' },
  },
  {
    operator: 'add',
    title: 'NaN, infinities, −0',
    seed: 1,
    inputs: [literal(specials, [40]), literal(specials.toReversed(), [40])],
    attributes: {},
    model: { kind: 'exact' },
  },
];

/** Operators that work on each element alone. */
export const elementwiseCases: Family = {
  cases: [...shapes.flatMap(casesOf), ...specialCases],
  wrongCalls,
  wrongData: [],
};
