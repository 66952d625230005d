import { StridenetError, show } from '../../errors.ts';
import { nestingFault } from '../../nesting.ts';

/** What JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** JSON text of plain data; numbers that JSON does not have are kept as {"number": "NaN"}. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'number' && !Number.isFinite(each) ? { number: String(each) } : each,
  );
}

const special = new Set(['NaN', 'Infinity', '-Infinity']);

/** What `toJson` was given. Throws SyntaxError, and ERR_FILE_FORMAT for data too deep to walk. */
export function fromJson(text: string): unknown {
  // The parser calls itself where it is given a function, as below.
  const fault = nestingFault(JSON.parse(text));
  if (fault !== null) throw new StridenetError('ERR_FILE_FORMAT', `the JSON ${fault}`);
  return JSON.parse(text, (_, each: unknown) => {
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    const { number } = each as { number?: unknown };
    return typeof number === 'string' && special.has(number) ? Number(number) : each;
  });
}

function wrong(name: string, expected: string, value: unknown): StridenetError {
  return new StridenetError('ERR_FILE_FORMAT', `${name} must be ${expected} but is ${show(value)}`);
}

/** The own properties of `value`. Throws ERR_FILE_FORMAT unless it is an object. */
export function objectAt(name: string, value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return new Map(Object.entries(value));
  }
  throw wrong(name, 'an object', value);
}

/** `value` if it is a list; else throws ERR_FILE_FORMAT. */
export function listAt(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(name, 'a list', value);
}

/** `value` if it is a number; else throws ERR_FILE_FORMAT. */
export function numberAt(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  throw wrong(name, 'a number', value);
}

/** `value` if it is an integer of at least `low`; else throws ERR_FILE_FORMAT. */
export function countAt(name: string, value: unknown, low = 0): number {
  if (Number.isSafeInteger(value) && (value as number) >= low) return value as number;
  throw wrong(name, `an integer of at least ${low}`, value);
}
