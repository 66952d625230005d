import type { Rule, ValueRule } from './rules.ts';

/** A call that works: its arguments in order, by name, and every option. */
export interface ValidCall {
  readonly arguments: Readonly<Record<string, Rule>>;
  readonly options?: Readonly<Record<string, ValueRule>>;
}
