import { argumentError } from '../errors.ts';
import { mul } from './binary.ts';
import type { NoAttributes } from './broadcast.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkSameShape,
  need,
  type Operand,
  type Operator,
} from './operator.ts';

/** What the gradient rule of a function of one element is given. */
export interface UnaryGradientCall<A extends Attributes> {
  readonly dy: Operand;
  readonly x: Operand;
  readonly y: Operand;
  readonly attributes: A;
}

/**
 * x → y of x's shape, element by element.
 * @param gradient dx in operators; absent where there is none
 */
export function unaryOperator<A extends Attributes = NoAttributes>(
  name: string,
  gradient?: (call: UnaryGradientCall<A>) => Operand,
): Operator<A> {
  return {
    name,
    inputs: ['x'],
    outputs: ['y'],
    layout: 'any',
    inPlace: [[0, 0]],
    infer([x]) {
      checkFloats(name, { x: need(x) });
      return [need(x)];
    },
    ...(gradient && {
      gradient({ inputs, outputs, gradients, attributes }) {
        const [dy, x, y] = [need(gradients[0]), need(inputs[0]), need(outputs[0])];
        return [gradient({ dy, x, y, attributes })];
      },
    }),
  };
}

/** What the rule of a second derivative is given: `product` is dy times the adjoint of dx. */
export interface CurvatureCall<A extends Attributes> {
  readonly product: Operand;
  readonly saved: Operand;
  readonly attributes: A;
}

/**
 * dy, saved → dx = dy · slope(saved), where `saved` is the function's x or its y.
 * @param curvature product · slope′(saved) in operators; 'flat' where the slope is constant piece by
 *   piece
 */
export function unaryGradientOperator<A extends Attributes = NoAttributes>(
  name: string,
  saved: 'x' | 'y',
  curvature: 'flat' | ((call: CurvatureCall<A>) => Operand),
): Operator<A> {
  const self: Operator<A> = {
    name,
    inputs: ['dy', saved],
    outputs: ['dx'],
    layout: 'any',
    inPlace: [
      [0, 0],
      [0, 1],
    ],
    infer([dySpec, savedSpec]) {
      const [dy, value] = [need(dySpec), need(savedSpec)];
      checkFloats(name, { dy, [saved]: value });
      checkSameShape(name, ['dy', saved], dy, value);
      return [dy];
    },
    gradient({ inputs, gradients, attributes, wanted }) {
      const [dy, value, message] = [need(inputs[0]), need(inputs[1]), need(gradients[0])];
      const toSaved =
        curvature === 'flat' || !wanted[1]
          ? null
          : curvature({ product: mul(message, dy), saved: value, attributes });
      return [wanted[0] ? apply(self, [message, value], attributes) : null, toSaved];
    },
  };
  return self;
}

/** `value` if it is a number within [low, high], NaN excluded; else throws ERR_ARGUMENT. */
export function checkNumber(
  where: string,
  name: string,
  value: unknown,
  low = -Number.MAX_VALUE,
  high = Number.MAX_VALUE,
): number {
  if (typeof value === 'number' && value >= low && value <= high) return value;
  const finite = low === -Number.MAX_VALUE && high === Number.MAX_VALUE;
  throw argumentError(
    where,
    `${name} to be a ${finite ? 'finite number' : `number within [${low}, ${high}]`}`,
    value,
  );
}
