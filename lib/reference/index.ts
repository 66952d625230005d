import {
  adaptiveAvgPool2d,
  adaptiveAvgPool2dGradient,
  avgPool2d,
  avgPool2dGradient,
} from './avgPool2d.ts';
import { batchNorm, batchNormGradient, batchNormTraining } from './batchNorm.ts';
import { binary } from './binary.ts';
import { cast } from './cast.ts';
import { checkFinite } from './checkFinite.ts';
import { comparison } from './comparison.ts';
import { concat } from './concat.ts';
import { conv2d, conv2dFilterGradient, conv2dInputGradient } from './conv2d.ts';
import { countCorrect } from './countCorrect.ts';
import { dropout, spatialDropout } from './dropout.ts';
import {
  absoluteError,
  absoluteErrorGradient,
  binaryCrossEntropy,
  binaryCrossEntropyGradient,
  huber,
  huberGradient,
  squaredError,
  squaredErrorGradient,
} from './elementwiseLoss.ts';
import { erase } from './erase.ts';
import { extremum } from './extremum.ts';
import { flip } from './flip.ts';
import { gather, gatherGradient } from './gather.ts';
import { gatherRows } from './gatherRows.ts';
import type { ReferenceKernel } from './kernel.ts';
import { layerNorm, layerNormGradient } from './layerNorm.ts';
import { biasGradient, linear, linearInputGradient, linearWeightGradient } from './linear.ts';
import { matmul } from './matmul.ts';
import {
  maxPool2d,
  maxPool2dGather,
  maxPool2dGradient,
  maxPool2dTieGradient,
} from './maxPool2d.ts';
import { adagradUpdate, adamUpdate, rmspropUpdate, sgdUpdate } from './optimizer.ts';
import { pad, padGradient } from './pad.ts';
import { prelu, preluSlope } from './prelu.ts';
import { mean, sum, sumGradient } from './reduction.ts';
import { relu, reluGradient } from './relu.ts';
import { reshape } from './reshape.ts';
import { slice, sliceGradient } from './slice.ts';
import { logSoftmax, logSoftmaxGradient, softmax, softmaxGradient } from './softmax.ts';
import { softmaxCrossEntropy, softmaxCrossEntropyGradient } from './softmaxCrossEntropy.ts';
import { stopGradient } from './stopGradient.ts';
import { transpose } from './transpose.ts';
import { unary } from './unary.ts';
import { fold, unfold } from './unfold.ts';
import { warpAffine, warpAffineGradient } from './warpAffine.ts';
import { where } from './where.ts';

const kernels = {
  conv2d,
  conv2dInputGradient,
  conv2dFilterGradient,
  linear,
  linearInputGradient,
  linearWeightGradient,
  biasGradient,
  matmul,
  maxPool2d,
  maxPool2dGradient,
  maxPool2dTieGradient,
  maxPool2dGather,
  avgPool2d,
  avgPool2dGradient,
  adaptiveAvgPool2d,
  adaptiveAvgPool2dGradient,
  relu,
  reluGradient,
  ...binary,
  ...comparison,
  where,
  sum,
  mean,
  sumGradient,
  ...extremum,
  ...unary,
  prelu,
  preluSlope,
  softmax,
  softmaxGradient,
  logSoftmax,
  logSoftmaxGradient,
  softmaxCrossEntropy,
  softmaxCrossEntropyGradient,
  squaredError,
  squaredErrorGradient,
  absoluteError,
  absoluteErrorGradient,
  huber,
  huberGradient,
  binaryCrossEntropy,
  binaryCrossEntropyGradient,
  batchNorm,
  batchNormTraining,
  batchNormGradient,
  layerNorm,
  layerNormGradient,
  countCorrect,
  sgdUpdate,
  adamUpdate,
  rmspropUpdate,
  adagradUpdate,
  gatherRows,
  warpAffine,
  warpAffineGradient,
  erase,
  reshape,
  stopGradient,
  cast,
  transpose,
  dropout,
  spatialDropout,
  fold,
  unfold,
  concat,
  slice,
  sliceGradient,
  flip,
  pad,
  padGradient,
  gather,
  gatherGradient,
  checkFinite,
};

/** Every operator in plain loops, by name. */
export const referenceKernels: ReadonlyMap<string, ReferenceKernel> = new Map(
  Object.entries(kernels) as unknown as [string, ReferenceKernel][],
);
