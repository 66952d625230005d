import { StridenetError } from '../../lib/errors.ts';
import type { MaxPool2dAttributes, MaxPool2dOptions, TieRule } from '../../lib/ops/maxPool2d.ts';
import { type Attributes, need } from '../../lib/ops/operator.ts';
import { checkPair, resolvePadding } from '../../lib/shape.ts';
import { zeros } from '../../lib/tensor.ts';
import { operatorNamed, oracle } from '../support/oracle.ts';
import { Random } from '../support/random.ts';
import {
  type Case,
  type Family,
  type Functions,
  type Input,
  integers,
  literal,
  seeds,
  sizes,
  spread,
  uniform,
  type WrongCall,
  type WrongData,
} from './case.ts';

type Images = readonly [N: number, C: number, H: number, W: number];

/** A call to be tried. */
export interface MaxPoolingShape {
  readonly x: Images;
  readonly options: MaxPool2dOptions;
  readonly seed?: number;
  readonly gradient?: boolean;
}

function attributesOf({ x: [, , h, w], options }: MaxPoolingShape): MaxPool2dAttributes {
  const kernelSize = checkPair('maxPool2d', 'kernelSize', options.kernelSize, 1);
  const stride = checkPair('maxPool2d', 'stride', options.stride ?? kernelSize, 1);
  const dilation = checkPair('maxPool2d', 'dilation', options.dilation ?? 1, 1);
  const geometry = { size: [h, w] as const, kernelSize, stride, dilation };
  const padding = resolvePadding('maxPool2d', options.padding ?? 0, geometry);
  const { ceilMode = false, ties = 'first' } = options;
  return { kernelSize, stride, padding, dilation, ceilMode, ties };
}

function outputShape(pooling: MaxPoolingShape): readonly number[] {
  const spec = { shape: pooling.x, dtype: 'float64' as const };
  return need(operatorNamed('maxPool2d').infer([spec], attributesOf(pooling))[0]).shape;
}

/** The winners of pooling what `x` makes. */
function winnersOf(x: Input, attributes: Attributes): Input {
  return (making) => oracle('maxPool2d', [x(making)], attributes)[1] ?? null;
}

/** Places in windows of `cells`, in the padding too. */
function anyWinners(shape: readonly number[], cells: number): Input {
  return ({ random }) => {
    const winners = zeros(shape, cells <= 255 ? 'uint8' : 'int32');
    winners.data.forEach((_, i) => {
      winners.data[i] = random.integer(0, cells - 1);
    });
    return winners;
  };
}

/** The maxima of pooling input 1. */
function maximaOf(attributes: Attributes): Input {
  return ({ inputs }) => oracle('maxPool2d', [inputs[1] ?? null], attributes)[0] ?? null;
}

function title({ x, options }: MaxPoolingShape, values: string): string {
  const settings = Object.entries(options).map(
    ([name, value]) => `${name} ${JSON.stringify(value)}`,
  );
  return [sizes(x), ...settings, values].join(', ');
}

