import type { Operand, Variable } from '../ops/operator.ts';
import { softmaxCrossEntropy as crossEntropyOf } from '../ops/softmaxCrossEntropy.ts';
import { squaredError as squaredErrorOf } from '../ops/squaredError.ts';

/** What is minimised: the mean over the samples of a batch. */
export interface Loss {
  readonly kind: string;
  /** The network's final softmax is part of the loss. */
  readonly takesLogits: boolean;
  /** The mean loss of predictions against labels, (). */
  mean(predictions: Variable, labels: Operand): Variable;
}

/**
 * Cross-entropy of the softmax of the network's output; a final softmax layer is folded into it.
 * Labels are class numbers (M), or targets (M, C).
 */
export function softmaxCrossEntropy(): Loss {
  return {
    kind: 'softmaxCrossEntropy',
    takesLogits: true,
    mean: (logits, labels) => crossEntropyOf(logits, labels as Variable),
  };
}

/** The mean of (output − target)²; labels have the shape of the output. */
export function squaredError(): Loss {
  return {
    kind: 'squaredError',
    takesLogits: false,
    mean: (predictions, targets) => squaredErrorOf(predictions, targets as Variable),
  };
}
