import { existsSync } from 'node:fs';
import { argumentError, StridenetError } from '../errors.ts';
import { checkPath } from './files.ts';
import type { Samples } from './samples.ts';

/** Two parts of one data set. */
export interface Split {
  /** To learn from. */
  readonly train: Samples;
  /** To measure with; has no sample of the other. */
  readonly test: Samples;
}

/** Where a data set may lie. */
export interface Places {
  /** What named a folder, and which it named: the options, the environment. */
  readonly named: readonly (readonly [string, string | undefined])[];
  /** Where it is looked for else. */
  readonly usual: readonly string[];
  /** The files that a folder lacks. */
  missing(folder: string): readonly string[];
  /** How to get it. */
  readonly cure: string;
}

function notFound(where: string, what: string, cure: string): StridenetError {
  return new StridenetError('ERR_FILE_NOT_FOUND', `[${where}] ${what}\n${cure}`);
}

/**
 * The first place that lacks nothing. One that was named and lacks something is an error.
 * @throws ERR_FILE_NOT_FOUND that says how to get the data set
 */
export function chooseFolder(where: string, { named, usual, missing, cure }: Places): string {
  for (const [name, folder] of named) {
    if (folder === undefined || folder === '') continue;
    const lacks = missing(folder);
    if (lacks.length === 0) return folder;
    const what = existsSync(folder)
      ? `${name} is ${folder}, which lacks ${lacks.join(', ')}.`
      : `${name}: no folder ${folder}.`;
    throw notFound(where, what, `${cure}\n${name} may be left out.`);
  }
  const found = usual.find((folder) => missing(folder).length === 0);
  if (found !== undefined) return found;
  const looked = named.map(([name]) => `no ${name} was given`);
  throw notFound(where, `the data set was not found: ${looked.join(', ')}.`, cure);
}

/** The path, or undefined where it is left out. Throws ERR_ARGUMENT for what names no folder. */
export function checkFolder(where: string, path: unknown, what = 'a folder'): string | undefined {
  if (path === undefined || typeof path === 'string') return path;
  if (path instanceof URL) return checkPath(where, path);
  throw argumentError(where, `path to be ${what}`, path);
}
