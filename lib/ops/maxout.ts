import { argumentError, checkOptions } from '../errors.ts';
import { checkAxis, checkInteger, formatShape } from '../shape.ts';
import { max } from './extremum.ts';
import { checkFloats, checkOperand, type Operand, type Result } from './operator.ts';
import { withShape } from './reshape.ts';

/** Settings of `maxout`. */
export interface MaxoutOptions {
  /** How many neighbours compete; divides the size of the axis. */
  pieces: number;
  /** Default 1; negative ones count from the end. */
  axis?: number;
}

/**
 * The largest of every `pieces` neighbours along an axis (Goodfellow et al. 2013), whose size it
 * divides: channels 0 … pieces − 1 give channel 0. Equal neighbours share the gradient.
 *
 * @param x float32 or float64
 * @throws ERR_ARGUMENT when `pieces` does not divide the size, or x has no such axis
 */
export function maxout<X extends Operand>(x: X, options: MaxoutOptions): Result<X> {
  checkOperand('maxout', 'x', x);
  checkFloats('maxout', { x });
  checkOptions('maxout', options, ['pieces', 'axis']);
  const axis = checkAxis('maxout', 'axis', options.axis ?? 1, x.shape.length);
  const pieces = checkInteger('maxout', 'pieces', options.pieces, 1);
  const size = x.shape[axis] as number;
  if (size % pieces !== 0) {
    throw argumentError(
      'maxout',
      `pieces to divide the ${size} values along axis ${axis} of x ${formatShape(x.shape)}`,
      pieces,
    );
  }
  const shape = [...x.shape.slice(0, axis), size / pieces, pieces, ...x.shape.slice(axis + 1)];
  return max(withShape(x, shape) as X, { axis: axis + 1 });
}
