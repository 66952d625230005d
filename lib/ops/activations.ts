import { argumentError, checkOptions } from '../errors.ts';
import { add, mul, sub } from './binary.ts';
import { clipGradientOperator, exp, sigmoid, square, tanh } from './math.ts';
import { type Attributes, apply, type Operand, type Operator, type Result } from './operator.ts';
import { reluGradientOperator } from './relu.ts';
import { checkNumber, unaryGradientOperator, unaryOperator } from './unary.ts';

const relu6Operator = unaryOperator('relu6', ({ dy, y }) =>
  apply(relu6GradientOperator, [dy, y], {}),
);
/** dx = dy where 0 < y < 6, else 0. */
const relu6GradientOperator = unaryGradientOperator('relu6Gradient', 'y', 'flat');

export interface LeakyReluAttributes extends Attributes {
  readonly negativeSlope: number;
}

const leakyReluOperator: Operator<LeakyReluAttributes> = unaryOperator(
  'leakyRelu',
  // y has the sign of x unless the slope is negative, and y need not be kept beside it.
  ({ dy, x, y, attributes }) =>
    apply(leakyReluGradientOperator, [dy, attributes.negativeSlope < 0 ? x : y], attributes),
);
/** dx = dy where x > 0, else negativeSlope · dy. */
const leakyReluGradientOperator = unaryGradientOperator<LeakyReluAttributes>(
  'leakyReluGradient',
  'x',
  'flat',
);

export interface EluAttributes extends Attributes {
  readonly alpha: number;
}

const eluOperator: Operator<EluAttributes> = unaryOperator('elu', ({ dy, y, attributes }) =>
  apply(eluGradientOperator, [dy, y], attributes),
);
/** `value` where y ≤ 0, else 0. */
function belowZero(value: Operand, y: Operand): Operand {
  return sub(value, apply(reluGradientOperator, [value, y], {}));
}
/** dx = dy where y > 0, else dy · (y + alpha). */
const eluGradientOperator = unaryGradientOperator<EluAttributes>(
  'eluGradient',
  'y',
  ({ product, saved: y }) => belowZero(product, y),
);

const seluOperator = unaryOperator('selu', ({ dy, y }) => apply(seluGradientOperator, [dy, y], {}));
/** dx = λ·dy where y > 0, else dy · (y + λα). */
const seluGradientOperator = unaryGradientOperator('seluGradient', 'y', ({ product, saved: y }) =>
  belowZero(product, y),
);

const geluOperator = unaryOperator('gelu', ({ dy, x }) => apply(geluGradientOperator, [dy, x], {}));
/** dx = dy · (Φ(x) + x·φ(x)), φ the density of the normal distribution; φ′ = −x·φ. */
const geluGradientOperator = unaryGradientOperator('geluGradient', 'x', ({ product, saved: x }) => {
  const density = mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return mul(product, mul(density, sub(2, square(x))));
});

const geluTanhOperator = unaryOperator('geluTanh', ({ dy, x }) =>
  apply(geluTanhGradientOperator, [dy, x], {}),
);
/**
 * dx = dy · (½ + ½·t + ½·x·(1 − t²)·u′), t = tanh u, u = √(2/π) · (x + 0.044715·x³). The slope's own
 * derivative is (1 − t²) · (u′ + x·(½·u″ − t·u′²)).
 */
const geluTanhGradientOperator = unaryGradientOperator(
  'geluTanhGradient',
  'x',
  ({ product, saved: x }) => {
    const [root, cube] = [Math.sqrt(2 / Math.PI), 0.044715];
    const t = tanh(mul(add(x, mul(mul(square(x), x), cube)), root));
    const du = add(mul(square(x), 3 * root * cube), root);
    const bend = sub(mul(x, 3 * root * cube), mul(t, square(du)));
    return mul(product, mul(sub(1, square(t)), add(du, mul(x, bend))));
  },
);

export interface SoftplusAttributes extends Attributes {
  readonly beta: number;
  readonly threshold: number;
}

