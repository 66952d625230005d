import { argumentError } from '../errors.ts';
import type { Variable } from '../ops/operator.ts';

/** What an update works on: one parameter, its gradient, and its slots of the step before. */
export interface UpdateCall {
  /** The parameter's key in the network: '3.body.0.weight'. */
  readonly key: string;
  /** What its layer calls it: 'weight'. */
  readonly name: string;
  /** Before the step. */
  readonly parameter: Variable;
  /** Of the parameter's shape and dtype. */
  readonly gradient: Variable;
  /** In the order of `Optimizer.slots`, each of the parameter's shape and dtype. */
  readonly slots: readonly Variable[];
  /** float64 (): 1 for the first step. */
  readonly step: Variable;
  /** float64 (). */
  readonly learningRate: Variable;
}

/** A rule that turns gradients into new parameters; it keeps no state itself. */
export interface Optimizer {
  /** The constructor's name in `optimizers`. */
  readonly kind: string;
  /** May be set at any time, as by a schedule in `onEpoch`: the steps that follow take it. */
  learningRate: number;
  /** What a file keeps of it. */
  readonly options: Readonly<Record<string, number | boolean | readonly string[]>>;
  /** Names of the values kept for each parameter, of its shape. */
  readonly slots: readonly string[];
  /** What slots hold before the first step, by name; default: zeros. */
  readonly initial?: Readonly<Record<string, number>>;
  /**
   * [parameter', …slots'] in operators.
   * @param call a parameter with its gradient and slots
   */
  update(call: UpdateCall): readonly Variable[];
}

/** Settings of weight decay. */
export interface DecayOptions {
  /** Default 0 (adamW: 0.01). */
  weightDecay?: number;
  /**
   * Parameters without weight decay: names in their layers ('bias', of all layers), keys
   * ('0.weight'), or all of a layer by its place or name ('0', 'stem', '3.body'). `fit` refuses
   * what its network does not have. Default: none, all decay.
   */
  noDecay?: readonly string[];
}

/** `noDecay` if it is a list of texts; else throws ERR_ARGUMENT. */
export function checkNoDecay(where: string, noDecay: unknown): readonly string[] {
  if (Array.isArray(noDecay) && noDecay.every((entry) => typeof entry === 'string')) {
    return [...(noDecay as string[])];
  }
  throw argumentError(where, 'noDecay to be a list of names or keys of parameters', noDecay);
}

/** Whether `key` is that of a parameter, or of one within the layer, at `place`. */
export function isWithin(key: string, place: string): boolean {
  return key === place || key.startsWith(`${place}.`);
}

/** The weight decay of one parameter. */
export function decayOf(
  weightDecay: number,
  noDecay: readonly string[],
  { key, name }: Pick<UpdateCall, 'key' | 'name'>,
): number {
  const named = noDecay.some((entry) => entry === name || isWithin(key, entry));
  return named ? 0 : weightDecay;
}
