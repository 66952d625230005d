import type { Reduction } from '../../lib/ops/loss.ts';
import { type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import {
  absent,
  type Case,
  type ErrorModel,
  type Family,
  type Input,
  indices,
  literal,
  sizes,
  uniform,
  type WrongCall,
  type WrongData,
} from './case.ts';
import { extremeLogits, logSumOf, matrices, reductions, row, sum, sumError, tiny } from './rows.ts';

/** w_c·((1 − ε)·t_c + ε/C) of a sample. */
function targetsOf(
  labels: Tensor,
  weights: Tensor | null | undefined,
  smoothing: unknown,
  n: number,
  C: number,
): number[] {
  const own =
    labels.shape.length === 2
      ? row(labels, n)
      : Array.from({ length: C }, (_, c) => (c === labels.data[n] ? 1 : 0));
  return own.map(
    (t, c) =>
      (weights?.data[c] ?? 1) * ((1 - (smoothing as number)) * t + (smoothing as number) / C),
  );
}

/** What the loss of a batch divides by. */
function divisorOf(labels: Tensor, weights: Tensor | null | undefined, reduction: unknown): number {
  if (reduction !== 'mean') return 1;
  if (!weights || labels.shape.length === 2) return labels.shape[0] as number;
  return sum(Array.from(labels.data, (label) => weights.data[label as number] as number));
}

const crossEntropyModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'the sum of exponentials has relative error ε = (4·√C + log C + 16)·u, its logarithm that much ' +
    'absolutely; maximum, logit and products round relative to themselves; then a sum of N terms',
  bounds: ([logits, labels, weights], [loss], u, { reduction, labelSmoothing }) => {
    const [z, y] = [logits as Tensor, labels as Tensor];
    const [N = 0, C = 0] = z.shape;
    const each = Array.from({ length: N }, (_, n) => {
      const [zs, ts] = [row(z, n), targetsOf(y, weights, labelSmoothing, n, C)];
      const scale = 1 + Math.abs(logSumOf(zs)) + Math.max(...zs.map(Math.abs));
      const weighted = ts.map((t, c) => Math.abs(t) * (scale + Math.abs(zs[c] as number)));
      return sumError(C) * u * sum(weighted);
    });
    if (reduction === 'none') return [each];
    const divisor = Math.abs(divisorOf(y, weights, reduction));
    const value = Math.abs(loss?.data[0] as number);
    return [[sum(each) / divisor + (4 * Math.sqrt(N) + 4) * u * value]];
  },
};

const crossEntropyGradientModel: ErrorModel = {
  kind: 'composed',
  derivation:
    "softmax's error times the targets' mass, whose sum of C terms errs by 4·√C·u; the difference " +
    'rounds relative to its parts, the scale (dloss/N) and the product once each',
  bounds: ([logits, labels, dloss, weights], _, u, { reduction, labelSmoothing }) => {
    const [z, y, d] = [logits as Tensor, labels as Tensor, dloss as Tensor];
    const [N = 0, C = 0] = z.shape;
    const bounds: number[] = [];
    for (let n = 0; n < N; n++) {
      const [zs, ts] = [row(z, n), targetsOf(y, weights, labelSmoothing, n, C)];
      const mass = sum(ts.map(Math.abs));
      const logSum = logSumOf(zs);
      const largest = Math.max(...zs);
      const scale =
        Math.abs(d.data[reduction === 'none' ? n : 0] as number) /
        Math.abs(divisorOf(y, weights, reduction));
      for (const [c, value] of zs.entries()) {
        const p = Math.exp(value - logSum);
        const error = (largest - value + sumError(C) + 4 * Math.sqrt(C)) * u * p + tiny;
        bounds.push(scale * (mass * error + 8 * u * (mass * p + Math.abs(ts[c] as number))) + tiny);
      }
    }
    return [bounds];
  },
};

