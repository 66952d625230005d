import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { countCorrect } from '../ops/countCorrect.ts';
import type { Variable } from '../ops/operator.ts';
import {
  checkClassWeightList,
  checkLabelSmoothing,
  softmaxCrossEntropy as crossEntropyOf,
} from '../ops/softmaxCrossEntropy.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Loss, SampleOutput } from './loss.ts';
import { checkClassesOrTargets, checkDistributions } from './targets.ts';

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

const kind = 'softmaxCrossEntropy';

function check(where: string, output: SampleOutput, y: Tensor): void {
  const { shape } = output;
  if (shape.length !== 1) {
    throw shapeError(
      where,
      `${kind} needs an output (classes) but the network's is ${formatShape(shape)}`,
    );
  }
  if (shape[0] === 1) {
    throw shapeError(
      where,
      `${kind} of an output (1) is 0 whatever the network gives: use 2 units or more, or as loss binaryCrossEntropy for two classes, squaredError for numbers`,
    );
  }
  checkClassesOrTargets(where, kind, output, y);
  if (y.shape.length === 2) checkDistributions(where, kind, y);
}

/**
 * Cross-entropy of the softmax of the network's output; a final softmax layer is folded into it.
 * Labels are class numbers (M) as int32 or uint8, or targets (M, C), C ≥ 2: probabilities,
 * not negative and with a sum of 1 (within 0.001).
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function softmaxCrossEntropy(options: CrossEntropyOptions = {}): Loss {
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
    takesLogits: 'softmax',
    check,
    counter: () => (logits, labels) => countCorrect(logits, labels as Variable),
    mean: (logits, labels) => crossEntropyOf(logits, labels as Variable, settings),
  };
}