const softplusOperator: Operator<SoftplusAttributes> = unaryOperator(
  'softplus',
  ({ dy, x, attributes }) => apply(softplusGradientOperator, [dy, x], attributes),
);
/** dx = dy where beta·x > threshold, else dy · sigmoid(beta·x). */
const softplusGradientOperator = unaryGradientOperator<SoftplusAttributes>(
  'softplusGradient',
  'x',
  ({ product, saved: x, attributes: { beta, threshold } }) => {
    const s = sigmoid(mul(x, beta));
    const limits = { min: Number.NEGATIVE_INFINITY, max: threshold / beta };
    const below = apply(clipGradientOperator, [product, x], limits);
    return mul(below, mul(mul(s, sub(1, s)), beta));
  },
);

const mishOperator = unaryOperator('mish', ({ dy, x }) => apply(mishGradientOperator, [dy, x], {}));
/**
 * dx = dy · (t + x·s·(1 − t²)), t = tanh(softplus(x)), s = sigmoid(x). The slope's own derivative is
 * (1 − t²) · (2s + x·(s·(1 − s) − 2t·s²)).
 */
const mishGradientOperator = unaryGradientOperator('mishGradient', 'x', ({ product, saved: x }) => {
  const s = sigmoid(x);
  const t = tanh(softplus(x));
  const bend = sub(mul(s, sub(1, s)), mul(mul(t, square(s)), 2));
  return mul(product, mul(sub(1, square(t)), add(mul(s, 2), mul(x, bend))));
});

const swishOperator = unaryOperator('swish', ({ dy, x }) =>
  apply(swishGradientOperator, [dy, x], {}),
);
/** dx = dy · (s + x·s·(1 − s)), s = sigmoid(x). */
const swishGradientOperator = unaryGradientOperator(
  'swishGradient',
  'x',
  ({ product, saved: x }) => {
    const s = sigmoid(x);
    return mul(product, mul(mul(s, sub(1, s)), add(2, mul(x, sub(1, mul(s, 2))))));
  },
);

const hardSwishOperator = unaryOperator('hardSwish', ({ dy, x }) =>
  apply(hardSwishGradientOperator, [dy, x], {}),
);
/** dx = dy · (2x + 3)/6 where −3 ≤ x ≤ 3, 0 below, dy above. */
const hardSwishGradientOperator = unaryGradientOperator(
  'hardSwishGradient',
  'x',
  ({ product, saved: x }) =>
    mul(apply(clipGradientOperator, [product, x], { min: -3, max: 3 }), 1 / 3),
);

export const activationOperators = [
  relu6Operator,
  relu6GradientOperator,
  leakyReluOperator,
  leakyReluGradientOperator,
  eluOperator,
  eluGradientOperator,
  seluOperator,
  seluGradientOperator,
  geluOperator,
  geluGradientOperator,
  geluTanhOperator,
  geluTanhGradientOperator,
  softplusOperator,
  softplusGradientOperator,
  mishOperator,
  mishGradientOperator,
  swishOperator,
  swishGradientOperator,
  hardSwishOperator,
  hardSwishGradientOperator,
] as const;

/**
 * min(max(x, 0), 6). The gradient is 0 at 0 and at 6.
 * @param x float32 or float64, of any shape
 */
export function relu6<X extends Operand>(x: X): Result<X> {
  return apply(relu6Operator, [x], {});
}

/** Settings of `leakyRelu`. */
export interface LeakyReluOptions {
  /** The slope below 0; default 0.01. */
  negativeSlope?: number;
}

/**
 * x where x ≥ 0, else negativeSlope · x (Maas et al. 2013). The gradient at 0 is the slope below.
 * @param x float32 or float64, of any shape
 * @throws ERR_ARGUMENT for a slope that is not finite
 */
