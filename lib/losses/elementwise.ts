import { checkOptions } from '../errors.ts';
import { absoluteError as absoluteErrorOf } from '../ops/absoluteError.ts';
import { binaryCrossEntropy as binaryCrossEntropyOf } from '../ops/binaryCrossEntropy.ts';
import { checkDelta, huber as huberOf } from '../ops/huber.ts';
import type { Variable } from '../ops/operator.ts';
import { squaredError as squaredErrorOf } from '../ops/squaredError.ts';
import type { Loss } from './loss.ts';

/** Settings of a loss that has none. */
type NoOptions = Readonly<Record<string, never>>;

function elementwise(
  kind: string,
  options: Loss['options'],
  mean: (predictions: Variable, targets: Variable) => Variable,
): Loss {
  return {
    kind,
    options,
    takesLogits: false,
    mean: (predictions, targets) => mean(predictions, targets as Variable),
  };
}

/** The mean of (output − target)²; labels have the shape of the output. */
export function squaredError(options: NoOptions = {}): Loss {
  checkOptions('squaredError', options, []);
  return elementwise('squaredError', {}, (p, t) => squaredErrorOf(p, t));
}

/** The mean of |output − target|; labels have the shape of the output. */
export function absoluteError(options: NoOptions = {}): Loss {
  checkOptions('absoluteError', options, []);
  return elementwise('absoluteError', {}, (p, t) => absoluteErrorOf(p, t));
}

/** Settings of the loss huber. */
export interface HuberLossOptions {
  /** Where the parabola goes over into lines, above 0; default 1. */
  delta?: number;
}

/**
 * The mean Huber loss of d = output − target: d²/2 where |d| ≤ delta, else delta·(|d| − delta/2).
 * Labels have the shape of the output.
 * @throws ERR_ARGUMENT for a delta that is no finite number above 0
 */
export function huber(options: HuberLossOptions = {}): Loss {
  checkOptions('huber', options, ['delta']);
  const delta = checkDelta('huber', options.delta);
  return elementwise('huber', { delta }, (p, t) => huberOf(p, t, { delta }));
}

/**
 * The mean cross-entropy of sigmoid(output) against targets in [0, 1] of the shape of the output,
 * which are logits: the network must not end in a sigmoid of its own.
 */
export function binaryCrossEntropy(options: NoOptions = {}): Loss {
  checkOptions('binaryCrossEntropy', options, []);
  return elementwise('binaryCrossEntropy', {}, (p, t) => binaryCrossEntropyOf(p, t));
}
