import { mul } from './binary.ts';
import { elementwiseLoss } from './elementwiseLoss.ts';
import { type LossAttributes, type LossOptions, lossAttributes } from './loss.ts';
import { apply, type Operand, type Result } from './operator.ts';

/** (prediction − target)², and 2·(prediction − target)·dloss. */
export const { loss: squaredErrorOperator, gradient: squaredErrorGradientOperator } =
  elementwiseLoss<LossAttributes>({
    name: 'squaredError',
    operands: ['prediction', 'target'],
    even: true,
    curvature: (message) => mul(message, 2),
  });

/**
 * (prediction − target)², the mean over all elements unless `reduction` says otherwise.
 * @param prediction float32 or float64, of any shape
 * @param target of the prediction's shape and dtype
 * @throws ERR_SHAPE when the shapes differ; ERR_DTYPE when dtypes mix
 */
export function squaredError<X extends Operand, Y extends Operand>(
  prediction: X,
  target: Y,
  options: LossOptions = {},
): Result<X | Y> {
  return apply<X | Y, LossAttributes>(
    squaredErrorOperator,
    [prediction, target],
    lossAttributes('squaredError', options),
  );
}
