import { argumentError, dtypeError, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { describe, full, tensor } from '../tensor.ts';
import { add, div, mul, sub } from './binary.ts';
import { gather } from './gather.ts';
import {
  type LossAttributes,
  type LossOptions,
  lossAttributes,
  reducedSpec,
  spread,
} from './loss.ts';
import {
  apply,
  checkFloats,
  checkOperand,
  checkRank,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type ResultLike,
  type Spec,
} from './operator.ts';
import { mean, sum } from './reduction.ts';
import { withShape } from './reshape.ts';
import { logSoftmax, softmax, softmaxGradientOperator } from './softmax.ts';

/** Settings of softmaxCrossEntropy. */
export interface SoftmaxCrossEntropyOptions<W extends Operand = Operand> extends LossOptions {
  /** Targets become (1 − labelSmoothing)·t + labelSmoothing/C; within [0, 1], default 0. */
  labelSmoothing?: number;
  /**
   * A factor w_c for each class: numbers, or an operand (C) of the logits' dtype, which gets no
   * gradient. With class numbers the mean then divides by the sum of the labels' weights.
   */
  classWeights?: W | readonly number[] | null;
}

export interface SoftmaxCrossEntropyAttributes extends LossAttributes {
  readonly labelSmoothing: number;
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
      `labels of shape (N) must be int32 or uint8 but are ${describe(labels)}: convert them by labels.to('int32')`,
    );
  }
  if (labels.shape[0] !== logits.shape[0]) {
    throw shapeError(
      where,
      `logits ${formatShape(logits.shape)} and labels ${formatShape(labels.shape)} have different batches`,
    );
  }
}

function checkClassWeights(where: string, logits: Spec, weights: Spec | null): void {
  if (weights === null) return;
  checkFloats(where, { logits, classWeights: weights });
  if (weights.shape.length !== 1 || weights.shape[0] !== logits.shape[1] || weights.batched) {
    throw shapeError(
      where,
      `classWeights ${formatShape(weights.shape)} must have one element for each class of logits ${formatShape(logits.shape)}`,
    );
  }
}

function samplesOf(logits: Spec): Spec {
  return makeSpec(logits.shape.slice(0, 1), logits.dtype, logits.batched);
}

/** logits (N,C), labels (N) or (N,C), classWeights (C) → the loss, () or (N). */
export const softmaxCrossEntropyOperator: Operator<SoftmaxCrossEntropyAttributes> = {
  name: 'softmaxCrossEntropy',
  refuses: [1],
  inputs: ['logits', 'labels', 'classWeights?'],
  outputs: ['loss'],
  infer([logitsSpec, labelsSpec, weights], attributes) {
    const [logits, labels] = [need(logitsSpec), need(labelsSpec)];
    checkLabels('softmaxCrossEntropy', logits, labels);
    checkClassWeights('softmaxCrossEntropy', logits, weights ?? null);
    return [reducedSpec(samplesOf(logits), attributes)];
  },
  gradient({ inputs: [logits, labels, weights], gradients, attributes, wanted }) {
    const dloss = need(gradients[0]);
    const operands = [need(logits), need(labels), dloss, weights ?? null];
    const toRows = (): Operand => {
      const logarithms: Operand = mul(logSoftmax(need(logits), { axis: 1 }), -1);
      const each = mul(logarithms, sampleMessage(dloss, need(logits), attributes));
      return byTargets(each, weights ?? null, attributes);
    };
    return [
      wanted[0] ? apply(softmaxCrossEntropyGradientOperator, operands, attributes) : null,
      wanted[1] ? toRows() : null,
      null,
    ];
  },
};

/** dloss for each sample: () or (N,1), divided by N for the mean. */
function sampleMessage(
  dloss: Operand,
  logits: Operand,
  { reduction }: SoftmaxCrossEntropyAttributes,
): Operand {
  if (reduction === 'none') return withShape(dloss, [logits.shape[0] as number, 1]);
  if (reduction === 'sum') return dloss;
  return spread(dloss, sum(logits, { axis: 1, keepDims: true }), true);
}

/** A derivative by q_c = w_c·((1 − labelSmoothing)·t_c + labelSmoothing/C) as one by t_c. */
function byTargets(
  derivative: Operand,
  weights: Operand | null,
  { labelSmoothing }: SoftmaxCrossEntropyAttributes,
): Operand {
  const scaled: Operand = mul(derivative, 1 - labelSmoothing);
  return weights ? mul(scaled, weights) : scaled;
}

/** `message` times the second derivative by the logits: Σq · softmax's Jacobian · dloss. */
function curvature(
  message: Operand,
  logits: Operand,
  labels: Operand,
  dloss: Operand,
  weights: Operand | null,
  attributes: SoftmaxCrossEntropyAttributes,
): Operand {
  const { reduction, labelSmoothing } = attributes;
  const [N = 0, C = 0] = logits.shape;
  const own = weights && labels.shape.length === 1 ? gather(weights, labels) : null;
  const axis = { axis: 1 };
  let result: Operand = apply(softmaxGradientOperator, [message, softmax(logits, axis)], axis);
  if (own && weights) {
    const smooth: Operand = mul(mean(weights), labelSmoothing);
    result = mul(result, withShape(add(mul(own, 1 - labelSmoothing), smooth), [N, 1]));
  } else if (labels.shape.length === 2) {
    const smooth: Operand = add(mul(labels, 1 - labelSmoothing), labelSmoothing / C);
    const targets: Operand = weights ? mul(smooth, weights) : smooth;
    result = mul(result, sum(targets, { axis: 1, keepDims: true }));
  }
  if (own && reduction === 'mean') return mul(result, div(dloss, sum(own)));
  return mul(result, sampleMessage(dloss, logits, attributes));
}