/** Rows of positive numbers that add up to 1. */
function probabilities(N: number, C: number): Input {
  return (making) => {
    const weights = uniform([N, C], 0.1, 1)(making) as Tensor;
    return tensor(
      Array.from(weights.data, (value, i) => value / sum(row(weights, Math.floor(i / C)))),
      [N, C],
      making.dtype,
    );
  };
}

/** Settings of the loss; class weights are their operand, or null. */
interface Settings {
  readonly title: string;
  readonly labelSmoothing: number;
  readonly weights: Input;
}

const plain: Settings = { title: '', labelSmoothing: 0, weights: absent };

function casesOf(N: number, C: number, labelled: [string, Input], settings: Settings): Case[] {
  const [kind, labels] = labelled;
  const { title, labelSmoothing, weights } = settings;
  // Targets have a gradient, class numbers none.
  const rows = kind.startsWith('targets') ? [1] : [];
  return reductions.flatMap((reduction): Case[] => {
    const common = {
      title: `${sizes([N, C])}, ${kind}, ${reduction}${title}`,
      seed: 1,
      attributes: { reduction, labelSmoothing },
    };
    const logits = uniform([N, C], -6, 6);
    const dloss = uniform(reduction === 'none' ? [N] : [], 0.5, 2);
    return [
      {
        ...common,
        operator: 'softmaxCrossEntropy',
        inputs: [logits, labels, weights],
        model: crossEntropyModel,
        ...(reduction === 'none' ? { perSample: [0, 1] } : {}),
        ...(N * C > 0 && N * C <= 100
          ? { gradient: { inputs: [0, ...rows], tolerance: 1e-6 } }
          : {}),
      },
      {
        ...common,
        operator: 'softmaxCrossEntropyGradient',
        inputs: [logits, labels, dloss, weights],
        model: crossEntropyGradientModel,
        ...(reduction === 'none' ? { perSample: [0, 1, 2] } : {}),
        ...(N * C > 0 && N * C <= 40
          ? { gradient: { inputs: [0, 2, ...rows], tolerance: 1e-6 } }
          : {}),
      },
    ];
  });
}

function plainCases(N: number, C: number): Case[] {
  const kinds: [string, Input][] = [
    ['int32 labels', indices(N, C)],
    ['uint8 labels', indices(N, Math.min(C, 256), 'uint8')],
    ['targets', probabilities(N, C)],
    ['targets of any sum', uniform([N, C], -1, 1)],
  ];
  return kinds.flatMap((kind) => casesOf(N, C, kind, plain));
}

/** Smoothed labels, weighted classes and both, of class numbers and of targets. */
function variedCases(N: number, C: number): Case[] {
  const weights = uniform([C], 0.2, 2);
  const kinds: [string, Input][] = [
    ['int32 labels', indices(N, C)],
    ['targets', probabilities(N, C)],
  ];
  const settings: Settings[] = [
    { title: ', smoothed', labelSmoothing: 0.1, weights: absent },
    { title: ', weighted', labelSmoothing: 0, weights },
    { title: ', smoothed and weighted', labelSmoothing: 0.3, weights },
    { title: ', smoothed wholly', labelSmoothing: 1, weights: absent },
  ];
  return kinds.flatMap((kind) => settings.flatMap((each) => casesOf(N, C, kind, each)));
}

const farApart = [literal(extremeLogits, [4, 4]), literal([0, 3, 1, 2], [4], 'int32')];

const special: Case[] = [
  ...reductions.map(
    (reduction): Case => ({
      operator: 'softmaxCrossEntropy',
      title: `logits far apart, ${reduction}`,
      seed: 1,
      inputs: [...farApart, absent],
      attributes: { reduction, labelSmoothing: 0 },
      model: crossEntropyModel,
    }),
  ),
  {
    operator: 'softmaxCrossEntropyGradient',
    title: 'logits far apart',
    seed: 1,
    inputs: [...farApart, literal([1], []), absent],
    attributes: { reduction: 'mean', labelSmoothing: 0 },
    model: crossEntropyGradientModel,
  },
];

