import {
  binaryFunction,
  broadcastSpec,
  type ComparisonFunction,
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

/** The public function of a comparison. */
function comparing(operator: Operator<NoAttributes>): ComparisonFunction {
  return binaryFunction(operator) as ComparisonFunction;
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
export const equal: ComparisonFunction = comparing(equalOperator);

/** Where a ≠ b, as `equal`; NaN differs from everything. */
export const notEqual: ComparisonFunction = comparing(notEqualOperator);

/** Where a < b, as `equal`; false for NaN. */
export const less: ComparisonFunction = comparing(lessOperator);

/** Where a ≤ b, as `equal`; false for NaN. */
export const lessEqual: ComparisonFunction = comparing(lessEqualOperator);

/** Where a > b, as `equal`; false for NaN. */
export const greater: ComparisonFunction = comparing(greaterOperator);

/** Where a ≥ b, as `equal`; false for NaN. */
export const greaterEqual: ComparisonFunction = comparing(greaterEqualOperator);

/** The comparisons. */
export const comparisonOperators = [
  equalOperator,
  notEqualOperator,
  lessOperator,
  lessEqualOperator,
  greaterOperator,
  greaterEqualOperator,
];
