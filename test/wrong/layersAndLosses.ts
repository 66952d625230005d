import type { ValidCall } from './call.ts';
import {
  anyShape,
  choice,
  count,
  counts,
  flag,
  integers,
  numeric,
  operand,
  optional,
  padding,
  type Rule,
  required,
  sizes,
  type ValueRule,
  value,
} from './rules.ts';

type Options = Readonly<Record<string, ValueRule>>;

const image = [2, 4, 6, 6];

const signal = [2, 4, 9];

const inf = Number.POSITIVE_INFINITY;

const convolution: Options = {
  stride: counts(1),
  padding: padding(1),
  dilation: counts(1),
  groups: count(2),
  flipKernel: flag(true),
};

const signals: Options = {
  stride: count(1),
  padding: padding(1, true),
  dilation: count(1),
  groups: count(2),
  flipKernel: flag(true),
};

const windows: Options = {
  kernelSize: required(counts(2)),
  stride: counts(2),
  padding: padding(1),
  ceilMode: flag(true),
};

const windows1d: Options = {
  kernelSize: required(count(2)),
  stride: count(2),
  padding: padding(1, true),
  ceilMode: flag(true),
};

const maximum: Options = { dilation: counts(1), ties: choice('split') };

const pooling: ValidCall = {
  arguments: { x: operand(image) },
  options: { ...windows, ...maximum },
};

const reductionOfLoss = choice('mean');

const loss: ValidCall = {
  arguments: {
    prediction: anyShape([2, 3], { tied: [0, 1] }),
    target: anyShape([2, 3], { tied: [0, 1] }),
  },
  options: { reduction: reductionOfLoss },
};

const affine = { weight: optional([4]), bias: optional([4]) };

const epsilon = numeric(1e-5, -1, inf);

const scalar = (): Rule => operand([], [], { dtype: 'float64', dtypes: 'float64' });

const layers: Readonly<Record<string, ValidCall>> = {
  conv2d: {
    arguments: {
      x: operand(image, [1]),
      weight: operand([4, 2, 3, 3], [1]),
      bias: optional([4]),
    },
    options: convolution,
  },
  conv1d: {
    arguments: { x: operand(signal, [1]), weight: operand([4, 2, 3], [1]), bias: optional([4]) },
    options: signals,
  },
  convTranspose2d: {
    arguments: {
      x: operand(image, [1]),
      weight: operand([4, 2, 3, 3], [0]),
      bias: optional([4]),
    },
    options: {
      stride: counts(2),
      padding: padding(1),
      outputPadding: value(1, [...sizes(0).wrong, 2]),
      dilation: counts(1),
      groups: count(2),
    },
  },
  convMatrix2d: {
    arguments: {
      w: operand([4, 2, 3, 3], [1]),
      inputShape: value([4, 5, 5], [[5, 5], [4, -1, 5], [4, 5, 0.5], 5], 'ERR_SHAPE'),
    },
    options: convolution,
  },
  convMatrix1d: {
    arguments: {
      w: operand([4, 2, 3], [1]),
      inputShape: value([4, 9], [[4, 9, 1], [4, -1], [4, 0.5], 5], 'ERR_SHAPE'),
    },
    options: signals,
  },
  maxPool2d: pooling,
  maxPool2dWithWinners: pooling,
  maxPool1d: {
    arguments: { x: operand(signal) },
    options: { ...windows1d, dilation: count(1), ties: choice('split') },
  },
  avgPool2d: {
    arguments: { x: operand(image) },
    options: { ...windows, countIncludePad: flag(true) },
  },
  avgPool1d: {
    arguments: { x: operand(signal) },
    options: { ...windows1d, countIncludePad: flag(true) },
  },
  globalAvgPool1d: { arguments: { x: operand(signal) } },
  globalAvgPool2d: { arguments: { x: operand(image) } },
  adaptiveAvgPool2d: {
    arguments: { x: operand(image) },
    options: { outputSize: required(counts(2)) },
  },
  maxUnpool2d: {
    arguments: {
      y: operand([2, 4, 3, 3], [0, 1, 2, 3]),
      winners: integers([2, 4, 3, 3], 'uint8', [0, 1, 2, 3]),
    },
    options: {
      kernelSize: required(counts(2)),
      stride: counts(2),
      padding: padding(0),
      dilation: counts(1),
      outputSize: counts([6, 6]),
    },
  },
  batchNorm: {
    arguments: {
      x: operand(image, [1]),
      runningMean: operand([4], [0]),
      runningVariance: operand([4], [0]),
      ...affine,
    },
    options: { epsilon },
  },
  batchNormTraining: {
    arguments: {
      x: operand(image, [1]),
      runningMean: optional([4]),
      runningVariance: optional([4]),
      ...affine,
    },
    options: { momentum: numeric(0.1, -0.1, 1.1), epsilon },
  },
  layerNorm: {
    arguments: {
      x: operand([2, 4], [1], { anyRank: true }),
      normalizedShape: value([4], [[5], [2, 4, 1], [0.5], 4.5], 'ERR_SHAPE'),
      ...affine,
    },
    options: { epsilon },
  },
  localResponseNorm: {
    arguments: { x: operand(image, [], { anyRank: true }) },
    options: {
      size: required(count(5)),
      alpha: numeric(1e-4, -1, inf),
      beta: numeric(0.75, inf),
      k: numeric(1, 0, -1, inf),
    },
  },
  groupNorm: {
    arguments: {
      x: operand(image, [], { anyRank: true }),
      groups: value(2, count(1).wrong),
      ...affine,
    },
    options: { epsilon },
  },
};

