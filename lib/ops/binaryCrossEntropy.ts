import { mul, sub } from './binary.ts';
import { elementwiseLoss } from './elementwiseLoss.ts';
import { type LossAttributes, type LossOptions, lossAttributes } from './loss.ts';
import { sigmoid } from './math.ts';
import { apply, type Operand, type Result } from './operator.ts';

/** max(x, 0) − x·t + log(1 + e^−|x|) of logits x and targets t, and (sigmoid(x) − t)·dloss. */
export const { loss: binaryCrossEntropyOperator, gradient: binaryCrossEntropyGradientOperator } =
  elementwiseLoss<LossAttributes>({
    name: 'binaryCrossEntropy',
    operands: ['logits', 'targets'],
    even: false,
    curvature: (message, x) => {
      const p = sigmoid(x);
      return mul(message, mul(p, sub(1, p)));
    },
  });

/**
 * Cross-entropy of sigmoid(logits) against targets, element by element:
 * −t·log p − (1 − t)·log(1 − p) with p = sigmoid(x), in a form that no logit makes overflow; the
 * mean over all elements unless `reduction` says otherwise.
 *
 * @param logits float32 or float64, of any shape
 * @param targets of the shape and dtype of the logits, in [0, 1] as a rule
 * @throws ERR_SHAPE when the shapes differ; ERR_DTYPE when dtypes mix
 */
export function binaryCrossEntropy<X extends Operand, Y extends Operand>(
  logits: X,
  targets: Y,
  options: LossOptions = {},
): Result<X | Y> {
  return apply<X | Y, LossAttributes>(
    binaryCrossEntropyOperator,
    [logits, targets],
    lossAttributes('binaryCrossEntropy', options),
  );
}
