import type { FinalActivation } from '../ops/loss.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import type { Shape } from '../shape.ts';
import type { FloatDType, Tensor } from '../tensor.ts';

/** What a network gives for each sample. */
export interface SampleOutput {
  /** Of one sample, without the batch. */
  readonly shape: Shape;
  /** Of the network. */
  readonly dtype: FloatDType;
}

/**
 * How many samples of a batch are classified rightly, int32 (), in operators.
 * @param output (N, …)
 * @param targets (N) or (N, …)
 */
export type Counter = (output: Variable, targets: Operand) => Operand;

/** What is minimised: the mean over the samples of a batch. */
export interface Loss {
  /** The constructor's name in `losses`. */
  readonly kind: string;
  /** Its settings as plain data: `losses[kind](options)` is the same loss. */
  readonly options: Readonly<Record<string, number | readonly number[]>>;
  /** The final activation of the network that is part of the loss; true: 'softmax'. */
  readonly takesLogits: boolean | FinalActivation;
  /**
   * The mean loss of predictions against labels, ().
   * @param predictions (N, …): the network's outputs, logits where `takesLogits`
   * @param labels class numbers (N), or targets (N, …)
   */
  mean(predictions: Variable, labels: Operand): Variable;
  /**
   * Throws unless `y`, of all samples, are targets of this loss for such outputs; asked once, before
   * anything is computed. Default: class numbers (M), or targets (M, …) in the output's shape and
   * dtype.
   *
   * @param where what the message begins with, as in '[fit] …'
   * @param output what the network gives for each sample
   * @param y labels or targets of all samples
   */
  check?(where: string, output: SampleOutput, y: Tensor): void;
  /**
   * What counts the samples that are right, or null when samples with these targets are neither
   * right nor wrong. Default: the largest output against the class, where `y` are class numbers or
   * rows of one 1 and zeros; else null.
   * @param output what the network gives for each sample
   * @param y labels or targets of all samples
   */
  counter?(output: SampleOutput, y: Tensor): Counter | null;
}
