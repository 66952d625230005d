import {
  type BinaryFunction,
  binaryFunction,
  broadcastSpec,
  checkOneDType,
  type NoAttributes,
} from './broadcast.ts';
import { need, type Operator } from './operator.ts';

/** a, b of one dtype → uint8: 1 where the comparison holds, else 0. No gradient. */
function comparison(name: string): Operator<NoAttributes> {
  return {
    name,
    inputs: ['a', 'b'],
    outputs: ['y'],
    layout: 'any',
    infer([aSpec, bSpec]) {
      const [a, b] = [need(aSpec), need(bSpec)];
      checkOneDType(name, { a, b });
      return [broadcastSpec(name, { a, b }, 'uint8')];
    },
  };
}

export const equalOperator = comparison('equal');
export const notEqualOperator = comparison('notEqual');
export const lessOperator = comparison('less');
export const lessEqualOperator = comparison('lessEqual');
export const greaterOperator = comparison('greater');
export const greaterEqualOperator = comparison('greaterEqual');

/**
 * Where a = b: uint8, 1 or 0, element by element, with NumPy's broadcasting; a number takes the
 * other operand's dtype, which may be any. NaN equals nothing.
 * @throws ERR_SHAPE when the shapes do not broadcast; ERR_DTYPE when dtypes mix
 */
export const equal: BinaryFunction = binaryFunction(equalOperator);

/** Where a ≠ b, as `equal`; NaN differs from everything. */
export const notEqual: BinaryFunction = binaryFunction(notEqualOperator);

/** Where a < b, as `equal`; false for NaN. */
export const less: BinaryFunction = binaryFunction(lessOperator);

/** Where a ≤ b, as `equal`; false for NaN. */
export const lessEqual: BinaryFunction = binaryFunction(lessEqualOperator);

/** Where a > b, as `equal`; false for NaN. */
export const greater: BinaryFunction = binaryFunction(greaterOperator);

/** Where a ≥ b, as `equal`; false for NaN. */
export const greaterEqual: BinaryFunction = binaryFunction(greaterEqualOperator);

/** The comparisons. */
export const comparisonOperators = [
  equalOperator,
  notEqualOperator,
  lessOperator,
  lessEqualOperator,
  greaterOperator,
  greaterEqualOperator,
];
