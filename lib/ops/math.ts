import { checkOptions } from '../errors.ts';
import { div, mul, sub } from './binary.ts';
import type { NoAttributes } from './broadcast.ts';
import { type Attributes, apply, type Operand, type Operator, type Result } from './operator.ts';
import { checkNumber, unaryGradientOperator, unaryOperator } from './unary.ts';

const negOperator: Operator<NoAttributes> = unaryOperator('neg', ({ dy }) =>
  apply(negOperator, [dy], {}),
);

const absOperator = unaryOperator('abs', ({ dy, x }) => apply(absGradientOperator, [dy, x], {}));
/** dx = dy · sign(x): 0 at 0. */
const absGradientOperator = unaryGradientOperator('absGradient', 'x', 'flat');

const squareOperator = unaryOperator('square', ({ dy, x }) => mul(dy, mul(x, 2)));

const sqrtOperator = unaryOperator('sqrt', ({ dy, y }) => div(dy, mul(y, 2)));

const expOperator = unaryOperator('exp', ({ dy, y }) => mul(dy, y));

const logOperator = unaryOperator('log', ({ dy, x }) => div(dy, x));

const sinOperator = unaryOperator('sin', ({ dy, x }) => mul(dy, cos(x)));

const cosOperator = unaryOperator('cos', ({ dy, x }) => neg(mul(dy, sin(x))));

const erfOperator = unaryOperator('erf', ({ dy, x }) =>
  mul(dy, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI))),
);

const tanhOperator = unaryOperator('tanh', ({ dy, y }) => apply(tanhGradientOperator, [dy, y], {}));
/** dx = dy · (1 − y²). */
const tanhGradientOperator = unaryGradientOperator('tanhGradient', 'y', ({ product, saved: y }) =>
  mul(product, mul(y, -2)),
);

const sigmoidOperator = unaryOperator('sigmoid', ({ dy, y }) =>
  apply(sigmoidGradientOperator, [dy, y], {}),
);
/** dx = dy · y · (1 − y). */
const sigmoidGradientOperator = unaryGradientOperator(
  'sigmoidGradient',
  'y',
  ({ product, saved: y }) => mul(product, sub(1, mul(y, 2))),
);

export interface ClipAttributes extends Attributes {
  readonly min: number;
  readonly max: number;
}

const clipOperator: Operator<ClipAttributes> = unaryOperator('clip', ({ dy, x, attributes }) =>
  apply(clipGradientOperator, [dy, x], attributes),
);
/** dx = dy where min ≤ x ≤ max, else 0. */
export const clipGradientOperator = unaryGradientOperator<ClipAttributes>(
  'clipGradient',
  'x',
  'flat',
);

export const mathOperators = [
  negOperator,
  absOperator,
  absGradientOperator,
  squareOperator,
  sqrtOperator,
  expOperator,
  logOperator,
  sinOperator,
  cosOperator,
  erfOperator,
  tanhOperator,
  tanhGradientOperator,
  sigmoidOperator,
  sigmoidGradientOperator,
  clipOperator,
  clipGradientOperator,
] as const;

/**
 * −x.
 * @param x float32 or float64, of any shape
 */
export function neg<X extends Operand>(x: X): Result<X> {
  return apply(negOperator, [x], {});
}

/**
 * |x|; its gradient at 0 is 0.
 * @param x float32 or float64, of any shape
 */
export function abs<X extends Operand>(x: X): Result<X> {
  return apply(absOperator, [x], {});
}

/**
 * x².
 * @param x float32 or float64, of any shape
 */
export function square<X extends Operand>(x: X): Result<X> {
  return apply(squareOperator, [x], {});
}

/**
 * √x; NaN below 0.
 * @param x float32 or float64, of any shape
 */
export function sqrt<X extends Operand>(x: X): Result<X> {
  return apply(sqrtOperator, [x], {});
}

/**
 * eˣ, within 2 ULP.
 * @param x float32 or float64, of any shape
 */
export function exp<X extends Operand>(x: X): Result<X> {
  return apply(expOperator, [x], {});
}

/**
 * The natural logarithm, within 2 ULP: −∞ at 0, NaN below.
 * @param x float32 or float64, of any shape
 */
export function log<X extends Operand>(x: X): Result<X> {
  return apply(logOperator, [x], {});
}

/**
 * sin x of radians, within 2 ULP; arguments beyond 3200 (float64: 1.6 million) are slower.
 * @param x float32 or float64, of any shape
 */
export function sin<X extends Operand>(x: X): Result<X> {
  return apply(sinOperator, [x], {});
}

/**
 * cos x of radians, as `sin`.
 * @param x float32 or float64, of any shape
 */
export function cos<X extends Operand>(x: X): Result<X> {
  return apply(cosOperator, [x], {});
}

/**
 * The hyperbolic tangent, within 2 ULP.
 * @param x float32 or float64, of any shape
 */
export function tanh<X extends Operand>(x: X): Result<X> {
  return apply(tanhOperator, [x], {});
}

/**
 * The error function 2/√π · ∫₀ˣ e^(−t²) dt, within 2 ULP.
 * @param x float32 or float64, of any shape
 */
export function erf<X extends Operand>(x: X): Result<X> {
  return apply(erfOperator, [x], {});
}

/**
 * The logistic function 1 / (1 + e⁻ˣ), within 2 ULP.
 * @param x float32 or float64, of any shape
 */
export function sigmoid<X extends Operand>(x: X): Result<X> {
  return apply(sigmoidOperator, [x], {});
}

/** Settings of `clip`. */
export interface ClipOptions {
  /** Default −∞. */
  min?: number;
  /** Default ∞. */
  max?: number;
}

/**
 * x, but `min` where it is below and `max` where it is above; NaN stays. The gradient is 1 from min
 * to max, both included, and 0 beyond.
 * @param x float32 or float64, of any shape
 * @throws ERR_ARGUMENT when min > max or one is NaN
 */
export function clip<X extends Operand>(x: X, options: ClipOptions = {}): Result<X> {
  checkOptions('clip', options, ['min', 'max']);
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = options;
  checkNumber('clip', 'min', min, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  checkNumber('clip', 'max', max, min, Number.POSITIVE_INFINITY);
  return apply(clipOperator, [x], { min, max });
}
