import { ops } from '../../../lib/index.ts';
import type { Operand } from '../../../lib/ops/operator.ts';
import { elementwiseRules } from './elementwiseRules.ts';
import { imageRules } from './imageRules.ts';
import { movementRules } from './movementRules.ts';
import type { Pool, Ref, Settings } from './pool.ts';

/** How a public operator is drawn and called. */
export interface Rule {
  /** How often it is drawn; default 1. */
  readonly weight?: number;
  /** Chooses operands and settings; null when there is nothing that it could take. */
  draw(pool: Pool): { operands: readonly Ref[]; settings?: Settings } | null;
  /** Calls the operator, within others that keep it away from where it is not smooth. */
  call(operands: readonly Operand[], settings: Settings): Operand | readonly Operand[];
}

const updates =
  'updates of states have no gradient; test/compiler-passes.test.ts runs whole steps with them';

/** Public operators that no graph is drawn from, and why. */
export const leftOut: Readonly<Record<string, string>> = {
  sgdUpdate: updates,
  adamUpdate: updates,
  rmspropUpdate: updates,
  adagradUpdate: updates,
  stopGradient: 'its gradient is not its derivative, which central differences would find',
};

export const rules: Readonly<Record<string, Rule>> = {
  ...elementwiseRules,
  ...movementRules,
  ...imageRules,
};

/** The names of sn.ops that have neither a rule nor a reason. */
export function missingRules(): string[] {
  return Object.keys(ops).filter((name) => !(name in rules) && !(name in leftOut));
}
