import { StridenetError } from '../../lib/errors.ts';
import type { AvgPool2dAttributes, AvgPool2dOptions } from '../../lib/ops/avgPool2d.ts';
import { type Attributes, need } from '../../lib/ops/operator.ts';
import { resolveGeometry } from '../../lib/ops/pooling.ts';
import type { Pair } from '../../lib/shape.ts';
import { zeros } from '../../lib/tensor.ts';
import { operatorNamed } from '../support/oracle.ts';
import { Random } from '../support/random.ts';
import {
  type Case,
  type Family,
  type Functions,
  integers,
  lengths,
  literal,
  seeds,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';

type Images = readonly [N: number, C: number, H: number, W: number];

/** A call to be tried. */
export interface AvgPoolingShape {
  readonly x: Images;
  readonly options: AvgPool2dOptions | { readonly outputSize: Pair };
  readonly seed?: number;
  readonly gradient?: boolean;
}

function attributesOf({ x: [, , h, w], options }: AvgPoolingShape): Attributes {
  if ('outputSize' in options) return { outputSize: options.outputSize };
  const { dilation: _, ...geometry } = resolveGeometry('avgPool2d', options, [h, w]);
  const { countIncludePad = true } = options;
  return { ...geometry, countIncludePad } satisfies AvgPool2dAttributes;
}

function nameOf({ options }: AvgPoolingShape): 'avgPool2d' | 'adaptiveAvgPool2d' {
  return 'outputSize' in options ? 'adaptiveAvgPool2d' : 'avgPool2d';
}

function outputShape(pooling: AvgPoolingShape): readonly number[] {
  const spec = { shape: pooling.x, dtype: 'float64' as const };
  return need(operatorNamed(nameOf(pooling)).infer([spec], attributesOf(pooling))[0]).shape;
}

function title({ x, options }: AvgPoolingShape, values: string): string {
  const settings = Object.entries(options).map(
    ([name, value]) => `${name} ${JSON.stringify(value)}`,
  );
  return [sizes(x), ...settings, values].join(', ');
}

/** Forward exact on integers; both bounded on real numbers. */
export function casesOfAvgPooling(pooling: AvgPoolingShape): Case[] {
  const { x, seed = 1, gradient = false } = pooling;
  const attributes = attributesOf(pooling);
  const y = outputShape(pooling);
  const [, , p = 1, q = 1] = y;
  // Cells of the largest window, and windows around a cell, with one more for the division.
  const terms = x[2] * x[3] + 1;
  const claim = gradient ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {};
  const forward = { operator: nameOf(pooling), seed, attributes, perSample: [0] };
  const backward = {
    operator: `${nameOf(pooling)}Gradient`,
    seed,
    attributes: { ...attributes, inputSize: [x[2], x[3]] },
    perSample: [0],
  };
  return [
    {
      ...forward,
      title: title(pooling, 'integers'),
      inputs: [integers(x)],
      model: { kind: 'exact' },
    },
    {
      ...forward,
      title: title(pooling, 'reals'),
      inputs: [uniform(x)],
      model: { kind: 'dot', terms },
      ...claim,
    },
    {
      ...backward,
      title: title(pooling, 'integers'),
      inputs: [integers(y)],
      model: { kind: 'dot', terms: p * q + 1 },
    },
    {
      ...backward,
      title: title(pooling, 'reals'),
      inputs: [uniform(y)],
      model: { kind: 'dot', terms: p * q + 1 },
      ...claim,
    },
  ];
}

const padding = [
  [1, 0],
  [0, 1],
] as const;

const chosen: AvgPoolingShape[] = [
  { x: [2, 3, 6, 6], options: { kernelSize: 2 }, gradient: true },
  { x: [1, 2, 7, 5], options: { kernelSize: [3, 2], stride: [2, 1], padding }, gradient: true },
  {
    x: [1, 2, 7, 8],
    options: { kernelSize: 3, stride: 2, padding: 1, countIncludePad: false },
    gradient: true,
  },
  {
    x: [1, 2, 8, 9],
    options: { kernelSize: 3, stride: 2, padding: 1, ceilMode: true },
    gradient: true,
  },
  {
    x: [1, 2, 8, 9],
    options: { kernelSize: 4, stride: 3, ceilMode: true, countIncludePad: false },
    gradient: true,
  },
  { x: [1, 1, 9, 9], options: { kernelSize: 2, stride: 4 }, gradient: true },
  { x: [2, 3, 2, 3], options: { kernelSize: 5, ceilMode: true, padding: 1 }, gradient: true },
  { x: [0, 3, 4, 4], options: { kernelSize: 2 } },
  { x: [2, 0, 4, 4], options: { kernelSize: 2 } },
  { x: [1, 1, 1, 1], options: { kernelSize: 1 } },
  { x: [2, 67, 6, 7], options: { kernelSize: 3, stride: 1, padding: 'same' } },
  { x: [3, 130, 7, 7], options: { kernelSize: 7 } },
  { x: [4, 40, 40, 40], options: { kernelSize: 2 } },
  { x: [2, 3, 7, 5], options: { outputSize: [3, 2] }, gradient: true },
  { x: [1, 2, 3, 4], options: { outputSize: [5, 4] }, gradient: true },
  { x: [0, 3, 4, 4], options: { outputSize: [2, 2] } },
  { x: [2, 0, 4, 4], options: { outputSize: [2, 2] } },
  { x: [3, 70, 14, 13], options: { outputSize: [1, 1] } },
  { x: [2, 33, 13, 40], options: { outputSize: [6, 7] } },
  ...lengths.map((c) => ({ x: [2, c, 4, 5] as const, options: { kernelSize: 2 } })),
];

/** A pooling that fits. */
function randomPooling(seed: number): AvgPoolingShape {
  for (let attempt = 0; ; attempt++) {
    const random = new Random(seed * 6151 + attempt);
    const size = () => random.pick([random.integer(1, 14), random.integer(1, 30)]);
    const x: Images = [
      random.integer(1, 3),
      random.pick([1, 2, 3, random.integer(1, 67)]),
      size(),
      size(),
    ];
    if (random.next() < 0.3) {
      return { x, options: { outputSize: [random.integer(1, 9), random.integer(1, 9)] }, seed };
    }
    const kernelSize = [random.integer(1, 5), random.integer(1, 5)] as const;
    const half = (axis: 0 | 1) => random.integer(0, Math.floor(kernelSize[axis] / 2));
    const pooling: AvgPoolingShape = {
      x,
      options: {
        kernelSize,
        stride: [random.integer(1, 5), random.integer(1, 5)],
        padding: [
          [half(0), half(0)],
          [half(1), half(1)],
        ],
        ceilMode: random.next() < 0.5,
        countIncludePad: random.next() < 0.5,
      },
      seed,
    };
    try {
      outputShape(pooling);
      return pooling;
    } catch (error) {
      if (!(error instanceof StridenetError)) throw error;
    }
  }
}

const special = [0, -0, Number.NaN, 1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -0, -0];
const odd: Case[] = (['avgPool2d', 'adaptiveAvgPool2d'] as const).flatMap((operator) =>
  [1, 33].map((channels) => ({
    operator,
    title: `NaN, infinities and −0 in ${channels} channels`,
    seed: 1,
    inputs: [
      literal(Array.from({ length: 2 * channels }, () => special).flat(), [1, channels, 4, 4]),
    ],
    attributes: attributesOf({
      x: [1, channels, 4, 4],
      options: operator === 'avgPool2d' ? { kernelSize: 2 } : { outputSize: [3, 4] },
    }),
    model: { kind: 'exact' },
  })),
);

const image = (...shape: number[]) => zeros(shape);
const wrongCalls: WrongCall[] = [
  {
    operator: 'avgPool2d',
    title: 'rank 3',
    call: (ops: Functions) => ops.avgPool2d(image(3, 5, 5), { kernelSize: 2 }),
    code: 'ERR_SHAPE',
    message: ['avgPool2d', '(3, 5, 5)'],
  },
  {
    operator: 'avgPool2d',
    title: 'integers',
    call: (ops: Functions) => ops.avgPool2d(zeros([1, 1, 4, 4], 'int32'), { kernelSize: 2 }),
    code: 'ERR_DTYPE',
    message: ['avgPool2d', 'int32 (1, 1, 4, 4)'],
  },
  {
    operator: 'avgPool2d',
    title: 'a window larger than the input',
    call: (ops: Functions) => ops.avgPool2d(image(1, 1, 4, 2), { kernelSize: [2, 3] }),
    code: 'ERR_SHAPE',
    message: ['avgPool2d', '(1, 1, 4, 2)', '(2, 3)', 'larger'],
  },
  {
    operator: 'avgPool2d',
    title: 'padding above half the window',
    call: (ops: Functions) => ops.avgPool2d(image(1, 1, 4, 4), { kernelSize: 2, padding: 2 }),
    code: 'ERR_SHAPE',
    message: ['avgPool2d', 'padding 2', 'half'],
  },
  {
    operator: 'avgPool2d',
    title: 'an option that it does not have',
    call: (ops: Functions) =>
      ops.avgPool2d(image(1, 1, 4, 4), { kernelSize: 2, dilation: 2 } as never),
    code: 'ERR_ARGUMENT',
    message: ['avgPool2d', 'dilation'],
  },
  {
    operator: 'avgPool2d',
    title: 'countIncludePad 1',
    call: (ops: Functions) =>
      ops.avgPool2d(image(1, 1, 4, 4), { kernelSize: 2, countIncludePad: 1 as never }),
    code: 'ERR_ARGUMENT',
    message: ['avgPool2d', 'countIncludePad', '1'],
  },
  ...[0, -2, 2.5, Number.NaN, 2 ** 53].flatMap((value) => [
    ...(['kernelSize', 'stride'] as const).map((option) => ({
      operator: 'avgPool2d',
      title: `${option} ${value}`,
      call: (ops: Functions) =>
        ops.avgPool2d(image(1, 1, 4, 4), { kernelSize: 2, [option]: value }),
      code: 'ERR_ARGUMENT' as const,
      message: ['avgPool2d', option, String(value)],
    })),
    {
      operator: 'adaptiveAvgPool2d',
      title: `outputSize ${value}`,
      call: (ops: Functions) =>
        ops.adaptiveAvgPool2d(image(1, 1, 4, 4), { outputSize: [1, value] }),
      code: 'ERR_ARGUMENT' as const,
      message: ['adaptiveAvgPool2d', 'outputSize[1]', String(value)],
    },
    {
      operator: 'avgPool1d',
      title: `stride ${value}`,
      call: (ops: Functions) => ops.avgPool1d(image(1, 1, 4), { kernelSize: 2, stride: value }),
      code: 'ERR_ARGUMENT' as const,
      message: ['avgPool1d', 'stride', String(value)],
    },
  ]),
  {
    operator: 'adaptiveAvgPool2d',
    title: 'images without cells',
    call: (ops: Functions) => ops.adaptiveAvgPool2d(image(1, 1, 0, 4), { outputSize: 1 }),
    code: 'ERR_SHAPE',
    message: ['adaptiveAvgPool2d', '(1, 1, 0, 4)'],
  },
  {
    operator: 'adaptiveAvgPool2d',
    title: 'no outputSize',
    call: (ops: Functions) => ops.adaptiveAvgPool2d(image(1, 1, 4, 4), {} as never),
    code: 'ERR_ARGUMENT',
    message: ['adaptiveAvgPool2d', 'outputSize'],
  },
  {
    operator: 'globalAvgPool2d',
    title: 'rank 2',
    call: (ops: Functions) => ops.globalAvgPool2d(image(3, 5)),
    code: 'ERR_SHAPE',
    message: ['globalAvgPool2d', '(3, 5)'],
  },
  {
    operator: 'globalAvgPool1d',
    title: 'rank 4',
    call: (ops: Functions) => ops.globalAvgPool1d(image(1, 1, 4, 4)),
    code: 'ERR_SHAPE',
    message: ['globalAvgPool1d', '(1, 1, 4, 4)'],
  },
  {
    operator: 'globalAvgPool1d',
    title: 'signals without values',
    call: (ops: Functions) => ops.globalAvgPool1d(image(1, 2, 0)),
    code: 'ERR_SHAPE',
    message: ['globalAvgPool1d', '(1, 2, 1, 0)'],
  },
  {
    operator: 'avgPool1d',
    title: 'rank 4',
    call: (ops: Functions) => ops.avgPool1d(image(1, 1, 4, 4), { kernelSize: 2 }),
    code: 'ERR_SHAPE',
    message: ['avgPool1d', '(1, 1, 4, 4)'],
  },
  {
    operator: 'avgPool1d',
    title: 'no kernelSize',
    call: (ops: Functions) => ops.avgPool1d(image(1, 1, 4), {} as never),
    code: 'ERR_ARGUMENT',
    message: ['avgPool1d', 'kernelSize'],
  },
];

/** Average pooling, fixed and adaptive, and its gradients. */
export const avgPool2dCases: Family = {
  cases: [...[...chosen, ...seeds(40).map(randomPooling)].flatMap(casesOfAvgPooling), ...odd],
  wrongCalls,
  wrongData: [],
};
