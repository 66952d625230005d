import { argumentError } from '../errors.ts';
import { sub } from './binary.ts';
import { lessEqual } from './comparison.ts';
import { elementwiseLoss } from './elementwiseLoss.ts';
import { type LossAttributes, type LossOptions, lossAttributes } from './loss.ts';
import { abs } from './math.ts';
import { apply, type Operand, type Result } from './operator.ts';
import { where } from './where.ts';

/** Settings of the Huber loss. */
export interface HuberOptions extends LossOptions {
  /** Where the parabola goes over into lines, above 0; default 1. */
  delta?: number;
}

export interface HuberAttributes extends LossAttributes {
  readonly delta: number;
}

/** d²/2 for |d| ≤ δ, else δ·(|d| − δ/2), of d = prediction − target; and d clipped to ±δ, ·dloss. */
export const { loss: huberOperator, gradient: huberGradientOperator } =
  elementwiseLoss<HuberAttributes>({
    name: 'huber',
    operands: ['prediction', 'target'],
    even: true,
    curvature: (message, a, b, { delta }) => where(lessEqual(abs(sub(a, b)), delta), message, 0),
  });

/** `delta` if it is a finite number above 0, 1 by default; else throws ERR_ARGUMENT. */
export function checkDelta(where: string, delta: unknown = 1): number {
  if (typeof delta !== 'number' || !(delta > 0 && Number.isFinite(delta))) {
    throw argumentError(where, 'delta to be a finite number above 0', delta);
  }
  return delta;
}

/**
 * The Huber loss of d = prediction − target: d²/2 where |d| ≤ delta, else delta·(|d| − delta/2); the
 * mean over all elements unless `reduction` says otherwise (Huber 1964; PyTorch's huber_loss).
 * @param prediction float32 or float64, of any shape
 * @param target of the prediction's shape and dtype
 * @throws ERR_SHAPE when the shapes differ; ERR_DTYPE when dtypes mix; ERR_ARGUMENT for a delta that
 *   is no finite number above 0
 */
export function huber<X extends Operand, Y extends Operand>(
  prediction: X,
  target: Y,
  options: HuberOptions = {},
): Result<X | Y> {
  const { reduction } = lossAttributes('huber', options, ['delta']);
  return apply<X | Y, HuberAttributes>(huberOperator, [prediction, target], {
    reduction,
    delta: checkDelta('huber', options.delta),
  });
}