const losses: Readonly<Record<string, ValidCall>> = {
  squaredError: loss,
  absoluteError: loss,
  huber: { ...loss, options: { reduction: reductionOfLoss, delta: numeric(1, 0, -1) } },
  binaryCrossEntropy: {
    arguments: {
      logits: anyShape([2, 3], { tied: [0, 1] }),
      targets: anyShape([2, 3], { tied: [0, 1] }),
    },
    options: { reduction: reductionOfLoss },
  },
  softmaxCrossEntropy: {
    arguments: { logits: operand([2, 3], [0]), labels: integers([2], 'int32', [0]) },
    options: {
      reduction: reductionOfLoss,
      labelSmoothing: numeric(0.1, -0.1, 1.1),
      classWeights: value([1, 2, 3], [5, 'balanced', {}]),
    },
  },
  countCorrect: {
    arguments: { logits: operand([2, 3], [0]), labels: integers([2], 'int32', [0]) },
  },
};

const parameter = {
  parameter: anyShape([3], { tied: [0] }),
  gradient: anyShape([3], { tied: [0] }),
};

const moment = (): Rule => anyShape([3], { tied: [0] });

const updates: Readonly<Record<string, ValidCall>> = {
  sgdUpdate: {
    arguments: {
      ...parameter,
      velocity: { ...moment(), optional: true } as Rule,
      learningRate: scalar(),
    },
    options: {
      momentum: numeric(0.9),
      dampening: numeric(0),
      weightDecay: numeric(0),
      nesterov: flag(false),
    },
  },
  adamUpdate: {
    arguments: { ...parameter, m: moment(), v: moment(), step: scalar(), learningRate: scalar() },
    options: {
      beta1: numeric(0.9),
      beta2: numeric(0.999),
      epsilon: numeric(1e-8),
      weightDecay: numeric(0),
      decoupled: flag(false),
    },
  },
  rmspropUpdate: {
    arguments: {
      ...parameter,
      learningRate: scalar(),
      moments: value([operand([3]).tensor], [[], [5]]),
    },
    options: {
      alpha: numeric(0.99),
      epsilon: numeric(1e-8),
      momentum: numeric(0),
      weightDecay: numeric(0),
      centered: flag(false),
    },
  },
  adagradUpdate: {
    arguments: { ...parameter, sum: moment(), step: scalar(), learningRate: scalar() },
    options: {
      learningRateDecay: numeric(0),
      epsilon: numeric(1e-10),
      weightDecay: numeric(0),
    },
  },
};

/** Convolution, pooling, normalization, losses and updates. */
export const ofLayersAndLosses: Readonly<Record<string, ValidCall>> = {
  ...layers,
  ...losses,
  ...updates,
};
