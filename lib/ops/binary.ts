import {
  type BinaryFunction,
  binaryFunction,
  broadcastSpec,
  type NoAttributes,
  sumTo,
} from './broadcast.ts';
import { equal, greaterEqual, less } from './comparison.ts';
import { log } from './math.ts';
import { checkFloats, need, type Operand, type Operator } from './operator.ts';
import { where } from './where.ts';

/** What the gradient rule of a function of two numbers is given. */
interface Call {
  readonly a: Operand;
  readonly b: Operand;
  readonly y: Operand;
  readonly dy: Operand;
}

/** The messages to a and b, of their shapes; null: none. */
type Messages = readonly [((call: Call) => Operand) | null, (call: Call) => Operand];

/** a, b of one rank, or of rank 0 → y, element by element, of the shape they broadcast to. */
export function binaryOperator(
  name: string,
  [toA, toB]: Messages,
  names: readonly [string, string] = ['a', 'b'],
): Operator<NoAttributes> {
  return {
    name,
    inputs: names,
    outputs: ['y'],
    layout: 'any',
    inPlace: [
      [0, 0],
      [0, 1],
    ],
    infer([aSpec, bSpec]) {
      const [a, b] = [need(aSpec), need(bSpec)];
      const operands = { [names[0]]: a, [names[1]]: b };
      checkFloats(name, operands);
      return [broadcastSpec(name, operands, a.dtype)];
    },
    gradient({ inputs, outputs, gradients, wanted }) {
      const [a, b] = [need(inputs[0]), need(inputs[1])];
      const call = { a, b, y: need(outputs[0]), dy: need(gradients[0]) };
      return [wanted[0] && toA ? toA(call) : null, wanted[1] ? toB(call) : null];
    },
  };
}

/** a + b. */
export const addOperator = binaryOperator('add', [
  ({ dy, a }) => sumTo(dy, a),
  ({ dy, b }) => sumTo(dy, b),
]);

/** a − b. */
export const subOperator = binaryOperator('sub', [
  ({ dy, a }) => sumTo(dy, a),
  ({ dy, b }) => mul(sumTo(dy, b), -1),
]);

/** a · b. */
export const mulOperator = binaryOperator('mul', [
  ({ dy, a, b }) => sumTo(mul(dy, b), a),
  ({ dy, a, b }) => sumTo(mul(dy, a), b),
]);

/** a / b. */
export const divOperator = binaryOperator('div', [
  ({ dy, a, b }) => sumTo(div(dy, b), a),
  ({ dy, y, b }) => mul(sumTo(mul(dy, div(y, b)), b), -1),
]);

/** The larger of a and b; of equal ones each gets half the gradient, of NaN each all of it. */
export const maximumOperator = binaryOperator('maximum', [
  ({ dy, a, b }) => sumTo(shareOf(dy, a, b, less(a, b)), a),
  ({ dy, a, b }) => sumTo(shareOf(dy, a, b, less(b, a)), b),
]);

/** The smaller of a and b; gradients as those of maximum. */
export const minimumOperator = binaryOperator('minimum', [
  ({ dy, a, b }) => sumTo(shareOf(dy, a, b, less(b, a)), a),
  ({ dy, a, b }) => sumTo(shareOf(dy, a, b, less(a, b)), b),
]);

/** dy for an operand that won, half of it for one of two equal ones, 0 where it `lost`. */
function shareOf(dy: Operand, a: Operand, b: Operand, lost: Operand): Operand {
  return where(lost, 0, where(equal(a, b), mul(dy, 0.5), dy));
}

/**
 * aᵇ as Math.pow has it. Gradients as PyTorch's: to a b·aᵇ⁻¹, which is 0 for b = 0; to b aᵇ·log a,
 * which is 0 for a = 0 and b ≥ 0.
 */
export const powOperator = binaryOperator('pow', [
  ({ dy, a, b }) => {
    const slope = mul(b, pow(a, sub(b, 1)));
    return sumTo(mul(dy, where(equal(b, 0), 0, slope)), a);
  },
  ({ dy, a, b, y }) => {
    const flat = where(greaterEqual(b, 0), equal(a, 0), 0);
    return sumTo(mul(dy, where(flat, 0, mul(y, log(a)))), b);
  },
]);

/**
 * a + b, element by element, with NumPy's broadcasting; a number takes the other operand's dtype.
 * @throws ERR_SHAPE when the shapes do not broadcast; ERR_DTYPE when dtypes mix
 */
export const add: BinaryFunction = binaryFunction(addOperator);

/** a − b; operands and errors as `add`. */
export const sub: BinaryFunction = binaryFunction(subOperator);

/** a · b, element by element; operands and errors as `add`. */
export const mul: BinaryFunction = binaryFunction(mulOperator);

/** a / b; operands and errors as `add`. */
export const div: BinaryFunction = binaryFunction(divOperator);

/**
 * The larger of a and b, of two zeros the positive one, NaN when either is; operands and errors as
 * `add`. Of equal operands each gets half the gradient.
 */
export const maximum: BinaryFunction = binaryFunction(maximumOperator);

/** The smaller of a and b, of two zeros the negative one; else as `maximum`. */
export const minimum: BinaryFunction = binaryFunction(minimumOperator);

/**
 * aᵇ, element by element, with the special cases of Math.pow; operands and errors as `add`.
 * Natively it is computed element by element by the C library, but for exponents of 1 and 2.
 */
export const pow: BinaryFunction = binaryFunction(powOperator);

/** The functions of two numbers. */
export const binaryOperators = [
  addOperator,
  subOperator,
  mulOperator,
  divOperator,
  maximumOperator,
  minimumOperator,
  powOperator,
];
