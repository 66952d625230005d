import { argumentError, checkOptions, dtypeError, shapeError } from '../errors.ts';
import { checkAxis, formatShape } from '../shape.ts';
import { describe, Tensor } from '../tensor.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkOperand,
  checkSamplesStay,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type ResultLike,
  type Spec,
} from './operator.ts';

export interface GatherAttributes extends Attributes {
  readonly axis: number;
}

export interface GatherGradientAttributes extends GatherAttributes {
  /** The size that x has along `axis`. */
  readonly size: number;
}

/** Settings of gather. */
export interface GatherOptions {
  /** The axis that the indices count along; negative counts from the end. Default 0. */
  axis?: number;
}

function checkIndices(where: string, x: Spec, indices: Spec, axis: number): void {
  if (indices.dtype !== 'int32' && indices.dtype !== 'uint8') {
    throw dtypeError(
      where,
      `indices must be int32 or uint8 but are ${describe(indices)}: convert them by .to('int32')`,
    );
  }
  if (indices.batched && (axis !== 0 || x.batched)) {
    throw shapeError(
      where,
      `batched indices ${formatShape(indices.shape)} must count along axis 0 of a value without a batch`,
    );
  }
}

/** x of any dtype, indices int32 or uint8 → y[a…, i…, b…] = x[a…, indices[i…], b…]. */
export const gatherOperator: Operator<GatherAttributes> = {
  name: 'gather',
  refuses: [1],
  inputs: ['x', 'indices'],
  outputs: ['y'],
  infer([xSpec, indicesSpec], { axis }) {
    const [x, indices] = [need(xSpec), need(indicesSpec)];
    if (x.shape.length === 0) throw shapeError('gather', 'x of shape () has no axis');
    checkIndices('gather', x, indices, axis);
    checkSamplesStay('gather', 'x', x, [axis]);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return [makeSpec(shape, x.dtype, x.batched || indices.batched)];
  },
  gradient({ inputs: [x, indices], gradients, attributes: { axis } }) {
    const size = need(x).shape[axis] as number;
    return [
      apply(gatherGradientOperator, [need(gradients[0]), need(indices)], { axis, size }),
      null,
    ];
  },
};

/** dy, indices → dx: each entry gets the sum of dy where it was taken, in the order of the indices. */
export const gatherGradientOperator: Operator<GatherGradientAttributes> = {
  name: 'gatherGradient',
  inputs: ['dy', 'indices'],
  outputs: ['dx'],
  infer([dySpec, indicesSpec], { axis, size }) {
    const [dy, indices] = [need(dySpec), need(indicesSpec)];
    checkFloats('gatherGradient', { dy });
    if (indices.batched && !dy.batched) {
      throw shapeError(
        'gatherGradient',
        `dy ${formatShape(dy.shape)} must be batched as its indices are`,
      );
    }
    const batch = { ...dy, batched: dy.batched === true && indices.batched !== true };
    checkIndices('gatherGradient', batch, indices, axis);
    checkSamplesStay('gatherGradient', 'dy', batch, [axis]);
    const end = axis + indices.shape.length;
    const taken = dy.shape.slice(axis, end);
    if (
      taken.length !== indices.shape.length ||
      taken.some((count, i) => count !== indices.shape[i])
    ) {
      throw shapeError(
        'gatherGradient',
        `dy ${formatShape(dy.shape)} must have the sizes ${formatShape(indices.shape)} of the indices from axis ${axis} on`,
      );
    }
    const shape = [...dy.shape.slice(0, axis), size, ...dy.shape.slice(end)];
    return [makeSpec(shape, dy.dtype, batch.batched)];
  },
  gradient({ inputs: [, indices], gradients, attributes: { axis } }) {
    return [apply(gatherOperator, [need(gradients[0]), need(indices)], { axis }), null];
  },
};

function asOperand(indices: unknown): Operand {
  if (!Array.isArray(indices)) {
    checkOperand('gather', 'indices', indices);
    return indices as Operand;
  }
  const wrong = indices.find((index) => !Number.isInteger(index) || (index | 0) !== index);
  if (wrong !== undefined) throw argumentError('gather', 'indices to be integers', wrong);
  return new Tensor(Int32Array.from(indices), [indices.length], 'int32');
}

/**
 * Entries of a value by their places along an axis, in any order and as often as named.
 *
 * @param x of any dtype
 * @param indices int32 or uint8 of any shape, or a list of integers; each in [0, x.shape[axis])
 * @returns of shape (…before the axis, …indices, …after the axis)
 * @throws ERR_DTYPE when the indices are not integers, ERR_ARGUMENT for an axis that does not exist
 *   and, when it runs, for an index out of range
 */
export function gather<X extends Operand, I extends Operand | readonly number[]>(
  x: X,
  indices: I,
  options: GatherOptions = {},
): ResultLike<X, X | Extract<I, Operand>> {
  checkOperand('gather', 'x', x);
  checkOptions('gather', options, ['axis']);
  if (x.shape.length === 0) throw shapeError('gather', 'x of shape () has no axis');
  const axis = checkAxis('gather', 'axis', options.axis ?? 0, x.shape.length);
  return apply<Operand, GatherAttributes>(gatherOperator, [x, asOperand(indices)], {
    axis,
  }) as ResultLike<X, X | Extract<I, Operand>>;
}
