import { argumentError, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import {
  type Attributes,
  apply,
  checkOperand,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';

export interface TransposeAttributes extends Attributes {
  readonly axes: readonly number[];
}

/** x → y with y.shape[i] = x.shape[axes[i]]. */
export const transposeOperator: Operator<TransposeAttributes> = {
  name: 'transpose',
  inputs: ['x'],
  outputs: ['y'],
  infer([xSpec], { axes }) {
    const x = need(xSpec);
    const sorted = [...axes].sort((a, b) => a - b);
    if (axes.length !== x.shape.length || sorted.some((axis, i) => axis !== i)) {
      throw argumentError(
        'transpose',
        `axes to be a permutation of the ${x.shape.length} axes of ${formatShape(x.shape)}, each of them once,`,
        axes,
      );
    }
    if (x.batched && axes[0] !== 0) {
      throw shapeError(
        'transpose',
        `a batched value ${formatShape(x.shape)} must keep its first axis`,
      );
    }
    return [
      makeSpec(
        axes.map((axis) => x.shape[axis] as number),
        x.dtype,
        x.batched,
      ),
    ];
  },
  gradient({ gradients, attributes: { axes } }) {
    const inverse = axes.map((_, axis) => axes.indexOf(axis));
    return [apply(transposeOperator, [need(gradients[0])], { axes: inverse })];
  },
};

/**
 * The axes in another order, as NumPy's transpose.
 * @param x of any dtype and shape
 * @param axes a permutation, negative ones counted from the end; default: reversed
 * @throws ERR_ARGUMENT when `axes` is no permutation
 */
export function transpose<X extends Operand>(x: X, axes?: readonly number[]): Result<X> {
  checkOperand('transpose', 'x', x);
  if (axes !== undefined && !Array.isArray(axes)) {
    throw argumentError('transpose', 'axes to be a list, as in transpose(x, [1, 0]),', axes);
  }
  const rank = x.shape.length;
  const order = axes ?? x.shape.map((_, axis) => rank - 1 - axis);
  return apply<X, TransposeAttributes>(transposeOperator, [x], {
    axes: order.map((axis) => (axis < 0 ? axis + rank : axis)),
  });
}
