import { trace } from '../../lib/computation/trace.ts';
import { elementCount } from '../../lib/shape.ts';
import { type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import {
  absent,
  type Case,
  type ErrorModel,
  type Family,
  type Input,
  lengths,
  literal,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { sum, tiny } from './rows.ts';

const settings = { epsilon: 1e-5 };
const training = { momentum: 0.1, epsilon: 1e-5 };

/** The elements of every channel, and the channel of every element. */
function channelsOf(x: Tensor): { values: number[][]; channel: (i: number) => number } {
  const [, C = 0] = x.shape;
  const area = elementCount(x.shape.slice(2));
  const channel = (i: number): number => Math.floor(i / area) % C;
  const values = Array.from({ length: C }, (): number[] => []);
  for (let i = 0; i < x.size; i++) values[channel(i)]?.push(x.data[i] as number);
  return { values, channel };
}

/** The error of a mean of deviations in pieces of at most 256 rows, in u, relative to their size. */
const statistic = 4 * Math.sqrt(256) + 16;

const meanOf = (values: readonly number[]): number =>
  values.length === 0 ? 0 : sum(values) / values.length;
const spreadOf = (values: readonly number[]): number => {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
};
const at = (tensor: Tensor | null | undefined, c: number, otherwise: number): number =>
  Math.abs(tensor ? (tensor.data[c] as number) : otherwise);

const inferenceModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'the deviation takes four roundings, the difference one, the product and the sum with the bias ' +
    'two each',
  bounds: ([input, , , , b], [y, inverse], u) => {
    const { channel } = channelsOf(input as Tensor);
    const bounds = Array.from((y as Tensor).data, (value, i) => {
      const shift = at(b, channel(i), 0);
      return 12 * u * (Math.abs(value as number) + 2 * shift) + tiny;
    });
    return [bounds, Array.from((inverse as Tensor).data, (d) => 6 * u * (d as number))];
  },
};

const trainingModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'sums over a piece are of differences to its rounded mean and of their squares: the mean errs ' +
    'by (4·√256 + 16)·u of the deviation σ, the variance by as much of itself, the inverse ' +
    'deviation by half of that; pieces are put together in float64, in which the mean of the ' +
    'reference rounds; then as by known statistics',
  bounds: (inputs, outputs, u, { momentum }) => {
    const [x, runningMean, runningVariance, w, b] = inputs;
    const [y, mean, inverse, newMean, newVariance] = outputs as Tensor[];
    const { values, channel } = channelsOf(x as Tensor);
    const spreads = values.map(spreadOf);
    const each = (tensor: Tensor | undefined, bound: (c: number, value: number) => number) =>
      tensor ? [Array.from(tensor.data, (value, c) => bound(c, Math.abs(value as number)))] : [];
    const m = momentum as number;
    const ys = Array.from((y as Tensor).data, (value, i) => {
      const c = channel(i);
      const [weight, shift] = [at(w, c, 1), at(b, c, 0)];
      const scaled = Math.abs(value as number) + 2 * shift;
      const rounded = 2 * 2 ** -53 * at(mean, c, 0) * at(inverse, c, 0) * weight;
      return u * ((statistic / 2 + 12) * scaled + 2 * statistic * weight) + rounded + tiny;
    });
    const ofMean = (c: number, value: number) =>
      u * (2 * value + statistic * (spreads[c] as number)) + 2 * 2 ** -53 * value + tiny;
    return [
      ys,
      ...each(mean, ofMean),
      ...each(inverse, (_, value) => (statistic / 2 + 8) * u * value),
      ...each(newMean, (c, value) => ofMean(c, value) + 4 * u * at(runningMean, c, 0)),
      ...each(newVariance, (c, value) => {
        const count = (values[c] as number[]).length;
        const variance = ((spreads[c] as number) ** 2 * count) / Math.max(1, count - 1);
        return u * (4 * value + 4 * at(runningVariance, c, 0) + m * statistic * variance) + tiny;
      }),
    ];
  },
};

const gradientModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'Σ dy and Σ dy·(x − mean) err by (4·√256 + 16)·u of the sums of sizes, pieces being added in ' +
    'float64; each element then takes at most eight roundings of its parts',
  bounds: ([dy, x, mean, inverse, w], [dx], u, attributes) => {
    const { values, channel } = channelsOf(x as Tensor);
    const messages = channelsOf(dy as Tensor).values;
    const sumSizes = messages.map((each) => sum(each.map(Math.abs)));
    const distance = (value: number, c: number) =>
      Math.abs(value - (mean?.data[c] as number)) * at(inverse, c, 1);
    const products = values.map((each, c) =>
      sum(each.map((v, i) => distance(v, c) * Math.abs(messages[c]?.[i] as number))),
    );
    const bounds = Array.from((dx as Tensor).data, (_, i) => {
      const c = channel(i);
      const M = (values[c] as number[]).length;
      const far = distance(x?.data[i] as number, c);
      const moved = ((sumSizes[c] as number) + far * (products[c] as number)) / M;
      const size = 8 * at(dy, i, 0) + (attributes.training ? (statistic + 8) * moved : 0);
      return at(w, c, 1) * at(inverse, c, 1) * size * u + tiny;
    });
    return [
      bounds,
      products.map((size) => (statistic + 8) * u * size + tiny),
      sumSizes.map((size) => statistic * u * size + tiny),
    ];
  },
};

/** Numbers around `center`, so many deviations away from 0. */
function around(shape: readonly number[], center: number): Input {
  return uniform(shape, center - 2, center + 2);
}

/** A statistic of the x among the inputs before. */
function statisticOf(place: number, kind: 'mean' | 'inverse'): Input {
  return ({ inputs, dtype }) => {
    const { values } = channelsOf(inputs[place] as Tensor);
    const result = values.map((each) =>
      kind === 'mean' ? meanOf(each) : 1 / Math.sqrt(spreadOf(each) ** 2 + 1e-5),
    );
    return tensor(result, [result.length], dtype);
  };
}

interface Options {
  readonly center?: number;
  readonly affine?: boolean;
  readonly running?: boolean;
  readonly checked?: boolean;
}

function casesOf(
  shape: readonly number[],
  { center = 0.5, affine = true, running = true, checked = false }: Options = {},
): Case[] {
  const C = shape[1] as number;
  const weight = affine ? uniform([C], 0.5, 2) : absent;
  const weights = affine ? [4] : [];
  const bias = affine ? uniform([C]) : absent;
  const claimed = (inputs: readonly number[]) =>
    checked ? { gradient: { inputs, tolerance: 1e-6, outputs: [0] } } : {};
  const kind = `${affine ? '' : ', plain'}${center === 0.5 ? '' : `, around ${center}`}`;
  const common = { title: `${sizes(shape)}${kind}`, seed: 7 };
  const gradient = (own: boolean): Case => ({
    ...common,
    operator: 'batchNormGradient',
    title: `${common.title}, ${own ? 'own' : 'known'} statistics`,
    inputs: [
      uniform(shape),
      around(shape, center),
      statisticOf(1, 'mean'),
      statisticOf(1, 'inverse'),
      weight,
    ],
    attributes: { training: own },
    model: gradientModel,
    // Of its own statistics x moves alone here: test/second-derivatives.test.ts moves both.
    ...(checked
      ? { gradient: { inputs: own ? [0, ...weights] : [0, 1, 2, 3, ...weights], tolerance: 1e-6 } }
      : {}),
  });
  return [
    {
      ...common,
      operator: 'batchNorm',
      inputs: [around(shape, center), around([C], center), uniform([C], 0.2, 3), weight, bias],
      attributes: settings,
      model: inferenceModel,
      perSample: [0],
      ...claimed(affine ? [0, 1, 2, 3, 4] : [0, 1, 2]),
    },
    {
      ...common,
      operator: 'batchNormTraining',
      inputs: [
        around(shape, center),
        running ? uniform([C]) : absent,
        running ? uniform([C], 0.5, 2) : absent,
        weight,
        bias,
      ],
      attributes: training,
      model: trainingModel,
      ...claimed(affine ? [0, 3, 4] : [0]),
    },
    gradient(true),
    gradient(false),
  ];
}

