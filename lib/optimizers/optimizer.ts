import { argumentError } from '../errors.ts';
import type { Variable } from '../ops/operator.ts';

/** What an update works on: one parameter, its gradient, and its slots of the step before. */
export interface UpdateCall {
  readonly parameter: Variable;
  readonly gradient: Variable;
  readonly slots: readonly Variable[];
  /** float64 (): 1 for the first step. */
  readonly step: Variable;
  /** float64 (). */
  readonly learningRate: Variable;
}

/** A rule that turns gradients into new parameters; it keeps no state itself. */
export interface Optimizer {
  readonly kind: string;
  readonly learningRate: number;
  /** What a file keeps of it. */
  readonly options: Readonly<Record<string, number | boolean>>;
  /** Names of the values kept for each parameter, of its shape, zeros at first. */
  readonly slots: readonly string[];
  /** [parameter', …slots'] in operators. */
  update(call: UpdateCall): readonly Variable[];
}

/** `value` if it is a number within [low, high); else throws ERR_ARGUMENT. */
export function checkRate(
  where: string,
  name: string,
  value: unknown,
  low = 0,
  high = Number.POSITIVE_INFINITY,
): number {
  if (typeof value !== 'number' || !(value >= low && value < high)) {
    throw argumentError(where, `${name} to be a number from ${low} and below ${high}`, value);
  }
  return value;
}