export function casesOfMaxPooling(pooling: MaxPoolingShape): Case[] {
  const { x, seed = 1, gradient = false } = pooling;
  const attributes = attributesOf(pooling);
  const y = outputShape(pooling);
  const [R, S] = attributes.kernelSize;
  const inputSize = [x[2], x[3]];
  const made: Case[] = [];
  const ties: Input = integers(x, 0, 2);
  for (const [name, cells] of [
    ['reals', spread(x)],
    ['ties', ties],
  ] as const) {
    made.push({
      operator: 'maxPool2d',
      title: title(pooling, name),
      seed,
      inputs: [cells],
      attributes,
      model: { kind: 'exact' },
      perSample: [0],
      ...(gradient && name === 'reals' ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {}),
    });
  }
  for (const [name, deltas] of [
    ['integers', integers(y)],
    ['reals', uniform(y)],
  ] as const) {
    const exact = name === 'integers';
    made.push({
      operator: 'maxPool2dGradient',
      title: title(pooling, name),
      seed,
      inputs: [deltas, winnersOf(ties, attributes)],
      attributes: { ...attributes, ties: 'first', inputSize },
      model: exact ? { kind: 'exact' } : { kind: 'dot', terms: R * S },
      perSample: [0, 1],
      ...(gradient && !exact ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {}),
    });
    made.push({
      operator: 'maxPool2dGather',
      title: title(pooling, name),
      seed,
      inputs: [exact ? integers(x) : uniform(x), anyWinners(y, R * S)],
      attributes,
      model: { kind: 'exact' },
      perSample: [0, 1],
      ...(gradient && !exact ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {}),
    });
    for (const rule of ['all', 'split'] satisfies TieRule[]) {
      made.push({
        operator: 'maxPool2dTieGradient',
        title: `${title(pooling, name)}, ${rule}`,
        seed,
        inputs: [deltas, ties, maximaOf(attributes)],
        attributes: { ...attributes, ties: rule, inputSize },
        model:
          exact && rule === 'all'
            ? { kind: 'exact' }
            : { kind: 'dot', terms: R * S + 1, absolute: [0] },
        perSample: [0, 1, 2],
        ...(gradient && !exact ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {}),
      });
    }
  }
  return made;
}

const chosen: MaxPoolingShape[] = [
  { x: [2, 3, 6, 6], options: { kernelSize: 2 }, gradient: true },
  { x: [2, 3, 6, 6], options: { kernelSize: 2, ties: 'all' }, gradient: true },
  { x: [2, 3, 6, 6], options: { kernelSize: 2, ties: 'split' }, gradient: true },
  { x: [1, 2, 7, 5], options: { kernelSize: 2 }, gradient: true },
  {
    x: [1, 2, 7, 8],
    options: { kernelSize: [3, 2], stride: [2, 1], padding: [1, 0] },
    gradient: true,
  },
  {
    x: [1, 2, 7, 8],
    options: { kernelSize: 3, stride: 2, padding: 1, ties: 'all' },
    gradient: true,
  },
  {
    x: [1, 2, 7, 8],
    options: { kernelSize: 3, stride: 2, padding: 1, ties: 'split' },
    gradient: true,
  },
  { x: [1, 2, 8, 8], options: { kernelSize: 3, stride: 2, ceilMode: true }, gradient: true },
  { x: [1, 2, 8, 9], options: { kernelSize: 2, stride: 3, dilation: 2 }, gradient: true },
  { x: [1, 1, 5, 5], options: { kernelSize: 3, stride: 3, ceilMode: true, padding: 1 } },
  { x: [2, 3, 3, 2], options: { kernelSize: 4, ceilMode: true, padding: 1 }, gradient: true },
  { x: [0, 3, 4, 4], options: { kernelSize: 2 } },
  { x: [2, 0, 4, 4], options: { kernelSize: 2 } },
  { x: [1, 1, 1, 1], options: { kernelSize: 1 } },
  { x: [2, 5, 9, 9], options: { kernelSize: 1, stride: 2 } },
  { x: [1, 3, 20, 21], options: { kernelSize: [16, 17], stride: 2 } },
  { x: [2, 67, 6, 7], options: { kernelSize: 3, stride: 1, padding: 'same' } },
  { x: [6, 32, 26, 26], options: { kernelSize: 2 } },
  { x: [2, 33, 13, 13], options: { kernelSize: 3, stride: 2 } },
];

