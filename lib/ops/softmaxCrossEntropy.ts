import { argumentError, checkOptions, dtypeError, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { describe } from '../tensor.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkRank,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';

/** What becomes of the samples' losses: their mean, their sum, or each for itself. */
export type Reduction = 'mean' | 'sum' | 'none';

/** Settings of a loss. */
export interface LossOptions {
  /** Default 'mean'. */
  reduction?: Reduction;
}

export interface LossAttributes extends Attributes {
  readonly reduction: Reduction;
}

/** The reduction that the options name, 'mean' by default. Throws ERR_ARGUMENT. */
export function lossAttributes(where: string, options: LossOptions): LossAttributes {
  checkOptions(where, options, ['reduction']);
  const reduction = options.reduction ?? 'mean';
  if (reduction !== 'mean' && reduction !== 'sum' && reduction !== 'none') {
    throw argumentError(where, "reduction to be 'mean', 'sum' or 'none'", reduction);
  }
  return { reduction };
}

/**
 * Throws unless `labels` are class numbers (N) as int32 or uint8, or one row of targets a sample
 * (N,C) in the logits' dtype.
 */
export function checkLabels(where: string, logits: Spec, labels: Spec): void {
  checkFloats(where, { logits });
  checkRank(where, 'logits', logits, 2);
  if (labels.shape.length === 2) {
    checkSameShape(where, ['logits', 'one-hot labels'], logits, labels);
    checkFloats(where, { logits, labels });
    return;
  }
  checkRank(where, 'labels', labels, 1, 2);
  if (labels.dtype !== 'int32' && labels.dtype !== 'uint8') {
    throw dtypeError(
      where,
      `labels of shape (N) must be int32 or uint8 but are ${describe(labels)}`,
    );
  }
  if (labels.shape[0] !== logits.shape[0]) {
    throw shapeError(
      where,
      `logits ${formatShape(logits.shape)} and labels ${formatShape(labels.shape)} have different batches`,
    );
  }
}

/** logits (N,C), labels (N) or (N,C) → the loss, () or (N). */
export const softmaxCrossEntropyOperator: Operator<LossAttributes> = {
  name: 'softmaxCrossEntropy',
  inputs: ['logits', 'labels'],
  outputs: ['loss'],
  infer([logitsSpec, labelsSpec], { reduction }) {
    const [logits, labels] = [need(logitsSpec), need(labelsSpec)];
    checkLabels('softmaxCrossEntropy', logits, labels);
    return [
      reduction === 'none'
        ? makeSpec([logits.shape[0] as number], logits.dtype, logits.batched)
        : makeSpec([], logits.dtype, false),
    ];
  },
  gradient({ inputs: [logits, labels], gradients, attributes, wanted }) {
    return [
      wanted[0]
        ? apply(
            softmaxCrossEntropyGradientOperator,
            [need(logits), need(labels), need(gradients[0])],
            attributes,
          )
        : null,
      null,
    ];
  },
};

/** logits, labels, dloss → dlogits = (Σt · softmax(logits) − t) · dloss, over N for the mean. */
export const softmaxCrossEntropyGradientOperator: Operator<LossAttributes> = {
  name: 'softmaxCrossEntropyGradient',
  inputs: ['logits', 'labels', 'dloss'],
  outputs: ['dlogits'],
  inPlace: [[0, 0]],
  infer([logitsSpec, labelsSpec, dlossSpec], { reduction }) {
    const [logits, labels, dloss] = [need(logitsSpec), need(labelsSpec), need(dlossSpec)];
    checkLabels('softmaxCrossEntropyGradient', logits, labels);
    checkFloats('softmaxCrossEntropyGradient', { logits, dloss });
    const expected = reduction === 'none' ? [logits.shape[0] as number] : [];
    checkSameShape('softmaxCrossEntropyGradient', ['dloss', 'the loss'], dloss, {
      shape: expected,
      dtype: logits.dtype,
    });
    return [logits];
  },
};

/**
 * Cross-entropy of softmax(logits) against labels: log Σ exp z − z_label for each sample.
 *
 * @param logits (N,C)
 * @param labels class numbers (N) as int32 or uint8, or targets (N,C) in the logits' dtype; they
 *   get no gradient
 * @throws ERR_SHAPE, ERR_DTYPE when they do not fit; ERR_ARGUMENT for a label outside [0, C)
 */
export function softmaxCrossEntropy<X extends Operand, Y extends Operand>(
  logits: X,
  labels: Y,
  options: LossOptions = {},
): Result<X | Y> {
  return apply<X | Y, LossAttributes>(
    softmaxCrossEntropyOperator,
    [logits, labels],
    lossAttributes('softmaxCrossEntropy', options),
  );
}
