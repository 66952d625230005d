import type { Reduction } from '../../lib/ops/softmaxCrossEntropy.ts';
import { type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import {
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

function targetsOf(labels: Tensor, n: number, C: number): number[] {
  if (labels.shape.length === 2) return row(labels, n);
  return Array.from({ length: C }, (_, c) => (c === labels.data[n] ? 1 : 0));
}

const crossEntropyModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'the sum of exponentials has relative error ε = (4·√C + log C + 16)·u, its logarithm that much ' +
    'absolutely; maximum, logit and products round relative to themselves; then a sum of N terms',
  bounds: ([logits, labels], [loss], u, { reduction }) => {
    const [z, y] = [logits as Tensor, labels as Tensor];
    const [N = 0, C = 0] = z.shape;
    const each = Array.from({ length: N }, (_, n) => {
      const [zs, ts] = [row(z, n), targetsOf(y, n, C)];
      const scale = 1 + Math.abs(logSumOf(zs)) + Math.max(...zs.map(Math.abs));
      const weighted = ts.map((t, c) => Math.abs(t) * (scale + Math.abs(zs[c] as number)));
      return sumError(C) * u * sum(weighted);
    });
    if (reduction === 'none') return [each];
    const whole =
      sum(each) +
      (4 * Math.sqrt(N) + 2) *
        u *
        Math.abs(loss?.data[0] as number) *
        (reduction === 'mean' ? N : 1);
    return [[reduction === 'mean' ? whole / N : whole]];
  },
};

const crossEntropyGradientModel: ErrorModel = {
  kind: 'composed',
  derivation:
    "softmax's error times the targets' mass, whose sum of C terms errs by 4·√C·u; the difference " +
    'rounds relative to its parts, the scale (dloss/N) and the product once each',
  bounds: ([logits, labels, dloss], _, u, { reduction }) => {
    const [z, y, d] = [logits as Tensor, labels as Tensor, dloss as Tensor];
    const [N = 0, C = 0] = z.shape;
    const bounds: number[] = [];
    for (let n = 0; n < N; n++) {
      const [zs, ts] = [row(z, n), targetsOf(y, n, C)];
      const mass = sum(ts.map(Math.abs));
      const logSum = logSumOf(zs);
      const largest = Math.max(...zs);
      const scale =
        Math.abs(d.data[reduction === 'none' ? n : 0] as number) / (reduction === 'mean' ? N : 1);
      for (const [c, value] of zs.entries()) {
        const p = Math.exp(value - logSum);
        const error = (largest - value + sumError(C) + 4 * Math.sqrt(C)) * u * p + tiny;
        bounds.push(scale * (mass * error + 4 * u * (mass * p + Math.abs(ts[c] as number))) + tiny);
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

function casesOf(N: number, C: number): Case[] {
  const kinds: [string, Input][] = [
    ['int32 labels', indices(N, C)],
    ['uint8 labels', indices(N, Math.min(C, 256), 'uint8')],
    ['targets', probabilities(N, C)],
    ['targets of any sum', uniform([N, C], -1, 1)],
  ];
  return kinds.flatMap(([kind, labels]) =>
    reductions.flatMap((reduction): Case[] => {
      const common = {
        title: `${sizes([N, C])}, ${kind}, ${reduction}`,
        seed: 1,
        attributes: { reduction },
      };
      return [
        {
          ...common,
          operator: 'softmaxCrossEntropy',
          inputs: [uniform([N, C], -6, 6), labels],
          model: crossEntropyModel,
          ...(reduction === 'none' ? { perSample: [0, 1] } : {}),
          ...(N * C > 0 && N * C <= 100 ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {}),
        },
        {
          ...common,
          operator: 'softmaxCrossEntropyGradient',
          inputs: [
            uniform([N, C], -6, 6),
            labels,
            uniform(reduction === 'none' ? [N] : [], 0.5, 2),
          ],
          model: crossEntropyGradientModel,
          ...(reduction === 'none' ? { perSample: [0, 1, 2] } : {}),
        },
      ];
    }),
  );
}

const farApart = [literal(extremeLogits, [4, 4]), literal([0, 3, 1, 2], [4], 'int32')];

const special: Case[] = [
  ...reductions.map(
    (reduction): Case => ({
      operator: 'softmaxCrossEntropy',
      title: `logits far apart, ${reduction}`,
      seed: 1,
      inputs: farApart,
      attributes: { reduction },
      model: crossEntropyModel,
    }),
  ),
  {
    operator: 'softmaxCrossEntropyGradient',
    title: 'logits far apart',
    seed: 1,
    inputs: [...farApart, literal([1], [])],
    attributes: { reduction: 'mean' },
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
  cases: [...matrices.flatMap(([N, C]) => casesOf(N, C)), ...special],
  wrongCalls,
  wrongData: [
    ...reductions.flatMap((reduction) => wrongLabels('softmaxCrossEntropy', [], { reduction })),
    ...wrongLabels('softmaxCrossEntropyGradient', [uniform([])], { reduction: 'mean' }),
  ],
};
