import { StridenetError } from '../../lib/errors.ts';
import { type Conv2dOptions, conv2dAttributes } from '../../lib/ops/conv2d.ts';
import { convOutputSize } from '../../lib/shape.ts';
import { tensor, zeros } from '../../lib/tensor.ts';
import { Random } from '../support/random.ts';
import {
  absent,
  type Case,
  type Family,
  type Functions,
  type Input,
  integers,
  seeds,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { wrongConvolutions } from './convolutionFunctions.ts';

/** A call to be tried. */
export interface ConvolutionShape {
  /** N, C, H, W of the input. */
  readonly x: readonly [number, number, number, number];
  /** Filters K, and R, S of each. */
  readonly filters: readonly [number, number, number];
  readonly options?: Conv2dOptions;
  readonly bias?: boolean;
  readonly seed?: number;
  /** Also check gradients by differences. */
  readonly gradient?: boolean;
}

function outputSize({
  x: [, , h, w],
  filters: [, r, s],
  options = {},
}: ConvolutionShape): [number, number] {
  const a = conv2dAttributes('conv2d', options, [h, w], [r, s]);
  return [
    convOutputSize(h, r, {
      stride: a.stride[0],
      padding: a.padding[0] + a.padding[1],
      dilation: a.dilation[0],
    }),
    convOutputSize(w, s, {
      stride: a.stride[1],
      padding: a.padding[2] + a.padding[3],
      dilation: a.dilation[1],
    }),
  ];
}

function describe({ x, filters, options = {}, bias }: ConvolutionShape): string {
  const settings = Object.entries(options).map(
    ([name, value]) => `${name} ${JSON.stringify(value)}`,
  );
  const all = [`${sizes(x)} with ${sizes(filters)}`, ...settings, ...(bias ? ['bias'] : [])];
  return all.join(', ');
}

/** Forward and both gradients, exact on integers and bounded on real numbers. */
export function casesOfConvolution(geometry: ConvolutionShape): Case[] {
  const { x, filters, options = {}, bias = false, seed = 1, gradient = false } = geometry;
  const [n, c, h, w] = x;
  const [k, r, s] = filters;
  const attributes = conv2dAttributes('conv2d', options, [h, w], [r, s]);
  const weight = [k, c / attributes.groups, r, s];
  const y = [n, k, ...outputSize(geometry)];
  const [p = 0, q = 0] = y.slice(2);
  const terms = (c / attributes.groups) * r * s + 1;
  const claim = (inputs: number[]) => (gradient ? { gradient: { inputs, tolerance: 1e-6 } } : {});
  const made: Case[] = [];
  for (const exact of [true, false]) {
    const values: (shape: readonly number[]) => Input = exact ? integers : uniform;
    const model = (K: number) =>
      exact ? ({ kind: 'exact' } as const) : ({ kind: 'dot', terms: K } as const);
    const claims = exact ? () => ({}) : claim;
    const title = `${describe(geometry)}, ${exact ? 'integers' : 'reals'}`;
    made.push(
      {
        operator: 'conv2d',
        title,
        seed,
        inputs: [values(x), values(weight), bias ? values([k]) : absent],
        attributes,
        model: model(terms),
        perSample: [0],
        ...claims(bias ? [0, 1, 2] : [0, 1]),
      },
      {
        operator: 'conv2dInputGradient',
        title,
        seed,
        inputs: [values(y), values(weight)],
        attributes: { ...attributes, inputSize: [h, w] },
        model: model((k / attributes.groups) * r * s),
        perSample: [0],
        ...claims([0, 1]),
      },
      {
        operator: 'conv2dFilterGradient',
        title,
        seed,
        inputs: [values(x), values(y)],
        attributes: { ...attributes, kernelSize: [r, s] },
        model: model(n * p * q),
        ...claims([0, 1]),
      },
    );
  }
  return made;
}

const chosen: ConvolutionShape[] = [
  { x: [2, 3, 5, 6], filters: [4, 3, 3], bias: true, gradient: true },
  {
    x: [2, 3, 6, 5],
    filters: [4, 3, 2],
    options: { flipKernel: true },
    bias: true,
    gradient: true,
  },
  {
    x: [2, 2, 7, 6],
    filters: [3, 3, 3],
    options: {
      stride: 2,
      padding: [
        [1, 0],
        [0, 2],
      ],
    },
    bias: true,
    gradient: true,
  },
  {
    x: [1, 4, 7, 7],
    filters: [6, 3, 2],
    options: { groups: 2, dilation: [2, 1], padding: 1 },
    gradient: true,
  },
  {
    x: [2, 4, 5, 5],
    filters: [4, 3, 3],
    options: { groups: 4, padding: 'same', flipKernel: true },
    gradient: true,
  },
  { x: [1, 2, 9, 9], filters: [2, 2, 2], options: { stride: [3, 4] }, gradient: true },
  {
    x: [1, 2, 4, 4],
    filters: [2, 2, 3],
    options: { padding: 'full', flipKernel: true },
    bias: true,
    gradient: true,
  },
  { x: [2, 5, 4, 3], filters: [7, 1, 1], bias: true, gradient: true },
  { x: [1, 1, 1, 6], filters: [1, 1, 3], gradient: true },
  { x: [0, 3, 8, 8], filters: [4, 3, 3], bias: true },
  { x: [3, 0, 5, 5], filters: [2, 3, 3], bias: true },
  { x: [2, 3, 5, 5], filters: [0, 3, 3] },
  { x: [2, 4, 5, 5], filters: [0, 3, 3] },
  { x: [2, 0, 40, 40], filters: [3, 3, 3] },
  { x: [1, 1, 3, 3], filters: [1, 2, 2], options: { padding: 5 } },
  { x: [2, 3, 7, 7], filters: [4, 1, 1], options: { stride: 2 } },
  { x: [2, 3, 7, 7], filters: [4, 1, 1], options: { stride: 2, padding: 1 }, bias: true },
  { x: [1, 1, 1, 1], filters: [1, 1, 1], bias: true },
  {
    x: [2, 8, 11, 11],
    filters: [16, 3, 3],
    options: { groups: 8, stride: 2, padding: 1 },
    bias: true,
  },
  { x: [1, 3, 23, 23], filters: [8, 7, 7], options: { stride: 2, padding: 3 }, bias: true },
  { x: [1, 3, 35, 35], filters: [8, 11, 11], options: { stride: 4, padding: 2 } },
  { x: [9, 1, 28, 28], filters: [32, 3, 3], bias: true },
  { x: [3, 32, 14, 14], filters: [40, 3, 3], options: { padding: 1 }, bias: true },
  { x: [3, 24, 7, 7], filters: [36, 3, 3], options: { padding: 1 }, bias: true },
  { x: [1, 12, 31, 30], filters: [20, 5, 5], options: { padding: 2, stride: 2, groups: 2 } },
  { x: [2, 64, 9, 9], filters: [72, 3, 3], options: { padding: 1, stride: 2 } },
  { x: [2, 130, 7, 7], filters: [70, 1, 1], bias: true },
  { x: [1, 600, 3, 3], filters: [5, 3, 3], options: { padding: 1 } },
  { x: [5, 4, 40, 40], filters: [6, 2, 2], options: { dilation: 3 } },
  { x: [2, 70, 6, 7], filters: [70, 3, 3], options: { groups: 70, padding: 1 }, bias: true },
  { x: [2, 33, 9, 8], filters: [33, 5, 3], options: { groups: 33, stride: 2, flipKernel: true } },
  { x: [1, 36, 7, 6], filters: [72, 3, 3], options: { groups: 36, padding: [1, 2] }, bias: true },
  { x: [2, 37, 7, 7], filters: [37, 3, 3], options: { groups: 37, padding: 1 }, bias: true },
  { x: [1, 48, 5, 30], filters: [48, 3, 3], options: { groups: 48, padding: [1, 0] }, bias: true },
  {
    x: [2, 19, 12, 17],
    filters: [19, 3, 3],
    options: {
      groups: 19,
      stride: 2,
      padding: [
        [0, 1],
        [2, 1],
      ],
    },
    bias: true,
  },
  {
    x: [1, 21, 9, 16],
    filters: [21, 5, 5],
    options: { groups: 21, stride: [3, 2], padding: 2, flipKernel: true },
  },
  { x: [1, 33, 8, 10], filters: [33, 5, 5], options: { groups: 33, padding: 2 }, bias: true },
  { x: [1, 17, 9, 11], filters: [17, 7, 7], options: { groups: 17, padding: 3 } },
  { x: [1, 17, 4, 20], filters: [17, 3, 13], options: { groups: 17, padding: [1, 6] } },
  { x: [1, 17, 3, 20], filters: [17, 1, 15], options: { groups: 17, padding: [0, 7] } },
  { x: [1, 9, 20, 20], filters: [5, 9, 9], options: { padding: 4 }, bias: true },
  { x: [1, 18, 6, 9], filters: [18, 4, 2], options: { groups: 18, stride: [2, 1], padding: 1 } },
  { x: [2, 64, 6, 5], filters: [64, 3, 3], options: { groups: 16, padding: 1 }, bias: true },
  { x: [1, 72, 6, 5], filters: [72, 2, 3], options: { groups: 9, padding: 1, dilation: 2 } },
  { x: [1, 68, 5, 5], filters: [68, 3, 3], options: { groups: 34, stride: [1, 2] } },
  { x: [1, 40, 5, 9], filters: [60, 2, 2], options: { groups: 20, padding: 3 } },
  ...[1, 2, 3, 4].map((k) => ({
    x: [2, 8 * k + 5, 6, 9] as const,
    filters: [k, 3, 3] as const,
    options: { padding: 1, stride: [1, 2] as const },
    bias: true,
  })),
  ...[1, 2, 3, 4].map((c) => ({
    x: [2, c, 9, 8] as const,
    filters: [9 + 7 * c, 4, 3] as const,
    options: { padding: 2, stride: 2, dilation: [1, 2] as const },
  })),
];

/** A convolution that fits, drawn from sizes around vector widths and unusual settings. */
function randomGeometry(seed: number): ConvolutionShape {
  for (let attempt = 0; ; attempt++) {
    const random = new Random(seed * 1009 + attempt);
    const groups = random.pick([1, 1, 1, 1, 2, 3, 5, 16]);
    const perGroup = () =>
      random.pick([1, 1, 2, 3, 4, 5, 8, random.integer(1, 19), random.integer(1, 67)]);
    const depthwise = groups > 1 && random.next() < 0.3;
    const c = groups * (depthwise ? 1 : perGroup());
    const k = groups * (depthwise ? random.integer(1, 2) : perGroup());
    const size = () =>
      random.pick([random.integer(1, 12), random.integer(1, 20), random.integer(1, 67)]);
    const kernel = () => random.pick([1, 2, 3, 3, 4, 5, 7]);
    const side = () => random.pick([0, 0, 1, 2, 3]);
    const geometry: ConvolutionShape = {
      x: [random.pick([1, 1, 2, 3]), c, size(), size()],
      filters: [k, kernel(), kernel()],
      options: {
        stride: [random.pick([1, 1, 2, 3, 5]), random.pick([1, 1, 2, 3, 5])],
        padding: [
          [side(), side()],
          [side(), side()],
        ],
        dilation: [random.pick([1, 1, 2, 3]), random.pick([1, 1, 2, 3])],
        groups,
        flipKernel: random.next() < 0.3,
      },
      bias: random.next() < 0.5,
      seed,
    };
    try {
      const [p, q] = outputSize(geometry);
      const products =
        geometry.x[0] * k * (c / groups) * geometry.filters[1] * geometry.filters[2] * p * q;
      if (products <= 200_000) return geometry;
    } catch (error) {
      if (!(error instanceof StridenetError)) throw error;
    }
  }
}

const random = seeds(120).map(randomGeometry);

const image = (...shape: number[]) => zeros(shape);

const wrongCalls: WrongCall[] = [
  {
    title: 'x of rank 3',
    call: (ops: Functions) => ops.conv2d(image(3, 5, 5), image(4, 3, 3, 3)),
    code: 'ERR_SHAPE' as const,
    message: ['conv2d', '(3, 5, 5)'],
  },
  {
    title: 'weight of rank 2',
    call: (ops: Functions) => ops.conv2d(image(1, 3, 5, 5), image(4, 3)),
    code: 'ERR_SHAPE' as const,
    message: ['conv2d', '(4, 3)'],
  },
  {
    title: 'channels that differ',
    call: (ops: Functions) => ops.conv2d(image(1, 3, 5, 5), image(4, 2, 3, 3)),
    code: 'ERR_SHAPE' as const,
    message: ['conv2d', '3 channels', '(4, 2, 3, 3)'],
  },
  {
    title: 'groups that do not divide',
    call: (ops: Functions) => ops.conv2d(image(1, 4, 5, 5), image(4, 1, 3, 3), null, { groups: 3 }),
    code: 'ERR_SHAPE' as const,
    message: ['conv2d', 'groups 3', '4 channels of x (1, 4, 5, 5)'],
  },
  {
    title: 'a bias of another length',
    call: (ops: Functions) => ops.conv2d(image(1, 3, 5, 5), image(4, 3, 3, 3), image(3)),
    code: 'ERR_SHAPE' as const,
    message: ['conv2d', '(4)', '(3)'],
  },
  {
    title: 'a filter larger than the padded input',
    call: (ops: Functions) =>
      ops.conv2d(image(1, 1, 2, 9), image(1, 1, 5, 3), null, { padding: 1 }),
    code: 'ERR_SHAPE' as const,
    message: ['conv2d', '(1, 1, 2, 9)', '(1, 1, 5, 3)', 'larger than the padded input'],
  },
  {
    title: 'a filter without rows',
    call: (ops: Functions) => ops.conv2d(image(1, 1, 4, 4), image(1, 1, 0, 3)),
    code: 'ERR_ARGUMENT' as const,
    message: ['conv2d', '(1, 1, 0, 3)'],
  },
  ...[0, -1, 1.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY].map((stride) => ({
    title: `stride ${stride}`,
    call: (ops: Functions) => ops.conv2d(image(1, 1, 5, 5), image(1, 1, 3, 3), null, { stride }),
    code: 'ERR_ARGUMENT' as const,
    message: ['conv2d', 'stride', String(stride)],
  })),
  ...[0, 0.5, Number.NaN].map((dilation) => ({
    title: `dilation ${dilation}`,
    call: (ops: Functions) =>
      ops.conv2d(image(1, 1, 5, 5), image(1, 1, 3, 3), null, { dilation: [1, dilation] }),
    code: 'ERR_ARGUMENT' as const,
    message: ['conv2d', 'dilation[1]', String(dilation)],
  })),
  ...[-1, 0.5, Number.NaN, 2 ** 31].map((padding) => ({
    title: `padding ${padding}`,
    call: (ops: Functions) => ops.conv2d(image(1, 1, 5, 5), image(1, 1, 3, 3), null, { padding }),
    code: 'ERR_ARGUMENT' as const,
    message: ['conv2d', 'padding', String(padding)],
  })),
  {
    title: 'an output of more than 2^53 elements',
    call: (ops: Functions) =>
      ops.conv2d(image(1, 1, 5, 5), image(1, 1, 3, 3), null, { padding: 2 ** 28 }),
    code: 'ERR_SHAPE' as const,
    message: ['2^53'],
  },
  {
    title: 'an output that no array holds',
    call: (ops: Functions) =>
      ops.conv2d(image(1, 1, 5, 5), image(1, 1, 3, 3), null, { padding: 2 ** 20 }),
    code: 'ERR_MEMORY' as const,
    message: ['elements'],
  },
  {
    title: 'groups 0',
    call: (ops: Functions) => ops.conv2d(image(1, 1, 5, 5), image(1, 1, 3, 3), null, { groups: 0 }),
    code: 'ERR_ARGUMENT' as const,
    message: ['conv2d', 'groups', '0'],
  },
  {
    title: 'dtypes that mix',
    call: (ops: Functions) =>
      ops.conv2d(image(1, 1, 5, 5), tensor(new Float64Array(9), [1, 1, 3, 3])),
    code: 'ERR_DTYPE' as const,
    message: ['conv2d', 'float32', 'float64'],
  },
  {
    title: 'integers',
    call: (ops: Functions) =>
      ops.conv2d(tensor(new Int32Array(25), [1, 1, 5, 5]), tensor(new Int32Array(9), [1, 1, 3, 3])),
    code: 'ERR_DTYPE' as const,
    message: ['conv2d', 'int32 (1, 1, 5, 5)'],
  },
].map((wrong) => ({ operator: 'conv2d', ...wrong }));

/** Convolution and its gradients. */
export const conv2dCases: Family = {
  cases: [...chosen, ...random].flatMap(casesOfConvolution),
  wrongCalls: [...wrongCalls, ...wrongConvolutions],
  wrongData: [],
};
