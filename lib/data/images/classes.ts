import { argumentError } from '../../errors.ts';

/** The order of names that is the same on every machine: by their code units. */
export function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** What a user says of classes: their names, their number, or nothing. Throws ERR_ARGUMENT. */
export function checkClasses(where: string, classes: unknown): readonly string[] | number | null {
  if (classes === undefined) return null;
  if (Number.isInteger(classes) && (classes as number) > 0) return classes as number;
  const isList = Array.isArray(classes) && classes.every((name) => typeof name === 'string');
  if (isList && classes.length > 0 && new Set(classes).size === classes.length) return [...classes];
  throw argumentError(where, 'classes to be different names or their number', classes);
}
