import { checkDType, type DType } from '../tensor.ts';
import {
  type Attributes,
  apply,
  checkOperand,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type ResultOf,
} from './operator.ts';

export interface CastAttributes extends Attributes {
  readonly dtype: DType;
}

/** x of any dtype → its values in `dtype`. The gradient comes back between floating dtypes. */
export const castOperator: Operator<CastAttributes> = {
  name: 'cast',
  inputs: ['x'],
  outputs: ['y'],
  layout: 'any',
  infer([xSpec], { dtype }) {
    const x = need(xSpec);
    return [makeSpec(x.shape, dtype, x.batched)];
  },
  gradient({ inputs, gradients }) {
    return [cast(need(gradients[0]), need(inputs[0]).dtype)];
  },
};

/**
 * The values in another dtype, rounded as typed arrays round: to the nearest of a floating dtype; to
 * integers towards 0 and modulo 2^32 or 2^8, NaN and infinities to 0. Through integers no gradient
 * goes.
 * @param x of any dtype and shape
 * @param dtype of the result
 * @throws ERR_ARGUMENT for what is no dtype
 */
export function cast<X extends Operand, D extends DType>(x: X, dtype: D): ResultOf<X, D> {
  checkOperand('cast', 'x', x);
  checkDType('cast', dtype);
  const y: unknown = apply(castOperator, [x], { dtype });
  return y as ResultOf<X, D>;
}
