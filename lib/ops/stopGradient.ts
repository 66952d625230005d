import type { NoAttributes } from './broadcast.ts';
import { apply, checkOperand, need, type Operand, type Operator, type Result } from './operator.ts';

/** x of any dtype → x, through which no message goes back. */
export const stopGradientOperator: Operator<NoAttributes> = {
  name: 'stopGradient',
  inputs: ['x'],
  outputs: ['y'],
  layout: 'any',
  alias: true,
  infer([x]) {
    return [need(x)];
  },
  gradient() {
    return [null];
  },
};

/**
 * x as a constant for differentiation: its value, with gradient 0 (PyTorch's `detach`).
 * @param x of any dtype and shape
 */
export function stopGradient<X extends Operand>(x: X): Result<X> {
  checkOperand('stopGradient', 'x', x);
  return apply(stopGradientOperator, [x], {});
}
