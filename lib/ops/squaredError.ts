import {
  apply,
  checkFloats,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';
import { type LossAttributes, type LossOptions, lossAttributes } from './softmaxCrossEntropy.ts';

/** prediction, target of one shape → (prediction − target)², reduced. */
export const squaredErrorOperator: Operator<LossAttributes> = {
  name: 'squaredError',
  inputs: ['prediction', 'target'],
  outputs: ['loss'],
  infer([predictionSpec, targetSpec], { reduction }) {
    const [prediction, target] = [need(predictionSpec), need(targetSpec)];
    checkFloats('squaredError', { prediction, target });
    checkSameShape('squaredError', ['prediction', 'target'], prediction, target);
    return [
      reduction === 'none'
        ? makeSpec(prediction.shape, prediction.dtype, prediction.batched)
        : makeSpec([], prediction.dtype, false),
    ];
  },
  gradient({ inputs: [prediction, target], gradients, attributes, wanted }) {
    const [a, b, dloss] = [need(prediction), need(target), need(gradients[0])];
    return [
      wanted[0] ? apply(squaredErrorGradientOperator, [a, b, dloss], attributes) : null,
      wanted[1] ? apply(squaredErrorGradientOperator, [b, a, dloss], attributes) : null,
    ];
  },
};

/** prediction, target, dloss → 2·(prediction − target)·dloss, over the elements for the mean. */
export const squaredErrorGradientOperator: Operator<LossAttributes> = {
  name: 'squaredErrorGradient',
  inputs: ['prediction', 'target', 'dloss'],
  outputs: ['dprediction'],
  inPlace: [[0, 0]],
  infer([predictionSpec, targetSpec, dlossSpec], { reduction }) {
    const [prediction, target, dloss] = [need(predictionSpec), need(targetSpec), need(dlossSpec)];
    checkFloats('squaredErrorGradient', { prediction, target, dloss });
    checkSameShape('squaredErrorGradient', ['prediction', 'target'], prediction, target);
    checkSameShape('squaredErrorGradient', ['dloss', 'the loss'], dloss, {
      shape: reduction === 'none' ? prediction.shape : [],
      dtype: prediction.dtype,
    });
    return [prediction];
  },
};

/**
 * (prediction − target)², the mean over all elements unless `reduction` says otherwise.
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