/**
 * logits, labels, dloss, classWeights → dlogits = (Σq · softmax(logits) − q) · dloss with the
 * targets q_c = w_c·((1 − labelSmoothing)·t_c + labelSmoothing/C); for the mean dloss is divided by
 * what the loss was divided by.
 */
export const softmaxCrossEntropyGradientOperator: Operator<SoftmaxCrossEntropyAttributes> = {
  name: 'softmaxCrossEntropyGradient',
  inputs: ['logits', 'labels', 'dloss', 'classWeights?'],
  outputs: ['dlogits'],
  inPlace: [[0, 0]],
  infer([logitsSpec, labelsSpec, dlossSpec, weights], attributes) {
    const [logits, labels, dloss] = [need(logitsSpec), need(labelsSpec), need(dlossSpec)];
    const where = 'softmaxCrossEntropyGradient';
    checkLabels(where, logits, labels);
    checkClassWeights(where, logits, weights ?? null);
    checkFloats(where, { logits, dloss });
    const loss = reducedSpec(samplesOf(logits), attributes);
    checkSameShape(where, ['dloss', 'the loss'], dloss, loss);
    return [logits];
  },
  gradient({ inputs, gradients, attributes, wanted }) {
    const [logits, labels, dloss] = [need(inputs[0]), need(inputs[1]), need(inputs[2])];
    const weights = inputs[3] ?? null;
    const message = need(gradients[0]);
    const one = spread(full([], 1, dloss.dtype as 'float32'), dloss, false);
    const toLoss = (): Operand => {
      const operands = [logits, labels, one, weights];
      const unit: Operand = apply(softmaxCrossEntropyGradientOperator, operands, attributes);
      const each: Operand = mul(message, unit);
      return attributes.reduction === 'none' ? sum(each, { axis: 1 }) : sum(each);
    };
    const toRows = (): Operand => {
      const expected = sum(mul(message, softmax(logits, { axis: 1 })), { axis: 1, keepDims: true });
      const each = mul(sub(expected, message), sampleMessage(dloss, logits, attributes));
      return byTargets(each, weights, attributes);
    };
    return [
      wanted[0] ? curvature(message, logits, labels, dloss, weights, attributes) : null,
      wanted[1] ? toRows() : null,
      wanted[2] ? toLoss() : null,
      null,
    ];
  },
};

/** `value` if it is a number within [0, 1], 0 by default; else throws ERR_ARGUMENT. */
export function checkLabelSmoothing(where: string, value: unknown = 0): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 1)) {
    throw argumentError(where, 'labelSmoothing to be a number from 0 to 1', value);
  }
  return value;
}

/** A copy of `values` if they are finite numbers; else throws ERR_ARGUMENT. */
export function checkClassWeightList(where: string, values: readonly unknown[]): number[] {
  return values.map((value, c) => {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    throw argumentError(where, `classWeights[${c}] to be a finite number`, value);
  });
}

/**
 * Cross-entropy of softmax(logits) against labels: Σ_c q_c·(log Σ exp z − z_c) for each sample, with
 * q_c = w_c·((1 − labelSmoothing)·t_c + labelSmoothing/C), t being 1 at the label, else 0, or the
 * targets. The mean divides by the number of samples; with class weights and class numbers by the
 * sum of the labels' weights (PyTorch's cross_entropy).
 *
 * @param logits (N,C)
 * @param labels class numbers (N) as int32 or uint8, or targets (N,C) in the logits' dtype, which
 *   have a gradient
 * @throws ERR_SHAPE, ERR_DTYPE when they do not fit; ERR_ARGUMENT for a label outside [0, C) and for
 *   an option out of range
 */
export function softmaxCrossEntropy<
  X extends Operand,
  Y extends Operand,
  W extends Operand = never,
>(logits: X, labels: Y, options: SoftmaxCrossEntropyOptions<W> = {}): ResultLike<X, X | Y | W> {
  const where = 'softmaxCrossEntropy';
  const { reduction } = lossAttributes(where, options, ['labelSmoothing', 'classWeights']);
  const { classWeights = null } = options;
  checkOperand(where, 'logits', logits);
  const weights = Array.isArray(classWeights)
    ? tensor(checkClassWeightList(where, classWeights), [classWeights.length], logits.dtype)
    : classWeights;
  return apply<Operand, SoftmaxCrossEntropyAttributes>(
    softmaxCrossEntropyOperator,
    [logits, labels, weights as Operand | null],
    { reduction, labelSmoothing: checkLabelSmoothing(where, options.labelSmoothing) },
  ) as ResultLike<X, X | Y | W>;
}