/** A pooling that fits. */
function randomPooling(seed: number): MaxPoolingShape {
  for (let attempt = 0; ; attempt++) {
    const random = new Random(seed * 7717 + attempt);
    const kernelSize = [random.integer(1, 4), random.integer(1, 4)] as const;
    const dilation = [random.pick([1, 1, 2]), random.pick([1, 1, 2])] as const;
    const half = (axis: 0 | 1) =>
      random.integer(0, Math.floor((dilation[axis] * (kernelSize[axis] - 1) + 1) / 2));
    const pooling: MaxPoolingShape = {
      x: [
        random.integer(1, 3),
        random.pick([1, 2, 3, random.integer(1, 67)]),
        random.integer(1, 14),
        random.pick([random.integer(1, 14), random.integer(1, 40)]),
      ],
      options: {
        kernelSize,
        stride: [random.integer(1, 5), random.integer(1, 5)],
        padding: [
          [half(0), half(0)],
          [half(1), half(1)],
        ],
        dilation,
        ceilMode: random.next() < 0.5,
        ties: random.pick(['first', 'all', 'split']),
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

const special = [0, -0, Number.NaN, 1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -0, 0];
const odd: Case[] = [
  { title: 'a NaN among numbers', values: [1, Number.NaN, 3, 4] },
  { title: 'two NaN', values: [1, 2, Number.NaN, Number.NaN] },
  { title: 'NaN first', values: [Number.NaN, 5, 6, Number.POSITIVE_INFINITY] },
  { title: '−0 before 0', values: [-0, 0, -1, -2] },
  { title: '0 before −0', values: [0, -0, -1, -2] },
  { title: 'nothing but −∞', values: new Array(4).fill(Number.NEGATIVE_INFINITY) },
].map(({ title: name, values }) => ({
  operator: 'maxPool2d',
  title: name,
  seed: 1,
  // 33 channels: whole vectors and a rest
  inputs: [literal(Array.from({ length: 33 }, () => values).flat(), [1, 33, 2, 2])],
  attributes: attributesOf({ x: [1, 33, 2, 2], options: { kernelSize: 2 } }),
  model: { kind: 'exact' },
}));
odd.push({
  operator: 'maxPool2d',
  title: 'NaN, infinities and zeros under padding',
  seed: 1,
  inputs: [literal([...special, ...special.toReversed()], [1, 1, 4, 4])],
  attributes: attributesOf({
    x: [1, 1, 4, 4],
    options: { kernelSize: 3, stride: 1, padding: 1 },
  }),
  model: { kind: 'exact' },
});

const wrongCalls: WrongCall[] = [
  {
    title: 'rank 3',
    call: (ops: Functions) => ops.maxPool2d(zeros([3, 5, 5]), { kernelSize: 2 }),
    code: 'ERR_SHAPE' as const,
    message: ['maxPool2d', '(3, 5, 5)'],
  },
  {
    title: 'integers',
    call: (ops: Functions) => ops.maxPool2d(zeros([1, 1, 4, 4], 'int32'), { kernelSize: 2 }),
    code: 'ERR_DTYPE' as const,
    message: ['maxPool2d', 'int32 (1, 1, 4, 4)'],
  },
  {
    title: 'a window larger than the input',
    call: (ops: Functions) => ops.maxPool2d(zeros([1, 1, 4, 2]), { kernelSize: [2, 3] }),
    code: 'ERR_SHAPE' as const,
    message: ['maxPool2d', '(1, 1, 4, 2)', '(2, 3)', 'larger'],
  },
  {
    title: 'padding above half the window',
    call: (ops: Functions) => ops.maxPool2d(zeros([1, 1, 4, 4]), { kernelSize: 2, padding: 2 }),
    code: 'ERR_SHAPE' as const,
    message: ['maxPool2d', '(1, 1, 4, 4)', 'half'],
  },
  {
    title: 'an unknown tie rule',
    call: (ops: Functions) =>
      ops.maxPool2d(zeros([1, 1, 4, 4]), { kernelSize: 2, ties: 'last' as TieRule }),
    code: 'ERR_ARGUMENT' as const,
    message: ['maxPool2d', 'ties', "'last'"],
  },
  {
    title: 'no window',
    call: (ops: Functions) => ops.maxPool2d(zeros([1, 1, 4, 4]), {} as MaxPool2dOptions),
    code: 'ERR_ARGUMENT' as const,
    message: ['maxPool2d', 'kernelSize', 'undefined'],
  },
  ...[0, -2, 2.5, Number.NaN, 2 ** 53].flatMap((value) =>
    (['kernelSize', 'stride', 'dilation'] as const).map((option) => ({
      title: `${option} ${value}`,
      call: (ops: Functions) =>
        ops.maxPool2d(zeros([1, 1, 4, 4]), { kernelSize: 2, [option]: value }),
      code: 'ERR_ARGUMENT' as const,
      message: ['maxPool2d', option, String(value)],
    })),
  ),
].map((wrong) => ({ operator: 'maxPool2d', ...wrong }));

const wrongWinners: WrongData[] = [
  { kernelSize: [2, 2] as const, dtype: 'uint8' as const, winner: 4 },
  { kernelSize: [2, 2] as const, dtype: 'uint8' as const, winner: 255 },
  { kernelSize: [16, 16] as const, dtype: 'int32' as const, winner: 256 },
  { kernelSize: [16, 16] as const, dtype: 'int32' as const, winner: -1 },
  { kernelSize: [16, 16] as const, dtype: 'int32' as const, winner: 2 ** 31 - 1 },
].flatMap(({ kernelSize, dtype, winner }) => {
  const inputSize = [kernelSize[0], 2 * kernelSize[1]] as const;
  const attributes = attributesOf({ x: [1, 3, ...inputSize], options: { kernelSize } });
  return [
    {
      operator: 'maxPool2dGradient',
      inputs: [uniform([1, 3, 1, 2])],
      attributes: { ...attributes, inputSize },
    },
    { operator: 'maxPool2dGather', inputs: [uniform([1, 3, ...inputSize])], attributes },
  ].map(({ operator, inputs, attributes: settings }) => ({
    operator,
    title: `winner ${winner} of a window of ${kernelSize.join('x')} in ${operator}`,
    inputs: [...inputs, literal([0, 1, 2, winner, 3, 0], [1, 3, 1, 2], dtype)],
    attributes: settings,
    code: 'ERR_ARGUMENT' as const,
    message: [
      `[${operator}] expected winners within [0, ${kernelSize[0] * kernelSize[1]}) but received ${winner}`,
    ],
  }));
});

const unpoolings: WrongCall[] = [
  {
    title: 'y of rank 3',
    call: (ops: Functions) =>
      ops.maxUnpool2d(zeros([1, 2, 2]), zeros([1, 2, 2], 'uint8'), { kernelSize: 2 }),
    code: 'ERR_SHAPE' as const,
    message: ['maxUnpool2d', '(1, 2, 2)'],
  },
  {
    title: 'winners of another shape',
    call: (ops: Functions) =>
      ops.maxUnpool2d(zeros([1, 1, 2, 2]), zeros([1, 1, 2, 3], 'uint8'), { kernelSize: 2 }),
    code: 'ERR_SHAPE' as const,
    message: ['(1, 1, 2, 2)', '(1, 1, 2, 3)', 'winners'],
  },
  {
    title: 'winners of another dtype',
    call: (ops: Functions) =>
      ops.maxUnpool2d(zeros([1, 1, 2, 2]), zeros([1, 1, 2, 2], 'int32'), { kernelSize: 2 }),
    code: 'ERR_DTYPE' as const,
    message: ['winners', 'uint8', 'int32'],
  },
  {
    title: 'an output that pools to another size',
    call: (ops: Functions) =>
      ops.maxUnpool2d(zeros([1, 1, 2, 2]), zeros([1, 1, 2, 2], 'uint8'), {
        kernelSize: 2,
        outputSize: [4, 7],
      }),
    code: 'ERR_SHAPE' as const,
    message: ['maxUnpool2d', '(1, 1, 2, 2)', '(4, 7)'],
  },
  {
    title: "padding 'same'",
    call: (ops: Functions) =>
      ops.maxUnpool2d(zeros([1, 1, 2, 2]), zeros([1, 1, 2, 2], 'uint8'), {
        kernelSize: 2,
        padding: 'same' as never,
      }),
    code: 'ERR_ARGUMENT' as const,
    message: ['maxUnpool2d', 'padding', 'same'],
  },
].map((wrong) => ({ operator: 'maxUnpool2d', ...wrong }));

/** Max pooling and its gradients under the three tie rules. */
export const maxPool2dCases: Family = {
  cases: [...[...chosen, ...seeds(60).map(randomPooling)].flatMap(casesOfMaxPooling), ...odd],
  wrongCalls: [...wrongCalls, ...unpoolings],
  wrongData: wrongWinners,
};
