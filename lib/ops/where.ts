import { dtypeError } from '../errors.ts';
import { describe } from '../tensor.ts';
import {
  broadcastOperands,
  broadcastSpec,
  checkOneDType,
  type NoAttributes,
  type OperandOrNumber,
  sumTo,
} from './broadcast.ts';
import {
  apply,
  checkOperand,
  need,
  type Operand,
  type Operator,
  type ResultLike,
} from './operator.ts';

/** condition uint8, a and b of one dtype → a where the condition is not 0, else b. */
export const whereOperator: Operator<NoAttributes> = {
  name: 'where',
  inputs: ['condition', 'a', 'b'],
  outputs: ['y'],
  layout: 'any',
  inPlace: [
    [0, 1],
    [0, 2],
  ],
  infer([conditionSpec, aSpec, bSpec]) {
    const [condition, a, b] = [need(conditionSpec), need(aSpec), need(bSpec)];
    if (condition.dtype !== 'uint8') {
      throw dtypeError('where', `condition must be uint8 but is ${describe(condition)}`);
    }
    checkOneDType('where', { a, b });
    return [broadcastSpec('where', { condition, a, b }, a.dtype)];
  },
  gradient({ inputs: [condition, a, b], gradients, wanted }) {
    const [mask, dy] = [need(condition), need(gradients[0])];
    return [
      null,
      wanted[1] ? sumTo(where(mask, dy, 0), need(a)) : null,
      wanted[2] ? sumTo(where(mask, 0, dy), need(b)) : null,
    ];
  },
};

/**
 * a where `condition` is not 0, else b, element by element, with NumPy's broadcasting of all three.
 *
 * @param condition uint8, as comparisons give it
 * @param a of any dtype, or a number, which takes b's
 * @param b of a's dtype, or a number, which takes it
 * @throws ERR_SHAPE when the shapes do not broadcast; ERR_DTYPE for another condition and when the
 *   dtypes of a and b differ
 */
export function where<C extends Operand, A extends OperandOrNumber, B extends OperandOrNumber>(
  condition: C,
  a: A,
  b: B,
): ResultLike<A | B, Exclude<C | A | B, number>> {
  checkOperand('where', 'condition', condition);
  const operands = broadcastOperands('where', { condition, a, b }, [a, b]);
  return apply(whereOperator, operands, {}) as ResultLike<A | B, Exclude<C | A | B, number>>;
}
