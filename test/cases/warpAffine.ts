import type { Interpolation } from '../../lib/ops/warpAffine.ts';
import { elementCount } from '../../lib/shape.ts';
import { tensor, zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type ErrorModel,
  type Family,
  type Input,
  integers,
  lengths,
  literal,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { specials } from './elements.ts';

type Six = readonly [number, number, number, number, number, number];

const modes: readonly Interpolation[] = ['nearest', 'bilinear'];

/** The maps of images (H, W) that move pixels to pixels. */
function exactMaps(H: number, W: number): readonly (readonly [name: string, matrix: Six])[] {
  return [
    ['as it is', [1, 0, 0, 0, 1, 0]],
    ['flipped left to right', [1, 0, 0, 0, -1, W - 1]],
    ['flipped top to bottom', [-1, 0, H - 1, 0, 1, 0]],
    ['moved by 2 rows and −1 columns', [1, 0, 2, 0, 1, -1]],
    ['turned by a quarter', [0, -1, W - 1, 1, 0, 0]],
    ['every second pixel', [2, 0, 0, 0, 2, 1]],
    ['all from one pixel', [0, 0, 1, 0, 0, 1]],
    ['all from outside', [1, 0, H, 0, 1, 0]],
  ];
}

interface Warping {
  readonly shape: readonly number[];
  readonly mode: Interpolation;
  readonly name: string;
  readonly matrices: Input;
  readonly x?: Input;
  readonly fill?: number;
  readonly model?: ErrorModel;
}

/** How far a sum of at most `terms` pixels may be. */
function sums(terms: number): ErrorModel {
  return { kind: 'dot', terms, absolute: [0] };
}

function warpCase(warping: Warping): Case {
  const { shape, mode, name, matrices, x, fill = 0.25, model } = warping;
  const size = elementCount(shape);
  return {
    operator: 'warpAffine',
    title: `${sizes(shape)} ${mode}, fill ${fill}, ${name}`,
    seed: 5,
    inputs: [x ?? uniform(shape), matrices],
    attributes: { mode, fill },
    model: model ?? (mode === 'nearest' ? { kind: 'exact' } : sums(4)),
    perSample: [0, 1],
    ...(size > 0 && size <= 130 && x === undefined
      ? { gradient: { inputs: [0], tolerance: 1e-6 } }
      : {}),
  };
}

function gradientCase({ shape, mode, name, matrices, x, model }: Warping): Case {
  const size = elementCount(shape);
  return {
    operator: 'warpAffineGradient',
    title: `${sizes(shape)} ${mode}, ${name}`,
    seed: 6,
    inputs: [x ?? uniform(shape), matrices],
    attributes: { mode },
    model: model ?? sums(4 * elementCount(shape.slice(2))),
    perSample: [0, 1],
    ...(size > 0 && size <= 130 && x === undefined
      ? { gradient: { inputs: [0], tolerance: 1e-6 } }
      : {}),
  };
}

/** A matrix a sample: near the identity, so that about half of the places are inside. */
function near([N = 0, , H = 0, W = 0]: readonly number[], flat = false): Input {
  return ({ dtype, random }) => {
    const rows = Array.from({ length: N }, () => {
      const step = (): number => random.uniform(-1.2, 1.2);
      const [a, b, c, d] = [step(), step(), step(), step()];
      const around = (i: number, j: number, size: number): number =>
        (size - 1) / 2 - (i * (H - 1)) / 2 - (j * (W - 1)) / 2 + random.uniform(-2, 2);
      return [a, b, around(a, b, H), c, d, around(c, d, W)];
    });
    return tensor(rows.flat(), flat ? [N, 6] : [N, 2, 3], dtype);
  };
}

function repeated(matrix: readonly number[], N: number): Input {
  return literal(Array.from({ length: N }, () => matrix).flat(), [N, 6]);
}

const wild = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e30,
  -1e30,
  2 ** 31,
  -(2 ** 31),
  2 ** 63,
  1e-30,
];

/** Matrices with one number of each that is no place in any image, or hardly one. */
const wildMatrices = wild.flatMap((value) =>
  [0, 1, 2, 3, 4, 5].map((k) => [1, 0, 0, 0, 1, 0].map((own, i) => (i === k ? value : own))),
);

const image = [2, 3, 5, 7] as const;

/** Places at the border, where pixels meet the fill, and halves between pixels. */
const borders: readonly (readonly [string, Six])[] = [
  ['moved by halves', [1, 0, -0.5, 0, 1, 0.5]],
  ['a quarter beyond each border', [1.125, 0, -0.25, 0, 1.125, -0.25]],
  ['hardly beyond the border', [1, 0, -1e-7, 0, 1, -1e-7]],
  ['just below integers', [1, 0, -(2 ** -60), 0, 1, -(2 ** -60)]],
  ['one pixel spread out', [0.125, 0, 1, 0, 0.125, 2]],
];

