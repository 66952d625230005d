import { argumentError, dtypeError, shapeError } from '../errors.ts';
import { broadcastShapes, formatShape, type Shape } from '../shape.ts';
import { type DType, describe, tensor } from '../tensor.ts';
import {
  apply,
  checkOperand,
  holds,
  isBatched,
  makeSpec,
  type Operand,
  type Operator,
  type Result,
  type ResultOf,
  type Spec,
} from './operator.ts';
import { sumGradientOperator, sumOperator } from './reduction.ts';
import { withShape } from './reshape.ts';

export type NoAttributes = Readonly<Record<string, never>>;

/** An operand, or a number of the others' dtype. */
export type OperandOrNumber = Operand | number;

/** What a function of operands and numbers gives. */
export type BroadcastResult<T> = Result<Exclude<T, number>>;

/**
 * A function of two operands that broadcast.
 * @param a float32 or float64, or a number, which takes b's dtype
 * @param b of a's dtype, or a number, which takes it
 */
export type BinaryFunction = <A extends OperandOrNumber, B extends OperandOrNumber>(
  a: A,
  b: B,
) => BroadcastResult<A | B>;

/**
 * A comparison of two operands that broadcast.
 * @param a of any dtype, or a number, which takes b's
 * @param b of a's dtype, or a number, which takes it
 */
export type ComparisonFunction = <A extends OperandOrNumber, B extends OperandOrNumber>(
  a: A,
  b: B,
) => ResultOf<Exclude<A | B, number>, 'uint8'>;

/** Throws ERR_DTYPE unless two operands have the same dtype, whichever it is. */
export function checkOneDType(where: string, operands: Readonly<Record<string, Spec>>): void {
  const [[nameA, a], [nameB, b]] = Object.entries(operands) as [[string, Spec], [string, Spec]];
  if (a.dtype === b.dtype) return;
  throw dtypeError(
    where,
    `${nameA} is ${describe(a)} but ${nameB} is ${describe(b)}: dtypes do not mix, convert one with .to()`,
  );
}

/**
 * The shape rule of operators whose operands broadcast: equal ranks, or rank 0. With a batch, the
 * first size of an unbatched operand is 1.
 */
export function broadcastSpec(
  where: string,
  operands: Readonly<Record<string, Spec>>,
  dtype: DType,
): Spec {
  const named = Object.entries(operands);
  const shapes = Object.fromEntries(named.map(([name, { shape }]) => [name, shape]));
  const shape = broadcastShapes(where, shapes);
  const batched = named.some(([, spec]) => isBatched(spec));
  for (const [name, spec] of named) {
    const rank = spec.shape.length;
    if (rank === 0) continue;
    if (rank !== shape.length) {
      throw shapeError(
        where,
        `${name} ${formatShape(spec.shape)} must have rank ${shape.length} or 0`,
      );
    }
    const first = spec.shape[0] as number;
    if (batched && (isBatched(spec) ? first !== shape[0] : first !== 1)) {
      throw shapeError(
        where,
        `${name} ${formatShape(spec.shape)} must ${isBatched(spec) ? 'not stretch its batch' : 'have 1 for the batch'} to broadcast to ${formatShape(shape)}`,
      );
    }
  }
  return makeSpec(shape, dtype, batched);
}

/** An operand with sizes of 1 in front, up to `rank`. Throws ERR_SHAPE for one that is batched. */
export function withRank(where: string, name: string, x: Operand, rank: number): Operand {
  const missing = rank - x.shape.length;
  if (missing <= 0) return x;
  if (isBatched(x)) {
    throw shapeError(
      where,
      `${name} ${formatShape(x.shape)} is batched: its first axis must stay the first of ${rank}`,
    );
  }
  return withShape(x, [...Array.from({ length: missing }, () => 1), ...x.shape]);
}

/**
 * Operands in the form that broadcasting operators take: numbers as rank 0 of the others' dtype,
 * shorter shapes with sizes of 1 in front.
 * @param alike the values that share a dtype; default: all
 */
export function broadcastOperands(
  where: string,
  values: Readonly<Record<string, OperandOrNumber>>,
  alike: readonly OperandOrNumber[] = Object.values(values),
): Operand[] {
  const named = Object.entries(values);
  for (const [name, value] of named) {
    if (typeof value !== 'number') checkOperand(where, name, value);
  }
  const like = alike.find((value) => typeof value !== 'number');
  if (like === undefined) {
    throw argumentError(where, `a Tensor (or a traced value) beside a number`, alike);
  }
  // Before sizes of 1 are put in front: messages show the shapes as they were given.
  const shapes = named.flatMap(([name, value]) =>
    typeof value === 'number' ? [] : [[name, value.shape] as const],
  );
  const rank = broadcastShapes(where, Object.fromEntries(shapes)).length;
  return named.map(([name, value]) => {
    if (typeof value === 'number') {
      if (!holds(like.dtype, value)) {
        throw dtypeError(where, `${name} must be a number of dtype ${like.dtype} but is ${value}`);
      }
      return tensor(value, [], like.dtype);
    }
    return value.shape.length === 0 ? value : withRank(where, name, value, rank);
  });
}

function stretched(value: Operand, like: Operand): number[] {
  const { shape }: { shape: Shape } = like;
  return value.shape.flatMap((size, axis) => {
    if (shape.length === 0) return [axis];
    const leavesBatch = axis === 0 && isBatched(value) && !isBatched(like);
    return shape[axis] === 1 && (size !== 1 || leavesBatch) ? [axis] : [];
  });
}

/** The message to an operand that was broadcast: `value` summed over the axes it was stretched along. */
export function sumTo(value: Operand, like: Operand): Operand {
  const axes = stretched(value, like);
  const sum = axes.length === 0 ? value : apply(sumOperator, [value], { axes });
  return sum.shape.length === like.shape.length ? sum : withShape(sum, like.shape);
}

/** `value`, of the rank of `like`, repeated along its sizes of 1; the adjoint of `sumTo`. */
export function spreadTo(value: Operand, like: Operand): Operand {
  const axes = value.shape.flatMap((size, axis) =>
    size === 1 && !(axis === 0 && isBatched(value)) ? [axis] : [],
  );
  return axes.length === 0
    ? value
    : apply(sumGradientOperator, [value, like], { axes, mean: false });
}

/** The public function of an operator of two operands that broadcast. */
export function binaryFunction(operator: Operator<NoAttributes>): BinaryFunction {
  return (a, b) => {
    const operands = broadcastOperands(operator.name, { a, b });
    return apply(operator, operands, {}) as BroadcastResult<typeof a | typeof b>;
  };
}