const cases: Case[] = [
  ...lengths.flatMap((C) => casesOf([13, C], { checked: C < 6 })),
  ...casesOf([5, 3, 2, 3], { checked: true }),
  ...casesOf([3, 2, 3, 2], { checked: true, affine: false, running: false }),
  ...casesOf([4, 5, 3, 7]),
  ...casesOf([2, 1, 40, 50]),
  ...casesOf([2, 3, 61, 67]),
  ...casesOf([3, 64, 29, 31]),
  ...casesOf([70, 300]),
  ...casesOf([9, 8, 5, 5], { center: 1000 }),
  ...casesOf([9, 8, 25, 25], { center: -3e4 }),
  ...casesOf([4, 70, 3, 3], { affine: false }),
  ...casesOf([1, 3, 1, 2]),
  ...casesOf([1, 3]),
  ...casesOf([0, 3]),
  ...casesOf([0, 3, 2, 2]),
  ...casesOf([3, 0]),
  {
    operator: 'batchNormTraining',
    title: 'channels of equal values, and with NaN and infinities',
    seed: 1,
    inputs: [
      literal([7, 0, 1, 1, 7, 0, Number.NaN, 2, 7, 0, 3, Number.POSITIVE_INFINITY], [3, 4]),
      uniform([4]),
      uniform([4], 0.5, 2),
      absent,
      absent,
    ],
    attributes: training,
    model: trainingModel,
  },
];

const batched = { shape: [2, 3], dtype: 'float32', batched: true } as const;

const wrongCalls: WrongCall[] = [
  ...(
    [
      ['rank 1', [3]],
      ['rank 5', [2, 3, 1, 1, 1]],
    ] as const
  ).flatMap(([title, shape]): WrongCall[] => [
    {
      operator: 'batchNorm',
      title,
      call: (ops) => ops.batchNorm(zeros([...shape]), zeros([3]), zeros([3])),
      code: 'ERR_SHAPE',
      message: ['batchNorm', 'rank', `(${shape.join(', ')})`],
    },
    {
      operator: 'batchNormTraining',
      title,
      call: (ops) => ops.batchNormTraining(zeros([...shape]), null, null),
      code: 'ERR_SHAPE',
      message: ['batchNormTraining', 'rank', `(${shape.join(', ')})`],
    },
  ]),
  {
    operator: 'batchNorm',
    title: 'another number of means',
    call: (ops) => ops.batchNorm(zeros([2, 3]), zeros([4]), zeros([3])),
    code: 'ERR_SHAPE',
    message: ['batchNorm', 'runningMean', '(4)', '(2, 3)'],
  },
  {
    operator: 'batchNormTraining',
    title: 'a weight for the wrong axis',
    call: (ops) => ops.batchNormTraining(zeros([2, 3, 4, 5]), null, null, zeros([5])),
    code: 'ERR_SHAPE',
    message: ['batchNormTraining', 'weight', '(5)', '(2, 3, 4, 5)'],
  },
  {
    operator: 'batchNormTraining',
    title: 'a bias of another dtype',
    call: (ops) => ops.batchNormTraining(zeros([2, 3]), null, null, null, zeros([3], 'float64')),
    code: 'ERR_DTYPE',
    message: ['batchNormTraining', 'bias', 'float64'],
  },
  {
    operator: 'batchNormTraining',
    title: 'integers',
    call: (ops) => ops.batchNormTraining(zeros([2, 3], 'int32') as Tensor, null, null),
    code: 'ERR_DTYPE',
    message: ['batchNormTraining', 'x', 'int32'],
  },
  {
    operator: 'batchNormTraining',
    title: 'a running mean without a variance',
    call: (ops) => ops.batchNormTraining(zeros([2, 3]), zeros([3]), null),
    code: 'ERR_ARGUMENT',
    message: ['batchNormTraining', 'runningVariance'],
  },
  {
    operator: 'batchNormTraining',
    title: 'a batched weight',
    call: (ops) =>
      trace(
        (x, w) => ops.batchNormTraining(x, null, null, w).y,
        { shape: [3, 3], dtype: 'float32', batched: true },
        { shape: [3], dtype: 'float32', batched: true },
      ),
    code: 'ERR_SHAPE',
    message: ['batchNormTraining', 'weight'],
  },
  ...[-0.1, 1.1, Number.NaN].map(
    (momentum): WrongCall => ({
      operator: 'batchNormTraining',
      title: `momentum ${momentum}`,
      call: (ops) =>
        trace((x) => ops.batchNormTraining(x, null, null, null, null, { momentum }).y, batched),
      code: 'ERR_ARGUMENT',
      message: ['batchNormTraining', 'momentum', String(momentum)],
    }),
  ),
  {
    operator: 'batchNorm',
    title: 'a negative epsilon',
    call: (ops) =>
      ops.batchNorm(zeros([2, 3]), zeros([3]), zeros([3]), null, null, { epsilon: -1 }),
    code: 'ERR_ARGUMENT',
    message: ['batchNorm', 'epsilon', '-1'],
  },
];

/** Batch normalization by known and by own statistics, and its gradients. */
export const batchNormCases: Family = { cases, wrongCalls, wrongData: [] };
