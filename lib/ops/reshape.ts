import { argumentError, shapeError } from '../errors.ts';
import { checkShape, elementCount, formatShape, sameShape } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import {
  type Attributes,
  apply,
  checkOperand,
  isBatched,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';

export interface ReshapeAttributes extends Attributes {
  /** The new sizes; without the first when that is kept. */
  readonly shape: readonly number[];
  /** The first size stays as it is (it may be the batch). */
  readonly keepFirst: boolean;
}

/** x of any dtype → the same elements in row-major order under another shape. */
export const reshapeOperator: Operator<ReshapeAttributes> = {
  name: 'reshape',
  inputs: ['x'],
  outputs: ['y'],
  alias: true,
  infer([xSpec], attributes) {
    const x = need(xSpec);
    const shape = attributes.keepFirst
      ? [x.shape[0] as number, ...attributes.shape]
      : attributes.shape;
    if (elementCount(shape) !== elementCount(x.shape)) {
      throw shapeError(
        'reshape',
        `${formatShape(x.shape)} has ${elementCount(x.shape)} elements, ${formatShape(shape)} has ${elementCount(shape)}`,
      );
    }
    return [makeSpec(shape, x.dtype, attributes.keepFirst ? x.batched : false)];
  },
  gradient({ inputs: [x], gradients, attributes }) {
    const shape = need(x).shape;
    const { keepFirst } = attributes;
    return [
      apply(reshapeOperator, [need(gradients[0])], {
        keepFirst,
        shape: keepFirst ? shape.slice(1) : shape,
      }),
    ];
  },
};

/**
 * The same elements under another shape, in row-major order.
 *
 * @param x of any dtype and shape
 * @param shape the new sizes; one of them may be −1 and is then worked out. A batched value keeps
 *   its first size.
 * @throws ERR_SHAPE when the numbers of elements differ
 */
export function reshape<X extends Operand>(x: X, shape: readonly number[]): Result<X> {
  checkOperand('reshape', 'x', x);
  if (!Array.isArray(shape)) throw argumentError('reshape', 'a shape', shape);
  const unknown = shape.indexOf(-1);
  let sizes = [...shape];
  if (unknown >= 0) {
    const rest = sizes.filter((_, axis) => axis !== unknown);
    checkShape('reshape', rest);
    const known = elementCount(rest);
    const size = known === 0 ? 0 : elementCount(x.shape) / known;
    if (!Number.isInteger(size)) {
      throw shapeError('reshape', `${formatShape(x.shape)} cannot become ${formatShape(shape)}`);
    }
    sizes = sizes.map((value, axis) => (axis === unknown ? size : value));
  }
  checkShape('reshape', sizes);
  const batched = isBatched(x);
  if (batched && sizes[0] !== x.shape[0]) {
    throw shapeError(
      'reshape',
      `a batched value ${formatShape(x.shape)} must keep its first size but the new shape is ${formatShape(sizes)}`,
    );
  }
  return apply<X, ReshapeAttributes>(reshapeOperator, [x], {
    keepFirst: batched,
    shape: batched ? sizes.slice(1) : sizes,
  });
}

/** `x` under another shape: a Tensor in the same memory, a traced value reshaped. */
export function withShape(x: Operand, shape: readonly number[]): Operand {
  if (sameShape(x.shape, shape)) return x;
  return x instanceof Tensor ? new Tensor(x.data, shape, x.dtype) : reshape(x, shape);
}

/**
 * (N, …) → (N, F): all axes but the first as one. Throws ERR_SHAPE for rank 0.
 * @param x of any dtype, rank 1 or more
 */
export function flatten<X extends Operand>(x: X): Result<X> {
  checkOperand('flatten', 'x', x);
  if (x.shape.length === 0) throw shapeError('flatten', 'a value of shape () has no axis to keep');
  return apply<X, ReshapeAttributes>(reshapeOperator, [x], {
    keepFirst: true,
    shape: [elementCount(x.shape.slice(1))],
  });
}
