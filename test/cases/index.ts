import { avgPool2dCases } from './avgPool2d.ts';
import { batchNormCases } from './batchNorm.ts';
import { binaryCases } from './binary.ts';
import type { Family } from './case.ts';
import { castCases } from './cast.ts';
import { checkFiniteCases } from './checkFinite.ts';
import { comparisonCases } from './comparison.ts';
import { concatCases } from './concat.ts';
import { conv2dCases } from './conv2d.ts';
import { countCorrectCases } from './countCorrect.ts';
import { dropoutCases } from './dropout.ts';
import { elementwiseLossCases } from './elementwiseLoss.ts';
import { eraseCases } from './erase.ts';
import { extremumCases } from './extremum.ts';
import { flipCases } from './flip.ts';
import { gatherCases } from './gather.ts';
import { gatherRowsCases } from './gatherRows.ts';
import { layerNormCases } from './layerNorm.ts';
import { linearCases } from './linear.ts';
import { matmulCases } from './matmul.ts';
import { maxPool2dCases } from './maxPool2d.ts';
import { optimizerCases } from './optimizer.ts';
import { padCases } from './pad.ts';
import { preluCases } from './prelu.ts';
import { reductionCases } from './reduction.ts';
import { reluCases } from './relu.ts';
import { reshapeCases } from './reshape.ts';
import { sliceCases } from './slice.ts';
import { softmaxCases } from './softmax.ts';
import { softmaxCrossEntropyCases } from './softmaxCrossEntropy.ts';
import { stopGradientCases } from './stopGradient.ts';
import { transposeCases } from './transpose.ts';
import { unaryCases } from './unary.ts';
import { unfoldCases } from './unfold.ts';
import { warpAffineCases } from './warpAffine.ts';
import { whereCases } from './where.ts';

/** The cases of every family, by the name that it has in all four rooms. */
export const families: Readonly<Record<string, Family>> = {
  conv2d: conv2dCases,
  linear: linearCases,
  matmul: matmulCases,
  maxPool2d: maxPool2dCases,
  avgPool2d: avgPool2dCases,
  relu: reluCases,
  binary: binaryCases,
  comparison: comparisonCases,
  where: whereCases,
  reduction: reductionCases,
  extremum: extremumCases,
  unary: unaryCases,
  prelu: preluCases,
  softmax: softmaxCases,
  softmaxCrossEntropy: softmaxCrossEntropyCases,
  elementwiseLoss: elementwiseLossCases,
  batchNorm: batchNormCases,
  layerNorm: layerNormCases,
  countCorrect: countCorrectCases,
  optimizer: optimizerCases,
  gatherRows: gatherRowsCases,
  warpAffine: warpAffineCases,
  erase: eraseCases,
  reshape: reshapeCases,
  stopGradient: stopGradientCases,
  transpose: transposeCases,
  dropout: dropoutCases,
  unfold: unfoldCases,
  concat: concatCases,
  slice: sliceCases,
  flip: flipCases,
  pad: padCases,
  gather: gatherCases,
  cast: castCases,
  checkFinite: checkFiniteCases,
};
