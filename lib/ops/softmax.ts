import { checkOptions, shapeError } from '../errors.ts';
import { formatShape, resolveAxis } from '../shape.ts';
import { mul, sub } from './binary.ts';
import { exp } from './math.ts';
import {
  type Attributes,
  apply,
  channelsLastAxis,
  checkFloats,
  checkOperand,
  checkSameShape,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';
import { type ReductionAttributes, sumOperator } from './reduction.ts';

/** Settings of softmax and logSoftmax. */
export interface SoftmaxOptions {
  /** The axis whose elements make a distribution; negative ones count from the end; default −1. */
  axis?: number;
}

export interface SoftmaxAttributes extends Attributes {
  /** From 0 to rank − 1. */
  readonly axis: number;
}

function checkAxis(where: string, x: Spec, axis: number): void {
  if (axis >= x.shape.length) {
    throw shapeError(where, `x ${formatShape(x.shape)} has no axis ${axis}`);
  }
  if (x.batched && axis === 0) {
    throw shapeError(where, `axis 0 of the batched x ${formatShape(x.shape)} is the batch`);
  }
}

function onLastAxes({ axis }: SoftmaxAttributes): SoftmaxAttributes {
  return { axis: channelsLastAxis(axis) };
}

/** What the gradient rule of a gradient is given: its operands, the message, and Σ along the axis. */
interface SecondCall {
  readonly dy: Operand;
  readonly y: Operand;
  readonly message: Operand;
  total(value: Operand): Operand;
}

/** The messages of dx = gradient(dy, y) to dy and y. */
type SecondOrder = readonly [(call: SecondCall) => Operand, (call: SecondCall) => Operand];

/** `name` and `${name}Gradient`: x → y of the same shape, and dy, y → dx, along one axis. */
function softmaxOperators(
  name: string,
  [toDy, toY]: SecondOrder,
): {
  forward: Operator<SoftmaxAttributes>;
  backward: Operator<SoftmaxAttributes>;
} {
  const gradientName = `${name}Gradient`;
  const backward: Operator<SoftmaxAttributes> = {
    name: gradientName,
    inputs: ['dy', 'y'],
    outputs: ['dx'],
    layout: 'any',
    channelsLast: onLastAxes,
    inPlace: [
      [0, 0],
      [0, 1],
    ],
    infer([dySpec, ySpec], { axis }) {
      const [dy, y] = [need(dySpec), need(ySpec)];
      checkFloats(gradientName, { dy, y });
      checkSameShape(gradientName, ['dy', 'y'], dy, y);
      checkAxis(gradientName, dy, axis);
      return [dy];
    },
    gradient({ inputs, gradients, attributes: { axis }, wanted }) {
      const total = (value: Operand): Operand =>
        apply<Operand, ReductionAttributes>(sumOperator, [value], { axes: [axis] });
      const [dy, y, message] = [need(inputs[0]), need(inputs[1]), need(gradients[0])];
      const call = { dy, y, message, total };
      return [wanted[0] ? toDy(call) : null, wanted[1] ? toY(call) : null];
    },
  };
  const forward: Operator<SoftmaxAttributes> = {
    name,
    inputs: ['x'],
    outputs: ['y'],
    layout: 'any',
    channelsLast: onLastAxes,
    inPlace: [[0, 0]],
    infer([xSpec], { axis }) {
      const x = need(xSpec);
      checkFloats(name, { x });
      checkAxis(name, x, axis);
      return [x];
    },
    gradient({ outputs, gradients, attributes }) {
      return [apply(backward, [need(gradients[0]), need(outputs[0])], attributes)];
    },
  };
  return { forward, backward };
}

/**
 * y_i = exp(x_i − max x) / Σ exp(x_j − max x) along an axis; its gradient
 * dx_j = y_j·(dy_j − Σ_i dy_i·y_i) is the Jacobian y_i(δ_ij − y_j), never built.
 */
export const { forward: softmaxOperator, backward: softmaxGradientOperator } = softmaxOperators(
  'softmax',
  [
    ({ y, message, total }) => mul(y, sub(message, total(mul(message, y)))),
    ({ dy, y, message, total }) =>
      sub(mul(message, sub(dy, total(mul(dy, y)))), mul(dy, total(mul(message, y)))),
  ],
);

/** y_i = x_i − max x − log Σ exp(x_j − max x) along an axis; dx_j = dy_j − exp(y_j)·Σ_i dy_i. */
export const { forward: logSoftmaxOperator, backward: logSoftmaxGradientOperator } =
  softmaxOperators('logSoftmax', [
    ({ y, message, total }) => sub(message, total(mul(message, exp(y)))),
    ({ dy, y, message, total }) => mul(mul(mul(message, exp(y)), total(dy)), -1),
  ]);

function softmaxAttributes(where: string, x: Spec, options: SoftmaxOptions): SoftmaxAttributes {
  checkOperand(where, 'x', x);
  checkOptions(where, options, ['axis']);
  return { axis: resolveAxis(where, 'axis', options.axis ?? -1, x.shape.length) };
}

/**
 * Softmax along an axis: exp(x_i) / Σ exp(x_j).
 * @param x float32 or float64, of rank 1 or more
 * @throws ERR_ARGUMENT for an axis that x has not; ERR_SHAPE for the axis of the batch
 */
export function softmax<X extends Operand>(x: X, options: SoftmaxOptions = {}): Result<X> {
  return apply<X, SoftmaxAttributes>(
    softmaxOperator,
    [x],
    softmaxAttributes('softmax', x, options),
  );
}

/**
 * The logarithm of the softmax along an axis, x_i − log Σ exp(x_j), also where the softmax is 0 in
 * its dtype.
 * @param x float32 or float64, of rank 1 or more
 * @throws ERR_ARGUMENT for an axis that x has not; ERR_SHAPE for the axis of the batch
 */
export function logSoftmax<X extends Operand>(x: X, options: SoftmaxOptions = {}): Result<X> {
  return apply<X, SoftmaxAttributes>(
    logSoftmaxOperator,
    [x],
    softmaxAttributes('logSoftmax', x, options),
  );
}
