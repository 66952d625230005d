import { apply, makeSpec, need, type Operand, type Operator, type ResultOf } from './operator.ts';
import { checkLabels } from './softmaxCrossEntropy.ts';

type NoAttributes = Readonly<Record<string, never>>;

/** logits (N,C), labels (N) or (N,C) → int32 (): samples whose first largest logit is the label's. */
export const countCorrectOperator: Operator<NoAttributes> = {
  name: 'countCorrect',
  refuses: [1],
  inputs: ['logits', 'labels'],
  outputs: ['count'],
  infer([logits, labels]) {
    checkLabels('countCorrect', need(logits), need(labels));
    return [makeSpec([], 'int32', false)];
  },
};

/**
 * How many samples are classified rightly.
 *
 * @param logits (N,C)
 * @param labels class numbers (N), or targets (N,C) of which the first largest counts
 * @returns int32 ()
 */
export function countCorrect<X extends Operand, Y extends Operand>(
  logits: X,
  labels: Y,
): ResultOf<X | Y, 'int32'> {
  const count = apply<Operand, NoAttributes>(countCorrectOperator, [logits, labels], {});
  return count as ResultOf<X | Y, 'int32'>;
}
