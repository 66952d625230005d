import { applyAll, checkFloats, need, type Operand, type Operator } from './operator.ts';

type NoAttributes = Readonly<Record<string, never>>;

/** x → nothing; the step ends with ERR_NON_FINITE when an element is NaN or infinite. */
export const checkFiniteOperator: Operator<NoAttributes> = {
  name: 'checkFinite',
  inputs: ['x'],
  outputs: [],
  effect: true,
  infer([x]) {
    checkFloats('checkFinite', { x: need(x) });
    return [];
  },
};

/** Ends the step with ERR_NON_FINITE when an element of `x` is NaN or infinite. */
export function checkFinite(x: Operand): void {
  applyAll(checkFiniteOperator, [x], {});
}
