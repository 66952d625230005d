export { absoluteError } from './absoluteError.ts';
export {
  elu,
  gelu,
  hardSwish,
  leakyRelu,
  mish,
  relu6,
  selu,
  softplus,
  swish,
} from './activations.ts';
export { adaptiveAvgPool2d, avgPool2d, globalAvgPool2d } from './avgPool2d.ts';
export { batchNorm, batchNormTraining } from './batchNorm.ts';
export { add, div, maximum, minimum, mul, pow, sub } from './binary.ts';
export { binaryCrossEntropy } from './binaryCrossEntropy.ts';
export { cast } from './cast.ts';
export { equal, greater, greaterEqual, less, lessEqual, notEqual } from './comparison.ts';
export { concat } from './concat.ts';
export { conv1d } from './conv1d.ts';
export { conv2d } from './conv2d.ts';
export { convMatrix1d, convMatrix2d } from './convMatrix.ts';
export { convTranspose2d } from './convTranspose2d.ts';
export { countCorrect } from './countCorrect.ts';
export { dropout, spatialDropout } from './dropout.ts';
export { erase } from './erase.ts';
export { argmax, argmin, max, min } from './extremum.ts';
export { flip, rot90 } from './flip.ts';
export { gather } from './gather.ts';
export { gatherRows } from './gatherRows.ts';
export { huber } from './huber.ts';
export { groupNorm, layerNorm } from './layerNorm.ts';
export { linear } from './linear.ts';
export { localResponseNorm } from './localResponseNorm.ts';
export { abs, clip, cos, erf, exp, log, neg, sigmoid, sin, sqrt, square, tanh } from './math.ts';
export { matmul } from './matmul.ts';
export { maxout } from './maxout.ts';
export { maxPool2d, maxPool2dWithWinners } from './maxPool2d.ts';
export { maxUnpool2d } from './maxUnpool2d.ts';
export { adagradUpdate, adamUpdate, rmspropUpdate, sgdUpdate } from './optimizer.ts';
export { pad } from './pad.ts';
export { avgPool1d, globalAvgPool1d, maxPool1d } from './pool1d.ts';
export { prelu } from './prelu.ts';
export { mean, sum } from './reduction.ts';
export { relu } from './relu.ts';
export { flatten, reshape } from './reshape.ts';
export { slice } from './slice.ts';
export { logSoftmax, softmax } from './softmax.ts';
export { softmaxCrossEntropy } from './softmaxCrossEntropy.ts';
export { squaredError } from './squaredError.ts';
export { squeeze, stack, unsqueeze } from './stack.ts';
export { stopGradient } from './stopGradient.ts';
export { transpose } from './transpose.ts';
export { fold, unfold } from './unfold.ts';
export { warpAffine } from './warpAffine.ts';
export { where } from './where.ts';
