/** A small fault in the native code. */
export interface Mutation {
  /** What is wrong with it, for the table. */
  readonly fault: string;
  /** Below native/. */
  readonly file: string;
  /** Text that stands in the file exactly once, and what takes its place. */
  readonly find: string;
  readonly replace: string;
  /** Titles of tests that should notice (a pattern): they are run first, the others after them. */
  readonly tests: string;
}

/** How often `text` stands in `source`. */
export function occurrences(source: string, text: string): number {
  return source.split(text).length - 1;
}
