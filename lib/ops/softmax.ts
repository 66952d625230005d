import {
  apply,
  checkFloats,
  checkRank,
  checkSameShape,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';

type NoAttributes = Readonly<Record<string, never>>;

/** x (N,C) → p (N,C), p_i = exp(x_i − max x) / Σ exp(x_j − max x) in every row. */
export const softmaxOperator: Operator<NoAttributes> = {
  name: 'softmax',
  inputs: ['x'],
  outputs: ['y'],
  inPlace: [[0, 0]],
  infer([xSpec]) {
    const x = need(xSpec);
    checkFloats('softmax', { x });
    checkRank('softmax', 'x', x, 2);
    return [x];
  },
  gradient({ outputs, gradients }) {
    return [apply(softmaxGradientOperator, [need(gradients[0]), need(outputs[0])], {})];
  },
};

/** dy, y (N,C) → dx_j = y_j·(dy_j − Σ_i dy_i·y_i): the Jacobian y_i(δ_ij − y_j), never built. */
export const softmaxGradientOperator: Operator<NoAttributes> = {
  name: 'softmaxGradient',
  inputs: ['dy', 'y'],
  outputs: ['dx'],
  inPlace: [
    [0, 0],
    [0, 1],
  ],
  infer([dySpec, ySpec]) {
    const [dy, y] = [need(dySpec), need(ySpec)];
    checkFloats('softmaxGradient', { dy, y });
    checkRank('softmaxGradient', 'dy', dy, 2);
    checkSameShape('softmaxGradient', ['dy', 'y'], dy, y);
    return [dy];
  },
};

/**
 * Softmax over the last axis of (N,C).
 * @throws ERR_SHAPE for another rank
 */
export function softmax<X extends Operand>(x: X): Result<X> {
  return apply(softmaxOperator, [x], {});
}
