import { absoluteErrorGradientOperator, absoluteErrorOperator } from './absoluteError.ts';
import { activationOperators } from './activations.ts';
import {
  adaptiveAvgPool2dGradientOperator,
  adaptiveAvgPool2dOperator,
  avgPool2dGradientOperator,
  avgPool2dOperator,
} from './avgPool2d.ts';
import {
  batchNormGradientOperator,
  batchNormOperator,
  batchNormTrainingOperator,
} from './batchNorm.ts';
import { binaryOperators } from './binary.ts';
import {
  binaryCrossEntropyGradientOperator,
  binaryCrossEntropyOperator,
} from './binaryCrossEntropy.ts';
import { castOperator } from './cast.ts';
import { checkFiniteOperator } from './checkFinite.ts';
import { comparisonOperators } from './comparison.ts';
import { concatOperator } from './concat.ts';
import {
  conv2dFilterGradientOperator,
  conv2dInputGradientOperator,
  conv2dOperator,
} from './conv2d.ts';
import { countCorrectOperator } from './countCorrect.ts';
import { dropoutOperator, spatialDropoutOperator } from './dropout.ts';
import { eraseOperator } from './erase.ts';
import { extremumOperators } from './extremum.ts';
import { flipOperator } from './flip.ts';
import { gatherGradientOperator, gatherOperator } from './gather.ts';
import { gatherRowsOperator } from './gatherRows.ts';
import { huberGradientOperator, huberOperator } from './huber.ts';
import { layerNormGradientOperator, layerNormOperator } from './layerNorm.ts';
import {
  biasGradientOperator,
  linearInputGradientOperator,
  linearOperator,
  linearWeightGradientOperator,
} from './linear.ts';
import { mathOperators } from './math.ts';
import { matmulOperator } from './matmul.ts';
import {
  maxPool2dGatherOperator,
  maxPool2dGradientOperator,
  maxPool2dOperator,
  maxPool2dTieGradientOperator,
} from './maxPool2d.ts';
import type { Operator } from './operator.ts';
import {
  adagradUpdateOperator,
  adamUpdateOperator,
  rmspropUpdateOperator,
  sgdUpdateOperator,
} from './optimizer.ts';
import { padGradientOperator, padOperator } from './pad.ts';
import { preluOperators } from './prelu.ts';
import { meanOperator, sumGradientOperator, sumOperator } from './reduction.ts';
import { reluGradientOperator, reluOperator } from './relu.ts';
import { reshapeOperator } from './reshape.ts';
import { sliceGradientOperator, sliceOperator } from './slice.ts';
import {
  logSoftmaxGradientOperator,
  logSoftmaxOperator,
  softmaxGradientOperator,
  softmaxOperator,
} from './softmax.ts';
import {
  softmaxCrossEntropyGradientOperator,
  softmaxCrossEntropyOperator,
} from './softmaxCrossEntropy.ts';
import { squaredErrorGradientOperator, squaredErrorOperator } from './squaredError.ts';
import { stopGradientOperator } from './stopGradient.ts';
import { transposeOperator } from './transpose.ts';
import { foldOperator, unfoldOperator } from './unfold.ts';
import { warpAffineGradientOperator, warpAffineOperator } from './warpAffine.ts';
import { whereOperator } from './where.ts';

/** Every operator of the library, by name. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  (
    [
      conv2dOperator,
      conv2dInputGradientOperator,
      conv2dFilterGradientOperator,
      linearOperator,
      linearInputGradientOperator,
      linearWeightGradientOperator,
      biasGradientOperator,
      matmulOperator,
      maxPool2dOperator,
      maxPool2dGradientOperator,
      maxPool2dTieGradientOperator,
      maxPool2dGatherOperator,
      avgPool2dOperator,
      avgPool2dGradientOperator,
      adaptiveAvgPool2dOperator,
      adaptiveAvgPool2dGradientOperator,
      reluOperator,
      reluGradientOperator,
      ...binaryOperators,
      ...comparisonOperators,
      whereOperator,
      sumOperator,
      meanOperator,
      sumGradientOperator,
      ...extremumOperators,
      ...mathOperators,
      ...activationOperators,
      ...preluOperators,
      softmaxOperator,
      softmaxGradientOperator,
      logSoftmaxOperator,
      logSoftmaxGradientOperator,
      softmaxCrossEntropyOperator,
      softmaxCrossEntropyGradientOperator,
      squaredErrorOperator,
      squaredErrorGradientOperator,
      absoluteErrorOperator,
      absoluteErrorGradientOperator,
      huberOperator,
      huberGradientOperator,
      binaryCrossEntropyOperator,
      binaryCrossEntropyGradientOperator,
      batchNormOperator,
      batchNormTrainingOperator,
      batchNormGradientOperator,
      layerNormOperator,
      layerNormGradientOperator,
      countCorrectOperator,
      sgdUpdateOperator,
      adamUpdateOperator,
      rmspropUpdateOperator,
      adagradUpdateOperator,
      gatherRowsOperator,
      warpAffineOperator,
      warpAffineGradientOperator,
      eraseOperator,
      reshapeOperator,
      stopGradientOperator,
      castOperator,
      transposeOperator,
      dropoutOperator,
      spatialDropoutOperator,
      foldOperator,
      unfoldOperator,
      concatOperator,
      sliceOperator,
      sliceGradientOperator,
      flipOperator,
      padOperator,
      padGradientOperator,
      gatherOperator,
      gatherGradientOperator,
      checkFiniteOperator,
    ] as unknown as Operator[]
  ).map((operator) => [operator.name, operator]),
);
