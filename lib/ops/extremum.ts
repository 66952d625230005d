import { shapeError } from '../errors.ts';
import { elementCount, formatShape } from '../shape.ts';
import { full } from '../tensor.ts';
import { div } from './binary.ts';
import { equal } from './comparison.ts';
import {
  apply,
  checkFloats,
  need,
  type Operand,
  type Operator,
  type Result,
  type ResultOf,
  type Spec,
} from './operator.ts';
import {
  channelsLastAxes,
  type ReductionAttributes,
  type ReductionOptions,
  reduce,
  reducedSpec,
  sumOperator,
} from './reduction.ts';
import { where } from './where.ts';

/** Throws ERR_SHAPE when there is no element to choose from. */
function checkChoice(name: string, x: Spec, axes: readonly number[]): void {
  if (elementCount(axes.map((axis) => x.shape[axis] as number)) === 0) {
    throw shapeError(name, `x ${formatShape(x.shape)} has no element along axes (${axes})`);
  }
}

function extremum(name: string): Operator<ReductionAttributes> {
  return {
    name,
    refuses: [0],
    inputs: ['x'],
    outputs: ['y'],
    layout: 'any',
    channelsLast: channelsLastAxes,
    infer([xSpec], { axes }) {
      const x = need(xSpec);
      checkFloats(name, { x });
      checkChoice(name, x, axes);
      return [reducedSpec(x, axes)];
    },
    gradient({ inputs, outputs, gradients, attributes: { axes } }) {
      const [x, y, dy] = [need(inputs[0]), need(outputs[0]), need(gradients[0])];
      const chosen = equal(x, y);
      const one: Operand = full([], 1, x.dtype as 'float32' | 'float64');
      const count: Operand = apply(sumOperator, [where(chosen, one, 0)], { axes });
      return [where(chosen, div(dy, count), 0)];
    },
  };
}

/** x → the largest x over the axes; NaN when one of them is. */
export const maxOperator = extremum('max');

/** x → the smallest x over the axes; NaN when one of them is. */
export const minOperator = extremum('min');

function argExtremum(name: string): Operator<ReductionAttributes> {
  return {
    name,
    refuses: [0],
    inputs: ['x'],
    outputs: ['y'],
    infer([xSpec], { axes }) {
      const x = need(xSpec);
      checkFloats(name, { x });
      checkChoice(name, x, axes);
      if (axes.length > 1 && axes.length < x.shape.length) {
        throw shapeError(
          name,
          `axes (${axes}) must be one axis or all of x ${formatShape(x.shape)}`,
        );
      }
      return [reducedSpec(x, axes, 'int32')];
    },
  };
}

/** x → the place of its largest element along one axis, or among all in row-major order. */
export const argmaxOperator = argExtremum('argmax');

/** x → the place of its smallest element, as argmax. */
export const argminOperator = argExtremum('argmin');

/**
 * The largest element over axes; NaN when one of them is. Its gradient is shared evenly by all that
 * are equal to it. Options as `sum`. The larger of two values is `maximum`.
 * @param x float32 or float64, of any shape
 * @throws ERR_SHAPE when there is no element; ERR_ARGUMENT for an axis that x does not have
 */
export function max<X extends Operand>(x: X, options: ReductionOptions = {}): Result<X> {
  return reduce(maxOperator, x, options, '; the larger of two values is maximum(a, b)');
}

/**
 * The smallest element over axes, as `max`. The smaller of two values is `minimum`.
 * @param x float32 or float64, of any shape
 */
export function min<X extends Operand>(x: X, options: ReductionOptions = {}): Result<X> {
  return reduce(minOperator, x, options, '; the smaller of two values is minimum(a, b)');
}

/**
 * The place of the largest element along an axis, or, by default, among all in row-major order:
 * int32, the first of equals; the first NaN when there is one.
 *
 * @param x float32 or float64, of any shape
 * @param options.axis one axis, negative ones from the end
 * @throws ERR_SHAPE when there is no element, or for several axes that are not all
 */
export function argmax<X extends Operand>(
  x: X,
  options: ReductionOptions = {},
): ResultOf<X, 'int32'> {
  return reduce<Operand>(argmaxOperator, x, options) as ResultOf<X, 'int32'>;
}

/**
 * The place of the smallest element, as `argmax`.
 * @param x float32 or float64, of any shape
 */
export function argmin<X extends Operand>(
  x: X,
  options: ReductionOptions = {},
): ResultOf<X, 'int32'> {
  return reduce<Operand>(argminOperator, x, options) as ResultOf<X, 'int32'>;
}

/** Extremes over axes and their places. */
export const extremumOperators = [maxOperator, minOperator, argmaxOperator, argminOperator];
