import { argumentError, checkBoolean, checkOptions, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import {
  type Attributes,
  applyAll,
  checkFloats,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type ResultLike,
  type Spec,
} from './operator.ts';

/** Settings of `sgdUpdate`. */
export interface SgdAttributes extends Attributes {
  /** Share of the velocity that is kept, 0 or more; 0: there is no velocity. */
  readonly momentum: number;
  /** Share of the gradient that the velocity is spared. */
  readonly dampening: number;
  /** Factor of the parameter that is added to its gradient. */
  readonly weightDecay: number;
  /** Look ahead along the velocity (Sutskever et al. 2013). */
  readonly nesterov: boolean;
}

/** Settings of `adamUpdate`. */
export interface AdamAttributes extends Attributes {
  /** Decay of the mean gradient m. */
  readonly beta1: number;
  /** Decay of the mean v of the squared gradient. */
  readonly beta2: number;
  /** Added to the root of v. */
  readonly epsilon: number;
  /** Factor of the parameter that is added to its gradient. */
  readonly weightDecay: number;
  /** Decay the parameter itself (AdamW) instead of adding to its gradient. */
  readonly decoupled: boolean;
}

/** Settings of `rmspropUpdate`. */
export interface RmspropAttributes extends Attributes {
  /** Decay of the mean of the squared gradient. */
  readonly alpha: number;
  /** Added to the root. */
  readonly epsilon: number;
  /** Share of the velocity that is kept, 0 or more; 0: there is no velocity. */
  readonly momentum: number;
  /** Factor of the parameter that is added to its gradient. */
  readonly weightDecay: number;
  /** Divide by the deviation of the gradient instead of its root mean square. */
  readonly centered: boolean;
}

/** Settings of `adagradUpdate`. */
export interface AdagradAttributes extends Attributes {
  /** Of the rate, by the number of the step. */
  readonly learningRateDecay: number;
  /** Added to the root. */
  readonly epsilon: number;
  /** Factor of the parameter that is added to its gradient. */
  readonly weightDecay: number;
}

function checkScalar(where: string, name: string, spec: Spec): void {
  if (spec.dtype !== 'float64' || spec.shape.length !== 0) {
    throw shapeError(
      where,
      `${name} must be float64 () but is ${spec.dtype} ${formatShape(spec.shape)}`,
    );
  }
}

/** What a setting may be: true or false, or a number within both ends. */
type Allowed = 'flag' | readonly [low: number, high: number];

const positive = [0, Number.MAX_VALUE] as const;

/** The settings, if each is there and what it may be; else throws ERR_ARGUMENT. */
function checkSettings<A extends Attributes>(
  where: string,
  settings: A,
  allowed: Readonly<Record<string, Allowed>>,
): A {
  checkOptions(where, settings, Object.keys(allowed));
  for (const [name, range] of Object.entries(allowed)) {
    const value = settings[name];
    if (range === 'flag') {
      checkBoolean(where, name, value);
      continue;
    }
    const [low, high] = range;
    if (typeof value !== 'number' || !(value >= low && value <= high)) {
      const above = high === Number.MAX_VALUE ? '' : ` to ${high}`;
      throw argumentError(where, `${name} to be a number from ${low}${above}`, value);
    }
  }
  return settings;
}

function checkMoments(
  where: string,
  moments: Readonly<Record<string, Spec | null>>,
  like: Spec,
): void {
  checkFloats(where, { parameter: like, ...moments });
  for (const [name, spec] of Object.entries(moments)) {
    if (spec) checkSameShape(where, [name, 'parameter'], spec, like);
  }
}

/** One step of SGD: parameter, gradient, velocity?, learningRate () → parameter', velocity'. */
export const sgdUpdateOperator: Operator<SgdAttributes> = {
  name: 'sgdUpdate',
  inputs: ['parameter', 'gradient', 'velocity?', 'learningRate'],
  outputs: ['parameter', 'velocity?'],
  inPlace: [
    [0, 0],
    [1, 2],
  ],
  infer([parameter, gradient, velocity, learningRate]) {
    const p = need(parameter);
    checkMoments('sgdUpdate', { gradient: need(gradient), velocity: velocity ?? null }, p);
    checkScalar('sgdUpdate', 'learningRate', need(learningRate));
    const out = makeSpec(p.shape, p.dtype, false);
    return velocity ? [out, out] : [out];
  },
};

/** One step of Adam: parameter, gradient, m, v, step (), learningRate () → parameter', m', v'. */
export const adamUpdateOperator: Operator<AdamAttributes> = {
  name: 'adamUpdate',
  inputs: ['parameter', 'gradient', 'm', 'v', 'step', 'learningRate'],
  outputs: ['parameter', 'm', 'v'],
  inPlace: [
    [0, 0],
    [1, 2],
    [2, 3],
  ],
  infer([parameter, gradient, m, v, step, learningRate]) {
    const p = need(parameter);
    checkMoments('adamUpdate', { gradient: need(gradient), m: need(m), v: need(v) }, p);
    checkScalar('adamUpdate', 'step', need(step));
    checkScalar('adamUpdate', 'learningRate', need(learningRate));
    const out = makeSpec(p.shape, p.dtype, false);
    return [out, out, out];
  },
};

/** What RMSprop keeps for each parameter, in its order. */
export function rmspropMoments({
  centered,
  momentum,
}: Pick<RmspropAttributes, 'centered' | 'momentum'>): string[] {
  return [
    'squareAverage',
    ...(centered ? ['gradientAverage'] : []),
    ...(momentum === 0 ? [] : ['velocity']),
  ];
}

/**
 * One step of RMSprop: parameter, gradient, learningRate (), moments → parameter', moments'. The
 * moments are squareAverage, then gradientAverage if centered, then velocity if momentum is not 0.
 */
export const rmspropUpdateOperator: Operator<RmspropAttributes> = {
  name: 'rmspropUpdate',
  inputs: ['parameter', 'gradient', 'learningRate', 'moments…'],
  outputs: ['parameter', 'squareAverage', 'moment?', 'moment?'],
  inPlace: [
    [0, 0],
    [1, 3],
    [2, 4],
    [3, 5],
  ],
  infer([parameter, gradient, learningRate, ...moments], attributes) {
    const p = need(parameter);
    const names = rmspropMoments(attributes);
    if (moments.length !== names.length) {
      throw argumentError('rmspropUpdate', `the moments ${names.join(', ')}`, moments.length);
    }
    const named = Object.fromEntries(names.map((name, i) => [name, need(moments[i])]));
    checkMoments('rmspropUpdate', { gradient: need(gradient), ...named }, p);
    checkScalar('rmspropUpdate', 'learningRate', need(learningRate));
    const out = makeSpec(p.shape, p.dtype, false);
    return [out, ...names.map(() => out)];
  },
};

/** One step of Adagrad: parameter, gradient, sum, step (), learningRate () → parameter', sum'. */
export const adagradUpdateOperator: Operator<AdagradAttributes> = {
  name: 'adagradUpdate',
  inputs: ['parameter', 'gradient', 'sum', 'step', 'learningRate'],
  outputs: ['parameter', 'sum'],
  inPlace: [
    [0, 0],
    [1, 2],
  ],
  infer([parameter, gradient, sum, step, learningRate]) {
    const p = need(parameter);
    checkMoments('adagradUpdate', { gradient: need(gradient), sum: need(sum) }, p);
    checkScalar('adagradUpdate', 'step', need(step));
    checkScalar('adagradUpdate', 'learningRate', need(learningRate));
    const out = makeSpec(p.shape, p.dtype, false);
    return [out, out];
  },
};

/**
 * A step of stochastic gradient descent (PyTorch's SGD, but for dampening, which counts from the
 * first step on): g ← gradient + weightDecay·p;
 * v ← momentum·v + (1 − dampening)·g; p ← p − learningRate·(nesterov ? g + momentum·v : v), with
 * g in place of v when there is no velocity.
 *
 * @param parameter float32 or float64, of any shape
 * @param gradient of the parameter's shape and dtype
 * @param velocity null for momentum 0
 * @param learningRate float64 ()
 * @returns [parameter', velocity'], or [parameter'] without velocity
 */
export function sgdUpdate<T extends Operand, S extends Operand>(
  parameter: T,
  gradient: T,
  velocity: T | null,
  learningRate: S,
  attributes: SgdAttributes,
): ResultLike<T, T | S>[] {
  const settings = checkSettings('sgdUpdate', attributes, {
    momentum: positive,
    dampening: positive,
    weightDecay: positive,
    nesterov: 'flag',
  });
  const inputs = [parameter, gradient, velocity, learningRate];
  return applyAll(sgdUpdateOperator, inputs, settings) as ResultLike<T, T | S>[];
}

/**
 * A step of Adam (Kingma and Ba 2015, with PyTorch's placement of ε): m ← β₁m + (1−β₁)g;
 * v ← β₂v + (1−β₂)g²; p ← p − learningRate/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
 *
 * @param parameter float32 or float64, of any shape
 * @param gradient of the parameter's shape and dtype
 * @param m of the parameter's shape and dtype; 0 before the first step
 * @param v of the parameter's shape and dtype; 0 before the first step
 * @param step float64 (): t, 1 for the first step
 * @param learningRate float64 ()
 * @returns [parameter', m', v']
 */
export function adamUpdate<T extends Operand, S extends Operand>(
  parameter: T,
  gradient: T,
  m: T,
  v: T,
  step: S,
  learningRate: S,
  attributes: AdamAttributes,
): ResultLike<T, T | S>[] {
  const settings = checkSettings('adamUpdate', attributes, {
    beta1: [0, 1],
    beta2: [0, 1],
    epsilon: positive,
    weightDecay: positive,
    decoupled: 'flag',
  });
  const inputs = [parameter, gradient, m, v, step, learningRate];
  return applyAll(adamUpdateOperator, inputs, settings) as ResultLike<T, T | S>[];
}

/**
 * A step of RMSprop (Tieleman and Hinton 2012, as PyTorch's RMSprop): g ← gradient + weightDecay·p;
 * s ← α·s + (1−α)·g²; d = √s + ε, or with the mean gradient a ← α·a + (1−α)·g (centered)
 * d = √(s − a²) + ε; p ← p − learningRate·g/d, or with v ← momentum·v + g/d
 * p ← p − learningRate·v.
 *
 * @param parameter float32 or float64, of any shape
 * @param gradient of the parameter's shape and dtype
 * @param learningRate float64 ()
 * @param moments s, then a if centered, then v if momentum is not 0 (`rmspropMoments`)
 * @returns [parameter', …moments']
 */
export function rmspropUpdate<T extends Operand, S extends Operand>(
  parameter: T,
  gradient: T,
  learningRate: S,
  moments: readonly T[],
  attributes: RmspropAttributes,
): ResultLike<T, T | S>[] {
  const settings = checkSettings('rmspropUpdate', attributes, {
    alpha: [0, 1],
    epsilon: positive,
    momentum: positive,
    weightDecay: positive,
    centered: 'flag',
  });
  const inputs = [parameter, gradient, learningRate, ...moments];
  return applyAll(rmspropUpdateOperator, inputs, settings) as ResultLike<T, T | S>[];
}

/**
 * A step of Adagrad (Duchi, Hazan and Singer 2011, as PyTorch's Adagrad):
 * g ← gradient + weightDecay·p; s ← s + g²;
 * p ← p − learningRate/(1 + (t−1)·learningRateDecay) · g/(√s + ε).
 *
 * @param parameter float32 or float64, of any shape
 * @param gradient of the parameter's shape and dtype
 * @param sum of the parameter's shape and dtype; 0 before the first step, or more
 * @param step float64 (): t, 1 for the first step
 * @param learningRate float64 ()
 * @returns [parameter', sum']
 */
export function adagradUpdate<T extends Operand, S extends Operand>(
  parameter: T,
  gradient: T,
  sum: T,
  step: S,
  learningRate: S,
  attributes: AdagradAttributes,
): ResultLike<T, T | S>[] {
  const settings = checkSettings('adagradUpdate', attributes, {
    learningRateDecay: positive,
    epsilon: positive,
    weightDecay: positive,
  });
  const inputs = [parameter, gradient, sum, step, learningRate];
  return applyAll(adagradUpdateOperator, inputs, settings) as ResultLike<T, T | S>[];
}
