import { shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { spreadTo } from './broadcast.ts';
import {
  apply,
  checkFloats,
  checkRank,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';
import { withShape } from './reshape.ts';

type NoAttributes = Readonly<Record<string, never>>;

/** x (N,F), weight (O,F), bias (O)? → y (N,O). */
export const linearOperator: Operator<NoAttributes> = {
  name: 'linear',
  inputs: ['x', 'weight', 'bias?'],
  outputs: ['y'],
  infer([xSpec, weightSpec, bias]) {
    const [x, weight] = [need(xSpec), need(weightSpec)];
    checkFloats('linear', { x, weight, bias: bias ?? null });
    checkRank('linear', 'x', x, 2);
    checkRank('linear', 'weight', weight, 2);
    const [n = 0, features = 0] = x.shape;
    const [outputs = 0, expected = 0] = weight.shape;
    if (features !== expected) {
      throw shapeError(
        'linear',
        `x ${formatShape(x.shape)} has ${features} features but weight ${formatShape(weight.shape)} needs ${expected}`,
      );
    }
    if (bias && (bias.shape.length !== 1 || bias.shape[0] !== outputs)) {
      throw shapeError(
        'linear',
        `bias must have shape (${outputs}) but has ${formatShape(bias.shape)}`,
      );
    }
    return [makeSpec([n, outputs], x.dtype, x.batched)];
  },
  gradient({ inputs: [x, weight, bias], gradients, wanted }) {
    const dy = need(gradients[0]);
    return [
      wanted[0] ? apply(linearInputGradientOperator, [dy, need(weight)], {}) : null,
      wanted[1] ? apply(linearWeightGradientOperator, [need(x), dy], {}) : null,
      bias && wanted[2] ? biasGradient(dy) : null,
    ];
  },
  multiplyAdds([x, weight]) {
    return (need(x).shape[0] as number) * product(need(weight).shape);
  },
};

function product(shape: readonly number[]): number {
  return shape.reduce((a, b) => a * b, 1);
}

/** dy (N,O), weight (O,F) → dx (N,F) = dy · weight. */
export const linearInputGradientOperator: Operator<NoAttributes> = {
  name: 'linearInputGradient',
  inputs: ['dy', 'weight'],
  outputs: ['dx'],
  infer([dySpec, weightSpec]) {
    const [dy, weight] = [need(dySpec), need(weightSpec)];
    checkFloats('linearInputGradient', { dy, weight });
    checkRank('linearInputGradient', 'dy', dy, 2);
    checkRank('linearInputGradient', 'weight', weight, 2);
    if (dy.shape[1] !== weight.shape[0]) {
      throw shapeError(
        'linearInputGradient',
        `dy ${formatShape(dy.shape)} does not fit weight ${formatShape(weight.shape)}`,
      );
    }
    return [makeSpec([dy.shape[0] as number, weight.shape[1] as number], dy.dtype, dy.batched)];
  },
  gradient({ inputs: [dy, weight], gradients, wanted }) {
    const g = need(gradients[0]);
    return [
      wanted[0] ? apply(linearOperator, [g, need(weight), null], {}) : null,
      wanted[1] ? apply(linearWeightGradientOperator, [g, need(dy)], {}) : null,
    ];
  },
  multiplyAdds([dy, weight]) {
    return (need(dy).shape[0] as number) * product(need(weight).shape);
  },
};

/** x (N,F), dy (N,O) → dw (O,F) = dyᵀ · x. */
export const linearWeightGradientOperator: Operator<NoAttributes> = {
  name: 'linearWeightGradient',
  inputs: ['x', 'dy'],
  outputs: ['dw'],
  infer([xSpec, dySpec]) {
    const [x, dy] = [need(xSpec), need(dySpec)];
    checkFloats('linearWeightGradient', { x, dy });
    checkRank('linearWeightGradient', 'x', x, 2);
    checkRank('linearWeightGradient', 'dy', dy, 2);
    if (x.shape[0] !== dy.shape[0]) {
      throw shapeError(
        'linearWeightGradient',
        `x ${formatShape(x.shape)} and dy ${formatShape(dy.shape)} have different batches`,
      );
    }
    return [makeSpec([dy.shape[1] as number, x.shape[1] as number], x.dtype, false)];
  },
  gradient({ inputs: [x, dy], gradients, wanted }) {
    const g = need(gradients[0]);
    return [
      wanted[0] ? apply(linearInputGradientOperator, [need(dy), g], {}) : null,
      wanted[1] ? apply(linearOperator, [need(x), g, null], {}) : null,
    ];
  },
  multiplyAdds([x, dy]) {
    return product(need(x).shape) * (need(dy).shape[1] as number);
  },
};

/** dy (N,K) or (N,K,P,Q) → db (K): the sum over all but the channels. */
export const biasGradientOperator: Operator<NoAttributes> = {
  name: 'biasGradient',
  inputs: ['dy'],
  outputs: ['db'],
  layout: { inputs: [0], outputs: [] },
  infer([dySpec]) {
    const dy = need(dySpec);
    checkFloats('biasGradient', { dy });
    checkRank('biasGradient', 'dy', dy, 2, 4);
    return [makeSpec([dy.shape[1] as number], dy.dtype, false)];
  },
  gradient({ inputs: [dy], gradients }) {
    const values = need(dy);
    const ofChannels = values.shape.map((size, axis) => (axis === 1 ? size : 1));
    return [spreadTo(withShape(need(gradients[0]), ofChannels), values)];
  },
};

/** The gradient of a bias that is added to every sample and position of its channel. */
export function biasGradient<T extends Operand>(dy: T): Result<T> {
  return apply(biasGradientOperator, [dy], {});
}

/**
 * A dense layer's product: y = x · weightᵀ + bias.
 *
 * @param x samples (N,F)
 * @param weight (O,F), as PyTorch's Linear keeps it
 * @param bias (O); may be left out or null
 * @returns (N,O)
 * @throws ERR_SHAPE when the sizes do not fit; ERR_DTYPE when dtypes mix
 */
export function linear<
  X extends Operand,
  W extends Operand,
  B extends Operand | null | undefined = undefined,
>(x: X, weight: W, bias?: B): Result<X | W | NonNullable<B>> {
  return apply<X | W | NonNullable<B>, NoAttributes>(linearOperator, [x, weight, bias ?? null], {});
}