const cases: Case[] = [
  ...modes.flatMap((mode) => [
    ...exactMaps(5, 7).map(([name, matrix]) =>
      warpCase({
        ...{ shape: image, mode, name, matrices: repeated(matrix, 2), fill: -3 },
        model: { kind: 'exact' },
      }),
    ),
    ...borders.map(([name, matrix]) =>
      warpCase({ shape: image, mode, name, matrices: repeated(matrix, 2) }),
    ),
    ...[
      [3, 1, 9, 8],
      [2, 4, 6, 5],
      [4, 3, 28, 28],
      [1, 2, 1, 70],
      [2, 1, 66, 1],
    ].map((shape) => warpCase({ shape, mode, name: 'any maps', matrices: near(shape) })),
    ...lengths.map((n) =>
      warpCase({ shape: [2, 1, 3, n], mode, name: 'any maps', matrices: near([2, 1, 3, n], true) }),
    ),
    ...lengths
      .slice(0, 9)
      .map((c) =>
        warpCase({ shape: [2, c, 3, 4], mode, name: 'any maps', matrices: near([2, c, 3, 4]) }),
      ),
    warpCase({
      ...{ shape: [9, 3, 70, 131], mode, name: 'large images' },
      matrices: near([9, 3, 70, 131]),
    }),
    warpCase({
      ...{ shape: [wildMatrices.length, 1, 2, 3], mode, name: 'matrices of any numbers' },
      matrices: literal(wildMatrices.flat(), [wildMatrices.length, 2, 3]),
    }),
    ...[
      [0, 1, 3, 3],
      [2, 0, 3, 3],
      [2, 1, 0, 3],
      [2, 1, 3, 0],
    ].map((shape) => warpCase({ shape, mode, name: 'nothing', matrices: near(shape) })),
    ...exactMaps(4, 10).map(([name, matrix]) =>
      warpCase({
        ...{ shape: [1, 1, 4, 10], mode, name: `NaN, −0 and infinities ${name}` },
        ...{ matrices: repeated(matrix, 1), x: literal(specials, [1, 1, 4, 10]) },
        model: { kind: 'exact' },
      }),
    ),
  ]),
  warpCase({
    ...{ shape: [1, 1, 4, 10], mode: 'bilinear', name: 'NaN without a weight' },
    ...{ x: literal(specials, [1, 1, 4, 10]), model: { kind: 'exact' } },
    matrices: repeated([1, 0, -(2 ** -60), 0, 1, -(2 ** -60)], 1),
  }),
];

const gradients: Case[] = modes.flatMap((mode) => [
  ...[...exactMaps(5, 7), ...borders].map(([name, matrix]) =>
    gradientCase({
      ...{ shape: image, mode, name, matrices: repeated(matrix, 2) },
      ...(borders.some(([border]) => border === name)
        ? {}
        : { x: integers(image), model: { kind: 'exact' } }),
    }),
  ),
  ...[
    [3, 1, 9, 8],
    [4, 3, 28, 28],
    [2, 1, 2, 131],
    [2, 9, 3, 4],
    [0, 1, 3, 3],
    [2, 1, 3, 0],
  ].map((shape) => gradientCase({ shape, mode, name: 'any maps', matrices: near(shape) })),
  gradientCase({
    ...{ shape: [wildMatrices.length, 1, 2, 3], mode, name: 'matrices of any numbers' },
    matrices: literal(wildMatrices.flat(), [wildMatrices.length, 2, 3]),
  }),
]);

const wrongOptions: readonly [string, object, string][] = [
  ['a mode that is none', { mode: 'cubic' }, 'mode'],
  ['a fill that is NaN', { fill: Number.NaN }, 'fill'],
  ['an unknown option', { order: 1 }, "'order'"],
];

const wrongCalls: WrongCall[] = [
  ...wrongOptions.map(
    ([title, options, part]): WrongCall => ({
      operator: 'warpAffine',
      title,
      call: (ops) => ops.warpAffine(zeros([1, 1, 2, 2]), zeros([1, 6]), options),
      code: 'ERR_ARGUMENT',
      message: ['warpAffine', part],
    }),
  ),
  {
    operator: 'warpAffine',
    title: 'integers',
    call: (ops) => ops.warpAffine(zeros([1, 1, 2, 2], 'uint8'), zeros([1, 6])),
    code: 'ERR_DTYPE',
    message: ['warpAffine', 'uint8 (1, 1, 2, 2)'],
  },
  {
    operator: 'warpAffine',
    title: 'matrices of integers',
    call: (ops) => ops.warpAffine(zeros([1, 1, 2, 2]), zeros([1, 6], 'int32')),
    code: 'ERR_DTYPE',
    message: ['warpAffine', 'int32 (1, 6)'],
  },
  {
    operator: 'warpAffine',
    title: 'a signal',
    call: (ops) => ops.warpAffine(zeros([1, 2, 2]), zeros([1, 6])),
    code: 'ERR_SHAPE',
    message: ['warpAffine', '(1, 2, 2)'],
  },
  ...[[6], [1, 5], [1, 3, 2], [1, 2, 3, 1]].map(
    (shape): WrongCall => ({
      operator: 'warpAffine',
      title: `matrices (${shape})`,
      call: (ops) => ops.warpAffine(zeros([1, 1, 2, 2]), zeros(shape)),
      code: 'ERR_SHAPE',
      message: ['warpAffine', 'matrices', `(${shape.join(', ')})`],
    }),
  ),
  {
    operator: 'warpAffine',
    title: 'a matrix too few',
    call: (ops) => ops.warpAffine(zeros([3, 1, 2, 2]), zeros([2, 6])),
    code: 'ERR_SHAPE',
    message: ['warpAffine', '(2, 6)', '(3, 1, 2, 2)'],
  },
];

/** Images along affine maps. */
export const warpAffineCases: Family = {
  cases: [...cases, ...gradients],
  wrongCalls,
  wrongData: [],
};