export function leakyRelu<X extends Operand>(x: X, options: LeakyReluOptions = {}): Result<X> {
  checkOptions('leakyRelu', options, ['negativeSlope']);
  const negativeSlope = checkNumber('leakyRelu', 'negativeSlope', options.negativeSlope ?? 0.01);
  return apply(leakyReluOperator, [x], { negativeSlope });
}

/** Settings of `elu`. */
export interface EluOptions {
  /** Minus the limit at −∞, at least 0; default 1. */
  alpha?: number;
}

/**
 * The exponential linear unit (Clevert et al. 2016): x where x ≥ 0, else alpha · (eˣ − 1).
 * @param x float32 or float64, of any shape
 * @throws ERR_ARGUMENT for an alpha that is negative or not finite
 */
export function elu<X extends Operand>(x: X, options: EluOptions = {}): Result<X> {
  checkOptions('elu', options, ['alpha']);
  const alpha = checkNumber('elu', 'alpha', options.alpha ?? 1, 0);
  return apply(eluOperator, [x], { alpha });
}

/**
 * The scaled exponential linear unit (Klambauer et al. 2017): λ · elu(x, α) with λ = 1.0507… and
 * α = 1.6733…, which keep mean 0 and variance 1 of independent activations.
 * @param x float32 or float64, of any shape
 */
export function selu<X extends Operand>(x: X): Result<X> {
  return apply(seluOperator, [x], {});
}

/** Settings of `gelu`. */
export interface GeluOptions {
  /** 'none': by the error function; 'tanh': by a faster formula within 5e-4 of it. Default 'none'. */
  approximate?: 'none' | 'tanh';
}

/**
 * The Gaussian error linear unit (Hendrycks and Gimpel 2016): x · Φ(x), Φ(x) = ½ · (1 + erf(x/√2));
 * approximated: ½ · x · (1 + tanh(√(2/π) · (x + 0.044715·x³))).
 * @param x float32 or float64, of any shape
 * @throws ERR_ARGUMENT for another approximation
 */
export function gelu<X extends Operand>(x: X, options: GeluOptions = {}): Result<X> {
  checkOptions('gelu', options, ['approximate']);
  const { approximate = 'none' } = options;
  if (approximate === 'none') return apply(geluOperator, [x], {});
  if (approximate === 'tanh') return apply(geluTanhOperator, [x], {});
  throw argumentError('gelu', "approximate to be 'none' or 'tanh'", approximate);
}

/** Settings of `softplus`. */
export interface SoftplusOptions {
  /** Sharpness, above 0; default 1. */
  beta?: number;
  /** Where beta · x is above it the result is x; default 20. */
  threshold?: number;
}

/**
 * log(1 + e^(beta·x)) / beta, a smooth relu.
 * @param x float32 or float64, of any shape
 * @throws ERR_ARGUMENT for a beta that is not above 0 or a threshold that is no number
 */
export function softplus<X extends Operand>(x: X, options: SoftplusOptions = {}): Result<X> {
  checkOptions('softplus', options, ['beta', 'threshold']);
  const { beta = 1, threshold = 20 } = options;
  checkNumber('softplus', 'beta', beta, 2 ** -1022);
  checkNumber(
    'softplus',
    'threshold',
    threshold,
    Number.NEGATIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  );
  return apply(softplusOperator, [x], { beta, threshold });
}

/**
 * x · tanh(log(1 + eˣ)) (Misra 2019).
 * @param x float32 or float64, of any shape
 */
export function mish<X extends Operand>(x: X): Result<X> {
  return apply(mishOperator, [x], {});
}

/**
 * x · sigmoid(x), also known as SiLU (Ramachandran et al. 2017).
 * @param x float32 or float64, of any shape
 */
export function swish<X extends Operand>(x: X): Result<X> {
  return apply(swishOperator, [x], {});
}

/**
 * x · min(max(x + 3, 0), 6) / 6, swish in straight lines (Howard et al. 2019).
 * @param x float32 or float64, of any shape
 */
export function hardSwish<X extends Operand>(x: X): Result<X> {
  return apply(hardSwishOperator, [x], {});
}
