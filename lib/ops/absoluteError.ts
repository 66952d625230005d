import { elementwiseLoss } from './elementwiseLoss.ts';
import { type LossAttributes, type LossOptions, lossAttributes } from './loss.ts';
import { apply, type Operand, type Result } from './operator.ts';

/** |prediction − target|, and sign(prediction − target)·dloss, 0 where they are equal. */
export const { loss: absoluteErrorOperator, gradient: absoluteErrorGradientOperator } =
  elementwiseLoss<LossAttributes>({
    name: 'absoluteError',
    operands: ['prediction', 'target'],
    even: true,
    curvature: () => null,
  });

/**
 * |prediction − target|, the mean over all elements unless `reduction` says otherwise. The gradient
 * is 0 where the two are equal.
 * @param prediction float32 or float64, of any shape
 * @param target of the prediction's shape and dtype
 * @throws ERR_SHAPE when the shapes differ; ERR_DTYPE when dtypes mix
 */
export function absoluteError<X extends Operand, Y extends Operand>(
  prediction: X,
  target: Y,
  options: LossOptions = {},
): Result<X | Y> {
  return apply<X | Y, LossAttributes>(
    absoluteErrorOperator,
    [prediction, target],
    lossAttributes('absoluteError', options),
  );
}
