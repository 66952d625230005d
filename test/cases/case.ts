import type { ErrorCode } from '../../lib/errors.ts';

import type { Attributes } from '../../lib/ops/operator.ts';
import type * as operatorFunctions from '../../lib/ops/public.ts';
import { elementCount } from '../../lib/shape.ts';
import { type DType, type FloatDType, type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import { Random } from '../support/random.ts';

/** What an input is made from: the dtype under test, seeded numbers, the inputs before it. */
export interface Making {
  readonly dtype: FloatDType;
  readonly random: Random;
  readonly inputs: readonly (Tensor | null)[];
}

export type Input = (making: Making) => Tensor | null;

/**
 * How far a result may be from the reference, which runs in float64 on the same values. u is half
 * the spacing of numbers at 1: 2⁻²⁴ or 2⁻⁵³.
 */
export type ErrorModel =
  /** Bit for bit what the reference gives in the dtype itself. */
  | { readonly kind: 'exact' }
  /**
   * |e| ≤ 4·√K·u·S + u·|y| + K·2⁻¹²⁶ with K the number of terms and S the reference on absolute
   * values (of the inputs in `absolute`, by default all): Ipsen and Zhou 2019 for any order.
   */
  | { readonly kind: 'dot'; readonly terms: number; readonly absolute?: readonly number[] }
  /** |e| ≤ ulps · 2u·|y|. */
  | { readonly kind: 'ulp'; readonly ulps: number }
  /** A bound for every element of every output, derived from the float64 values. */
  | {
      readonly kind: 'composed';
      readonly derivation: string;
      readonly bounds: (
        inputs: readonly (Tensor | null)[],
        outputs: readonly Tensor[],
        u: number,
        attributes: Attributes,
      ) => readonly ArrayLike<number>[];
    };

/** Gradients that central differences in float64 confirm. */
export interface GradientClaim {
  /** The inputs whose gradient is checked. */
  readonly inputs: readonly number[];
  /** The most that |analytic − numeric| / max(1, |analytic|, |numeric|) may be. */
  readonly tolerance: number;
  /** The outputs that have a gradient; default: all floating ones. */
  readonly outputs?: readonly number[];
}

/** One call of an operator and what must hold for it. */
export interface Case {
  readonly operator: string;
  readonly title: string;
  readonly seed: number;
  readonly inputs: readonly Input[];
  readonly attributes: Attributes | ((dtype: FloatDType) => Attributes);
  readonly model: ErrorModel;
  readonly gradient?: GradientClaim;
  /** Inputs that hold a sample a row, when each output's row depends on its sample alone. */
  readonly perSample?: readonly number[];
}

/** The public operators. */
export type Functions = typeof operatorFunctions;

/** A call that must be refused by its shapes, dtypes or options. */
export interface WrongCall {
  readonly operator: string;
  readonly title: string;
  readonly call: (ops: Functions) => unknown;
  readonly code: ErrorCode;
  /** What the message must hold: the operator, the shapes. */
  readonly message: readonly string[];
}

/** A call whose data must be refused when it runs, by every backend. */
export interface WrongData {
  readonly operator: string;
  readonly title: string;
  readonly inputs: readonly Input[];
  readonly attributes: Attributes;
  readonly code: ErrorCode;
  readonly message: readonly string[];
}

/** The cases of a family of operators. */
export interface Family {
  readonly cases: readonly Case[];
  readonly wrongCalls: readonly WrongCall[];
  readonly wrongData: readonly WrongData[];
}

/** The inputs of a case in a dtype; the same on every call. */
export function makeInputs(
  { inputs, seed }: { inputs: readonly Input[]; seed: number },
  dtype: FloatDType,
): (Tensor | null)[] {
  const random = new Random(seed);
  const made: (Tensor | null)[] = [];
  for (const input of inputs) made.push(input({ dtype, random, inputs: made }));
  return made;
}

/** The attributes of a case in a dtype. */
export function attributesOf({ attributes }: Case, dtype: FloatDType): Attributes {
  return typeof attributes === 'function' ? attributes(dtype) : attributes;
}

function filled(shape: readonly number[], dtype: DType, value: (i: number) => number): Tensor {
  const result = zeros(shape, dtype);
  for (let i = 0; i < result.size; i++) result.data[i] = value(i);
  return result;
}

/** No operand. */
export const absent: Input = () => null;

/** Random integers, both ends included. */
export function integers(shape: readonly number[], low = -32, high = 32): Input {
  return ({ dtype, random }) => filled(shape, dtype, () => random.integer(low, high));
}

/** Random numbers in [low, high). */
export function uniform(shape: readonly number[], low = -1, high = 1): Input {
  return ({ dtype, random }) => filled(shape, dtype, () => random.uniform(low, high));
}

/**
 * Distinct numbers in [−1, 1], a step of 2/size apart and none nearer to 0 than half a step: away
 * from the kinks of maxima and of |x|.
 */
export function spread(shape: readonly number[]): Input {
  return ({ dtype, random }) => {
    const size = elementCount(shape);
    const order = random.permutation(size);
    return filled(
      shape,
      dtype,
      (i) => (2 * (order[i] as number) + 1 - (size % 2 ? 0.5 : 0)) / size - 1,
    );
  };
}

/** Class numbers or indices below `count`. */
export function indices(size: number, count: number, dtype: 'int32' | 'uint8' = 'int32'): Input {
  return ({ random }) => filled([size], dtype, () => random.integer(0, count - 1));
}

/** Random integers of an integer dtype. */
export function bytes(shape: readonly number[], dtype: 'int32' | 'uint8' = 'uint8'): Input {
  return ({ random }) => filled(shape, dtype, () => random.integer(0, 255));
}

/** These values, in the dtype under test unless another is named. */
export function literal(values: readonly number[], shape: readonly number[], dtype?: DType): Input {
  return (making) => tensor(values, shape, dtype ?? making.dtype);
}

/** A float64 scalar: a learning rate, a step number. */
export function scalar64(value: number): Input {
  return () => tensor(value, [], 'float64');
}

/** "2x1x5x5", for titles. */
export function sizes(shape: readonly number[]): string {
  return shape.join('x');
}

/** Lengths around the widths of vectors. */
export const lengths = [
  1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 67,
] as const;

const caseFactor = Number(process.env.STRIDENET_CASES ?? 1);

/**
 * Seeds 1, 2, … of random cases: `usual` of them, times STRIDENET_CASES when that is set, for runs
 * that may take longer.
 */
export function seeds(usual: number): number[] {
  return Array.from({ length: Math.round(usual * caseFactor) }, (_, i) => i + 1);
}

/** `usual`, or `long` in runs that may take longer. */
export function unlessLong<T>(usual: T, long: T): T {
  return caseFactor > 1 ? long : usual;
}
