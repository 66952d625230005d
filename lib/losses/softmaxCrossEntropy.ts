import { argumentError, checkOptions } from '../errors.ts';
import type { Variable } from '../ops/operator.ts';
import {
  checkClassWeightList,
  checkLabelSmoothing,
  softmaxCrossEntropy as crossEntropyOf,
} from '../ops/softmaxCrossEntropy.ts';
import type { Loss } from './loss.ts';

/** Settings of the loss softmaxCrossEntropy. */
export interface CrossEntropyOptions {
  /** Targets become (1 − labelSmoothing)·t + labelSmoothing/C; within [0, 1], default 0. */
  labelSmoothing?: number;
  /**
   * A factor for each class; default 1 each. With class numbers the mean of a batch is divided by
   * the sum of its labels' weights.
   */
  classWeights?: readonly number[];
}

/**
 * Cross-entropy of the softmax of the network's output; a final softmax layer is folded into it.
 * Labels are class numbers (M), or targets (M, C).
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function softmaxCrossEntropy(options: CrossEntropyOptions = {}): Loss {
  const kind = 'softmaxCrossEntropy';
  checkOptions(kind, options, ['labelSmoothing', 'classWeights']);
  const labelSmoothing = checkLabelSmoothing(kind, options.labelSmoothing);
  const { classWeights } = options;
  if (classWeights !== undefined && !Array.isArray(classWeights)) {
    throw argumentError(kind, 'classWeights to be an array of numbers', classWeights);
  }
  const settings = {
    labelSmoothing,
    ...(classWeights ? { classWeights: checkClassWeightList(kind, classWeights) } : {}),
  };
  return {
    kind,
    options: settings,
    takesLogits: true,
    mean: (logits, labels) => crossEntropyOf(logits, labels as Variable, settings),
  };
}
