import type { Operand, Variable } from '../ops/operator.ts';

/** What is minimised: the mean over the samples of a batch. */
export interface Loss {
  readonly kind: string;
  /** Its settings as plain data: `losses[kind](options)` is the same loss. */
  readonly options: Readonly<Record<string, number | readonly number[]>>;
  /** The network's final softmax is part of the loss. */
  readonly takesLogits: boolean;
  /** The mean loss of predictions against labels, (). */
  mean(predictions: Variable, labels: Operand): Variable;
}
