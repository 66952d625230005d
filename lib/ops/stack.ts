import { argumentError, checkOptions, shapeError, within } from '../errors.ts';
import { checkAxes, checkAxis, formatShape, sameShape } from '../shape.ts';
import { concat } from './concat.ts';
import {
  checkOperand,
  checkSamplesStay,
  isBatched,
  need,
  type Operand,
  type Result,
} from './operator.ts';
import { reshape } from './reshape.ts';

/** Settings of unsqueeze. */
export interface UnsqueezeOptions {
  /** Where the axis of size 1 comes to be in the result; negative counts from its end. */
  axis: number;
}

/** Settings of squeeze. */
export interface SqueezeOptions {
  /** An axis of size 1 or several; default: all but that of the batch. */
  axis?: number | readonly number[];
}

/** Settings of stack. */
export interface StackOptions {
  /** Where the new axis comes to be in the result; negative counts from its end. Default 0. */
  axis?: number;
}

function withAxis<X extends Operand>(where: string, name: string, x: X, axis: number): Result<X> {
  if (axis === 0) checkSamplesStay(where, name, x, [0]);
  return within(where, () => reshape(x, x.shape.toSpliced(axis, 0, 1)));
}

/**
 * The same elements with one more axis, of size 1.
 * @param x of any dtype and shape
 * @throws ERR_ARGUMENT for an axis that the result does not have; ERR_SHAPE for one before the batch
 */
export function unsqueeze<X extends Operand>(x: X, options: UnsqueezeOptions): Result<X> {
  checkOperand('unsqueeze', 'x', x);
  checkOptions('unsqueeze', options, ['axis']);
  return withAxis(
    'unsqueeze',
    'x',
    x,
    checkAxis('unsqueeze', 'axis', options.axis, x.shape.length + 1),
  );
}

/**
 * The same elements without axes of size 1.
 * @param x of any dtype and shape
 * @throws ERR_ARGUMENT for an axis that does not exist or occurs twice; ERR_SHAPE for one of another
 *   size, and for the batch
 */
export function squeeze<X extends Operand>(x: X, options: SqueezeOptions = {}): Result<X> {
  checkOperand('squeeze', 'x', x);
  checkOptions('squeeze', options, ['axis']);
  const { shape } = x;
  const first = isBatched(x) ? 1 : 0;
  const axes =
    options.axis === undefined
      ? shape.flatMap((size, axis) => (size === 1 && axis >= first ? [axis] : []))
      : checkAxes('squeeze', 'axis', options.axis, shape.length);
  checkSamplesStay('squeeze', 'x', x, axes);
  for (const axis of axes) {
    if (shape[axis] === 1) continue;
    throw shapeError('squeeze', `axis ${axis} of x ${formatShape(shape)} has not the size 1`);
  }
  const rest = shape.filter((_, axis) => !axes.includes(axis));
  return within('squeeze', () => reshape(x, rest));
}

/**
 * Values of one shape along a new axis.
 *
 * @param xs at least one value; all of one dtype
 * @throws ERR_SHAPE when shapes differ, or the axis comes before the batch, ERR_DTYPE when dtypes
 *   differ, ERR_ARGUMENT when the result does not have the axis
 */
export function stack<X extends Operand>(xs: readonly X[], options: StackOptions = {}): Result<X> {
  if (!Array.isArray(xs) || xs.length === 0) {
    throw argumentError('stack', 'xs to be a list of at least one value', xs);
  }
  for (const [i, x] of xs.entries()) checkOperand('stack', `xs[${i}]`, x);
  checkOptions('stack', options, ['axis']);
  const { shape } = need(xs[0] as X | undefined);
  const axis = checkAxis('stack', 'axis', options.axis ?? 0, shape.length + 1);
  for (const [i, x] of xs.entries()) {
    if (sameShape(x.shape, shape)) continue;
    const shapes = [shape, x.shape].map(formatShape);
    throw shapeError('stack', `xs[0] ${shapes[0]} and xs[${i}] ${shapes[1]} must have one shape`);
  }
  const parts = xs.map((x, i): Operand => withAxis('stack', `xs[${i}]`, x, axis));
  return within('stack', () => concat(parts, { axis })) as Result<X>;
}