const wrongCalls: WrongCall[] = [
  {
    operator: 'softmaxCrossEntropy',
    title: 'batches that differ',
    call: (ops) => ops.softmaxCrossEntropy(zeros([4, 3]), zeros([5], 'int32')),
    code: 'ERR_SHAPE',
    message: ['softmaxCrossEntropy', '(4, 3)', '(5)'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'floating labels',
    call: (ops) => ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4])),
    code: 'ERR_DTYPE',
    message: ['softmaxCrossEntropy', 'float32 (4)'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'targets of another shape',
    call: (ops) => ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4, 2])),
    code: 'ERR_SHAPE',
    message: ['softmaxCrossEntropy', '(4, 3)', '(4, 2)'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'an unknown reduction',
    call: (ops) =>
      ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4], 'int32'), {
        reduction: 'max' as Reduction,
      }),
    code: 'ERR_ARGUMENT',
    message: ['softmaxCrossEntropy', "'max'"],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'another number of class weights',
    call: (ops) =>
      ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4], 'int32'), { classWeights: [1, 2] }),
    code: 'ERR_SHAPE',
    message: ['softmaxCrossEntropy', 'classWeights', '(2)', '(4, 3)'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'class weights of another dtype',
    call: (ops) =>
      ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4], 'int32'), {
        classWeights: zeros([3], 'float64'),
      }),
    code: 'ERR_DTYPE',
    message: ['softmaxCrossEntropy', 'classWeights', 'float64'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'a class weight that is no number',
    call: (ops) =>
      ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4], 'int32'), {
        classWeights: [1, Number.NaN, 1],
      }),
    code: 'ERR_ARGUMENT',
    message: ['softmaxCrossEntropy', 'classWeights[1]', 'NaN'],
  },
  {
    operator: 'softmaxCrossEntropy',
    title: 'label smoothing above 1',
    call: (ops) =>
      ops.softmaxCrossEntropy(zeros([4, 3]), zeros([4], 'int32'), { labelSmoothing: 1.5 }),
    code: 'ERR_ARGUMENT',
    message: ['softmaxCrossEntropy', 'labelSmoothing', '1.5'],
  },
];

/** Labels that name no class, for an operator whose first operands are logits and labels. */
export function wrongLabels(
  operator: string,
  more: readonly Input[],
  attributes: Case['attributes'],
): WrongData[] {
  const labels: [string, readonly number[], 'int32' | 'uint8', string, string][] = [
    ['a label above the classes', [0, 1, 3, 2], 'int32', '2', '3'],
    ['a negative label', [0, -1, 1, 2], 'int32', '1', '-1'],
    ['a huge label', [2 ** 31 - 1, 0, 1, 2], 'int32', '0', String(2 ** 31 - 1)],
    ['a uint8 label above the classes', [0, 1, 2, 255], 'uint8', '3', '255'],
  ];
  return labels.map(([title, values, dtype, sample, value]) => ({
    operator,
    title: `${operator}: ${title}`,
    inputs: [uniform([4, 3]), literal(values, [4], dtype), ...more],
    attributes: attributes as WrongData['attributes'],
    code: 'ERR_ARGUMENT',
    message: [operator, `sample ${sample}`, value],
  }));
}

/** Softmax with cross-entropy and its gradient. */
export const softmaxCrossEntropyCases: Family = {
  cases: [
    ...matrices.flatMap(([N, C]) => plainCases(N, C)),
    ...matrices.filter(([N, C]) => N * C <= 700).flatMap(([N, C]) => variedCases(N, C)),
    ...special,
  ],
  wrongCalls,
  wrongData: [
    ...reductions.flatMap((reduction) =>
      [absent, uniform([3], 0.5, 1)].flatMap((weights) =>
        wrongLabels('softmaxCrossEntropy', [weights], { reduction, labelSmoothing: 0 }),
      ),
    ),
    ...[absent, uniform([3], 0.5, 1)].flatMap((weights) =>
      wrongLabels('softmaxCrossEntropyGradient', [uniform([]), weights], {
        reduction: 'mean',
        labelSmoothing: 0.1,
      }),
    ),
  ],
};
