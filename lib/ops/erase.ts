import { argumentError, checkOptions, dtypeError, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { describe } from '../tensor.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkOperand,
  checkRank,
  need,
  type Operand,
  type Operator,
  type ResultLike,
} from './operator.ts';
import { checkRowForEachImage } from './warpAffine.ts';

export interface EraseAttributes extends Attributes {
  /** What stands in the boxes. */
  readonly value: number;
}

/** Settings of erase. */
export interface EraseOptions {
  /** What stands in the boxes, in the units of x; finite, default 0. */
  value?: number;
}

/** x T(N,C,H,W), boxes int32 (N,4) → y T(N,C,H,W). */
export const eraseOperator: Operator<EraseAttributes> = {
  name: 'erase',
  inputs: ['x', 'boxes'],
  outputs: ['y'],
  layout: { inputs: [0], outputs: [0] },
  inPlace: [[0, 0]],
  infer([xSpec, boxesSpec]) {
    const [x, boxes] = [need(xSpec), need(boxesSpec)];
    checkFloats('erase', { x });
    checkRank('erase', 'x', x, 4);
    checkOperand('erase', 'boxes', boxes);
    if (boxes.dtype !== 'int32') {
      throw dtypeError('erase', `boxes must be int32 (N, 4) but are ${describe(boxes)}`);
    }
    if (boxes.shape.length !== 2 || boxes.shape[1] !== 4) {
      throw shapeError(
        'erase',
        `boxes must have the shape (N, 4) but have ${formatShape(boxes.shape)}`,
      );
    }
    checkRowForEachImage('erase', 'boxes', boxes, x);
    return [x];
  },
  gradient({ inputs: [, boxes], gradients }) {
    return [apply(eraseOperator, [need(gradients[0]), need(boxes)], { value: 0 }), null];
  },
};

/**
 * Images with a box of each overwritten, in all channels.
 *
 * @param x floating, (N,C,H,W)
 * @param boxes int32 (N,4): [top, left, bottom, right], the last two excluded. Any numbers will do:
 *   of a box the part within the image counts, and one that ends before it begins is empty.
 * @returns (N,C,H,W)
 * @throws ERR_SHAPE, ERR_DTYPE; ERR_ARGUMENT for a value that is not finite
 */
export function erase<X extends Operand, B extends Operand>(
  x: X,
  boxes: B,
  options: EraseOptions = {},
): ResultLike<X, X | B> {
  checkOperand('erase', 'x', x);
  checkOptions('erase', options, ['value']);
  const { value = 0 } = options;
  if (!Number.isFinite(value)) throw argumentError('erase', 'value to be finite', value);
  return apply<Operand, EraseAttributes>(eraseOperator, [x, boxes], { value }) as ResultLike<
    X,
    X | B
  >;
}
