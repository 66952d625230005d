import { checkOptions } from '../errors.ts';
import { absoluteError as absoluteErrorOf } from '../ops/absoluteError.ts';
import { sub } from '../ops/binary.ts';
import { binaryCrossEntropy as binaryCrossEntropyOf } from '../ops/binaryCrossEntropy.ts';
import { concat } from '../ops/concat.ts';
import { countCorrect } from '../ops/countCorrect.ts';
import { checkDelta, huber as huberOf } from '../ops/huber.ts';
import { neg } from '../ops/math.ts';
import type { Variable } from '../ops/operator.ts';
import { squaredError as squaredErrorOf } from '../ops/squaredError.ts';
import type { Tensor } from '../tensor.ts';
import type { Counter, Loss, SampleOutput } from './loss.ts';
import { checkTargetRange, checkTargets, countOfClasses } from './targets.ts';

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
    check: (where, output, y) => checkTargets(where, kind, output, y),
    mean: (predictions, targets) => mean(predictions, targets as Variable),
  };
}

/**
 * The mean of (output − target)²; labels have the shape of the output.
 * @param options there are none: {}, as files keep them
 */
export function squaredError(options: NoOptions = {}): Loss {
  checkOptions('squaredError', options, []);
  return elementwise('squaredError', {}, (p, t) => squaredErrorOf(p, t));
}

/**
 * The mean of |output − target|; labels have the shape of the output.
 * @param options there are none: {}, as files keep them
 */
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

/** Two columns of which the second is the larger where a logit is above 0, or a target above 0.5. */
const countOfPairs: Counter = (logits, targets) =>
  countCorrect(
    concat([neg(logits), logits], { axis: 1 }),
    concat([sub(1, targets), targets] as Variable[], { axis: 1 }),
  );

function binaryCounter(output: SampleOutput, y: Tensor): Counter | null {
  if (output.shape.length !== 1 || output.shape[0] !== 1) return countOfClasses(output, y);
  return y.data.every((target: number) => target === 0 || target === 1) ? countOfPairs : null;
}

/**
 * The mean cross-entropy of sigmoid(output) against targets in [0, 1] of the shape of the output; a
 * final sigmoid layer is folded into it. For an output (1) and targets that are all 0 or 1 a sample
 * is right when its probability is above 0.5 for 1, else not.
 * @param options there are none: {}, as files keep them
 */
export function binaryCrossEntropy(options: NoOptions = {}): Loss {
  const kind = 'binaryCrossEntropy';
  checkOptions(kind, options, []);
  return {
    ...elementwise(kind, {}, (p, t) => binaryCrossEntropyOf(p, t)),
    takesLogits: 'sigmoid',
    check(where, output, y) {
      checkTargets(where, kind, output, y);
      checkTargetRange(where, kind, y);
    },
    counter: binaryCounter,
  };
}
