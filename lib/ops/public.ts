/**
 * Operators: on Tensors they compute at once, on traced values they record a node. Every one with a
 * floating result has a gradient unless it says otherwise.
 * @module
 */
export { absoluteError } from './absoluteError.ts';
export {
  type EluOptions,
  elu,
  type GeluOptions,
  gelu,
  hardSwish,
  type LeakyReluOptions,
  leakyRelu,
  mish,
  relu6,
  type SoftplusOptions,
  selu,
  softplus,
  swish,
} from './activations.ts';
export {
  type AvgPool2dOptions,
  adaptiveAvgPool2d,
  avgPool2d,
  globalAvgPool2d,
} from './avgPool2d.ts';
export {
  type BatchNormTrainingOptions,
  type BatchNormTrainingResult,
  batchNorm,
  batchNormTraining,
  type NormOptions,
} from './batchNorm.ts';
export { add, div, maximum, minimum, mul, pow, sub } from './binary.ts';
export { binaryCrossEntropy } from './binaryCrossEntropy.ts';
export type { BinaryFunction, ComparisonFunction, OperandOrNumber } from './broadcast.ts';
export { cast } from './cast.ts';
export { equal, greater, greaterEqual, less, lessEqual, notEqual } from './comparison.ts';
export { type ConcatOptions, concat } from './concat.ts';
export { type Conv1dOptions, conv1d } from './conv1d.ts';
export { type Conv2dOptions, conv2d } from './conv2d.ts';
export { type ConvMatrix1dOptions, convMatrix1d, convMatrix2d } from './convMatrix.ts';
export { type ConvTranspose2dOptions, convTranspose2d } from './convTranspose2d.ts';
export { countCorrect } from './countCorrect.ts';
export { type DropoutOptions, dropout, spatialDropout } from './dropout.ts';
export { type EraseOptions, erase } from './erase.ts';
export { argmax, argmin, max, min } from './extremum.ts';
export { flip, type Rot90Options, rot90 } from './flip.ts';
export { type GatherOptions, gather } from './gather.ts';
export { type GatherRowsOptions, gatherRows } from './gatherRows.ts';
export { type HuberOptions, huber } from './huber.ts';
export { groupNorm, layerNorm } from './layerNorm.ts';
export { linear } from './linear.ts';
export { type LocalResponseNormOptions, localResponseNorm } from './localResponseNorm.ts';
export type { LossOptions, Reduction } from './loss.ts';
export {
  abs,
  type ClipOptions,
  clip,
  cos,
  erf,
  exp,
  log,
  neg,
  sigmoid,
  sin,
  sqrt,
  square,
  tanh,
} from './math.ts';
export { type MatmulOptions, matmul } from './matmul.ts';
export { type MaxoutOptions, maxout } from './maxout.ts';
export {
  type MaxPool2dOptions,
  maxPool2d,
  maxPool2dWithWinners,
  type TieRule,
} from './maxPool2d.ts';
export { type MaxUnpool2dOptions, maxUnpool2d } from './maxUnpool2d.ts';
export type { Padding1dOption } from './oneDimension.ts';
export {
  type AdagradAttributes,
  type AdamAttributes,
  adagradUpdate,
  adamUpdate,
  type RmspropAttributes,
  rmspropUpdate,
  type SgdAttributes,
  sgdUpdate,
} from './optimizer.ts';
export { type PadMode, type PadOptions, pad } from './pad.ts';
export {
  type AvgPool1dOptions,
  avgPool1d,
  globalAvgPool1d,
  type MaxPool1dOptions,
  maxPool1d,
} from './pool1d.ts';
export { prelu } from './prelu.ts';
export { mean, type ReductionOptions, sum } from './reduction.ts';
export { relu } from './relu.ts';
export { flatten, reshape } from './reshape.ts';
export { type Range, slice } from './slice.ts';
export { logSoftmax, type SoftmaxOptions, softmax } from './softmax.ts';
export { type SoftmaxCrossEntropyOptions, softmaxCrossEntropy } from './softmaxCrossEntropy.ts';
export { squaredError } from './squaredError.ts';
export {
  type SqueezeOptions,
  type StackOptions,
  squeeze,
  stack,
  type UnsqueezeOptions,
  unsqueeze,
} from './stack.ts';
export { stopGradient } from './stopGradient.ts';
export { transpose } from './transpose.ts';
export { type FoldOptions, fold, type UnfoldOptions, unfold } from './unfold.ts';
export { type Interpolation, type WarpAffineOptions, warpAffine } from './warpAffine.ts';
export { where } from './where.ts';
