import { shapeError } from '../errors.ts';
import { elementCount, formatShape } from '../shape.ts';
import { binaryOperator, minimum, mul } from './binary.ts';
import { sumTo } from './broadcast.ts';
import { less } from './comparison.ts';
import { apply, checkOperand, type Operand, type Result } from './operator.ts';
import { withShape } from './reshape.ts';
import { where } from './where.ts';

/** x, slope that broadcast → x where x ≥ 0, else slope · x. */
const preluOperator = binaryOperator(
  'prelu',
  [
    ({ dy, a: x, b: slope }) => sumTo(mul(dy, apply(preluSlopeOperator, [x, slope], {})), x),
    ({ dy, a: x, b: slope }) => sumTo(mul(dy, minimum(x, 0)), slope),
  ],
  ['x', 'slope'],
);

/** x, slope → the derivative of prelu: 1 where x > 0, else the slope. */
const preluSlopeOperator = binaryOperator(
  'preluSlope',
  [null, ({ dy, a: x, b: slope }) => sumTo(where(less(0, x), 0, dy), slope)],
  ['x', 'slope'],
);

export const preluOperators = [preluOperator, preluSlopeOperator] as const;

/**
 * The rectified linear unit with a learned slope below 0 (He et al. 2015): x where x ≥ 0, else
 * slope · x. The gradient at 0 is the slope below.
 *
 * @param x float32 or float64, of any shape with an axis 1 where there is a slope a channel
 * @param slope (1), or one a channel: (C), C the size of axis 1
 * @throws ERR_SHAPE for a slope of another shape; ERR_DTYPE when dtypes mix
 */
export function prelu<X extends Operand, S extends Operand>(x: X, slope: S): Result<X | S> {
  checkOperand('prelu', 'x', x);
  checkOperand('prelu', 'slope', slope);
  const channels = x.shape[1] ?? 1;
  const size = elementCount(slope.shape);
  if (slope.shape.length !== 1 || (size !== 1 && size !== channels)) {
    throw shapeError(
      'prelu',
      `slope ${formatShape(slope.shape)} must have shape (1) or (${channels}), a value a channel of x ${formatShape(x.shape)}`,
    );
  }
  const shape = x.shape.map((_, axis) => (axis === 1 ? size : 1));
  return apply<X | S, Readonly<Record<string, never>>>(
    preluOperator,
    [x, withShape(slope as Operand, shape.length < 2 ? [] : shape) as X | S],
    {},
  );
}
