import { argumentError, ownFunction, StridenetError } from '../../errors.ts';
import { unknownName } from '../../nearest.ts';
import { isWithin } from '../../optimizers/optimizer.ts';
import { isCounter } from '../replacement.ts';
import type { LoadWeightsOptions } from './options.ts';

/** The module that a tensor belongs to and its name there: ['3.body.0', 'weight']. */
function partsOf(name: string): [module: string, leaf: string] {
  const dot = name.lastIndexOf('.');
  return [name.slice(0, Math.max(0, dot)), name.slice(dot + 1)];
}

/** Renames as the option tells, by the longest place. Throws ERR_ARGUMENT for one in which no name is. */
function renaming(
  where: string,
  rename: LoadWeightsOptions['rename'],
  names: readonly string[],
): (name: string) => string | null {
  if (typeof rename === 'function') {
    const own = ownFunction(where, 'rename', rename);
    return (name) => {
      const to: unknown = own(name);
      if (to === null || typeof to === 'string') return to;
      throw argumentError(where, `rename to give a name or null for '${name}'`, to);
    };
  }
  const places = Object.entries(rename ?? {}).sort(([a], [b]) => b.length - a.length);
  for (const [place] of places) {
    if (names.some((name) => isWithin(name, place))) continue;
    throw unknownName(`${where}, rename`, 'name in the file', place, names);
  }
  return (name) => {
    const found = places.find(([place]) => isWithin(name, place));
    if (found === undefined) return name;
    const [place, to] = found;
    if (to === null) return null;
    const rest = name.slice(place.length);
    return to === '' ? rest.slice(1) : to + rest;
  };
}

/** Compares modules by their numbers. Throws ERR_ARGUMENT where they differ in names. */
function compareModules(where: string, a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  const at = left.findIndex((part, i) => part !== right[i]);
  if (at < 0 || at >= right.length) return left.length - right.length;
  const [first, second] = [left[at] as string, right[at] as string];
  if (/^\d+$/.test(first) && /^\d+$/.test(second)) return Number(first) - Number(second);
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[${where}] match 'order' needs numbered modules: which of '${a}' and '${b}' is first is not known; rename gives them numbers or names of the network`,
  );
}

function modulesOf(names: Iterable<string>): string[] {
  return [...new Set([...names].map((name) => partsOf(name)[0]))];
}

/**
 * The keys for names by their modules, the first of the file for the first of the network and so on;
 * undefined beyond the last.
 */
function byOrder(
  where: string,
  names: readonly string[],
  keys: readonly string[],
): (name: string) => string | undefined {
  const sorted = modulesOf(names).sort((a, b) => compareModules(where, a, b));
  const own = modulesOf(keys);
  const pairs = new Map(sorted.slice(0, own.length).map((module, i) => [module, own[i]]));
  return (name) => {
    const [module, leaf] = partsOf(name);
    const to = pairs.get(module);
    if (to === undefined) return undefined;
    return to === '' ? leaf : `${to}.${leaf}`;
  };
}

/** What the tensors of a file are for. */
export interface Assignment {
  /** Names in the file by keys of the network. */
  readonly names: ReadonlyMap<string, string>;
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly ignored: readonly string[];
}

/**
 * What the network may call each name in the file: null for those that are passed over, undefined
 * where it has no more layers.
 */
function translate(
  where: string,
  names: readonly string[],
  keys: readonly string[],
  { prefix = '', rename, match = 'name' }: LoadWeightsOptions,
): Map<string, string | null | undefined> {
  const within = names.filter((name) => name.startsWith(prefix));
  const bare = within.map((name) => name.slice(prefix.length));
  const renameOne = renaming(where, rename, bare);
  const renamed = new Map(within.map((name, i) => [name, renameOne(bare[i] as string)]));
  const known = new Set([...renamed.values()].filter((name) => name !== null));
  const all = new Set([...known, ...keys]);
  const counters = [...known].filter((name) => isCounter(name, all) && !keys.includes(name));
  for (const each of counters) known.delete(each);
  const placed = match === 'order' ? byOrder(where, [...known], keys) : (name: string) => name;
  return new Map(
    names.map((name) => {
      const to = renamed.get(name) ?? null;
      return [name, to !== null && known.has(to) ? placed(to) : null];
    }),
  );
}

/**
 * Finds the tensor of each parameter by the options' `prefix`, `rename` and `match`.
 * @param names all names in the file, each once
 * @param keys of all parameters, in the order of the network
 * @param selected whether what is called so is to be loaded
 * @throws ERR_ARGUMENT when two tensors are for one parameter, or an option fits no name
 */
export function assign(
  where: string,
  names: readonly string[],
  keys: readonly string[],
  selected: (key: string) => boolean,
  options: LoadWeightsOptions,
): Assignment {
  const known = new Set(keys);
  const found = new Map<string, string>();
  const [unexpected, ignored]: [string[], string[]] = [[], []];
  for (const [name, key] of translate(where, names, keys, options)) {
    if (key === null || (key !== undefined && !selected(key))) ignored.push(name);
    else if (key === undefined || !known.has(key)) unexpected.push(name);
    else if (found.has(key)) {
      const both = `'${found.get(key)}' and '${name}'`;
      throw new StridenetError('ERR_ARGUMENT', `[${where}] both ${both} are for '${key}'`);
    } else found.set(key, name);
  }
  const wanted = keys.filter(selected);
  return {
    names: new Map(
      wanted.flatMap((key) => {
        const name = found.get(key);
        return name === undefined ? [] : [[key, name] as const];
      }),
    ),
    missing: wanted.filter((key) => !found.has(key)),
    unexpected,
    ignored,
  };
}
