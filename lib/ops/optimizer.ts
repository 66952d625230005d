import { shapeError } from '../errors.ts';
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
  type Result,
  type Spec,
} from './operator.ts';

export interface SgdAttributes extends Attributes {
  readonly momentum: number;
  readonly dampening: number;
  readonly weightDecay: number;
  readonly nesterov: boolean;
}

export interface AdamAttributes extends Attributes {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Decay the parameter itself (AdamW) instead of adding to its gradient. */
  readonly decoupled: boolean;
}

function checkScalar(where: string, name: string, spec: Spec): void {
  if (spec.dtype !== 'float64' || spec.shape.length !== 0) {
    throw shapeError(
      where,
      `${name} must be float64 () but is ${spec.dtype} ${formatShape(spec.shape)}`,
    );
  }
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

/**
 * A step of stochastic gradient descent (PyTorch's SGD, but for dampening, which counts from the
 * first step on): g ← gradient + weightDecay·p;
 * v ← momentum·v + (1 − dampening)·g; p ← p − learningRate·(nesterov ? g + momentum·v : v), with
 * g in place of v when there is no velocity.
 *
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
): Result<T | S>[] {
  const inputs = [parameter, gradient, velocity, learningRate];
  return applyAll(sgdUpdateOperator, inputs, attributes) as Result<T | S>[];
}

/**
 * A step of Adam (Kingma and Ba 2015, with PyTorch's placement of ε): m ← β₁m + (1−β₁)g;
 * v ← β₂v + (1−β₂)g²; p ← p − learningRate/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
 *
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
): Result<T | S>[] {
  const inputs = [parameter, gradient, m, v, step, learningRate];
  return applyAll(adamUpdateOperator, inputs, attributes) as Result<T | S>[];
}
