import {
  apply,
  checkFloats,
  checkSameShape,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';

type NoAttributes = Readonly<Record<string, never>>;

/** x → y = max(x, 0), NaN kept. */
export const reluOperator: Operator<NoAttributes> = {
  name: 'relu',
  inputs: ['x'],
  outputs: ['y'],
  layout: 'any',
  inPlace: [[0, 0]],
  infer([x]) {
    checkFloats('relu', { x: need(x) });
    return [need(x)];
  },
  gradient({ outputs, gradients }) {
    return [apply(reluGradientOperator, [need(gradients[0]), need(outputs[0])], {})];
  },
};

/** dy, y → dx = dy where y > 0, else 0: the gradient at 0 is 0. */
export const reluGradientOperator: Operator<NoAttributes> = {
  name: 'reluGradient',
  inputs: ['dy', 'y'],
  outputs: ['dx'],
  layout: 'any',
  inPlace: [
    [0, 0],
    [0, 1],
  ],
  infer([dySpec, ySpec]) {
    const [dy, y] = [need(dySpec), need(ySpec)];
    checkFloats('reluGradient', { dy, y });
    checkSameShape('reluGradient', ['dy', 'y'], dy, y);
    return [dy];
  },
  gradient({ inputs: [, y], gradients, wanted }) {
    return [
      wanted[0] ? apply(reluGradientOperator, [need(gradients[0]), need(y)], {}) : null,
      null,
    ];
  },
};

/**
 * Rectified linear unit, max(x, 0); its gradient at 0 is 0, as PyTorch has it.
 * @param x float32 or float64, of any shape
 */
export function relu<X extends Operand>(x: X): Result<X> {
  return apply(reluOperator, [x], {});
}
