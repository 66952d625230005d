import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { checkAxes, checkInteger, formatShape } from '../shape.ts';
import {
  type Attributes,
  apply,
  channelsLastAxis,
  checkOperand,
  checkSamplesStay,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';
import { transpose } from './transpose.ts';

export interface FlipAttributes extends Attributes {
  readonly axes: readonly number[];
}

/** Settings of rot90. */
export interface Rot90Options {
  /** Quarter turns from the first axis towards the second; negative turns back. Default 1. */
  k?: number;
  /** The plane that is turned. Default [0, 1]. */
  axes?: readonly [number, number];
}

/** x of any dtype → y: the order along each of `axes` reversed. */
export const flipOperator: Operator<FlipAttributes> = {
  name: 'flip',
  inputs: ['x'],
  outputs: ['y'],
  layout: 'any',
  channelsLast: ({ axes }) => ({ axes: axes.map(channelsLastAxis) }),
  infer([xSpec], { axes }) {
    const x = need(xSpec);
    checkSamplesStay('flip', 'x', x, axes);
    return [x];
  },
  gradient({ gradients, attributes }) {
    return [apply(flipOperator, [need(gradients[0])], attributes)];
  },
};

/**
 * The order along some axes reversed.
 *
 * @param x of any dtype and shape
 * @param axes an axis or several; negative ones count from the end; default: all
 * @throws ERR_ARGUMENT for an axis that does not exist or occurs twice, ERR_SHAPE for the batch
 */
export function flip<X extends Operand>(x: X, axes?: number | readonly number[]): Result<X> {
  checkOperand('flip', 'x', x);
  if (typeof axes === 'object' && !Array.isArray(axes)) {
    throw argumentError('flip', 'axes to be an axis or a list of them, as in flip(x, [0]),', axes);
  }
  const flipped =
    axes === undefined
      ? x.shape.map((_, axis) => axis)
      : checkAxes('flip', 'axes', axes, x.shape.length);
  return apply<X, FlipAttributes>(flipOperator, [x], { axes: flipped });
}

/**
 * A plane turned by quarters, as NumPy's rot90: with k = 1 and axes [0, 1], what stood in the last
 * column comes to stand in the first row.
 *
 * @param x of any dtype, rank 2 or more
 * @throws ERR_SHAPE for rank 0 or 1, ERR_ARGUMENT for an option out of range
 */
export function rot90<X extends Operand>(x: X, options: Rot90Options = {}): Result<X> {
  checkOperand('rot90', 'x', x);
  checkOptions('rot90', options, ['k', 'axes']);
  const { k = 1, axes = [0, 1] } = options;
  const rank = x.shape.length;
  if (rank < 2) throw shapeError('rot90', `x ${formatShape(x.shape)} has no plane to turn`);
  const most = Number.MAX_SAFE_INTEGER;
  const turns = ((checkInteger('rot90', 'k', k, -most, most) % 4) + 4) % 4;
  const plane = checkAxes('rot90', 'axes', axes, rank);
  if (plane.length !== 2) throw argumentError('rot90', 'axes to be two axes', axes);
  checkSamplesStay('rot90', 'x', x, plane);
  const [a, b] = plane as [number, number];
  if (turns === 0) return flip(x, []);
  if (turns === 2) return flip(x, [a, b]);
  const order = x.shape.map((_, axis) => (axis === a ? b : axis === b ? a : axis));
  return turns === 1
    ? (transpose(flip(x, b) as Operand, order) as Result<X>)
    : (flip(transpose(x, order) as Operand, b) as Result<X>);
}
