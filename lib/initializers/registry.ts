import { argumentError } from '../errors.ts';
import type { Initializer, InitializerOptions } from './initializer.ts';
import { orthogonal } from './orthogonal.ts';
import { constant, normal, ones, truncatedNormal, uniform, zeros } from './plain.ts';
import {
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  lecunUniform,
  scaledNormal,
} from './scaled.ts';

/** Every initializer that a file may name. */
const table: Readonly<Record<string, (options: never) => Initializer>> = {
  heNormal,
  heUniform,
  glorotNormal,
  glorotUniform,
  lecunNormal,
  lecunUniform,
  scaledNormal,
  normal,
  truncatedNormal,
  uniform,
  orthogonal,
  constant: ({ value }: { value: number }) => constant(value),
  zeros,
  ones,
};

/** Whether `initializerOf` knows the kind. */
export function isListed(kind: string): boolean {
  return Object.hasOwn(table, kind);
}

/** The initializer of that kind. Throws ERR_ARGUMENT for an unknown one. */
export function initializerOf(kind: string, options: InitializerOptions): Initializer {
  const make = isListed(kind) ? table[kind] : undefined;
  if (make === undefined) {
    throw argumentError('initializer', `one of ${Object.keys(table).join(', ')}`, kind);
  }
  return make(options as never);
}
