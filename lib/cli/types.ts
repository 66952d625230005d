import { flagSpec, literal, type Spec, specOf } from './spec.ts';

/** What a setting may be, in a configuration and as a flag. */
export interface Type<T> {
  /** For messages: 'an integer of 1 or more'. */
  readonly expected: string;
  /** For tables: 'integer'. */
  readonly name: string;
  /** What the texts of a flag stand for; a switch has none. */
  parse(texts: readonly string[]): unknown;
  /** `value` as one; undefined when it is none. */
  check(value: unknown): T | undefined;
  /** How the flag takes its value: none, one (default), several flags, or one that may be left out. */
  readonly takes?: 'none' | 'several' | 'optional';
}

const last = (texts: readonly string[]): string => texts.at(-1) as string;
const number = (texts: readonly string[]): unknown => {
  const text = last(texts);
  return /^[-+]?(\d|\.\d|Infinity)/.test(text) && text.trim() !== '' && !Number.isNaN(Number(text))
    ? Number(text)
    : text;
};

/** An integer within a range, both ends included. */
export function integer(low: number, high = 2 ** 31 - 1): Type<number> {
  const range = high === 2 ** 31 - 1 ? `of ${low} or more` : `from ${low} to ${high}`;
  return {
    expected: `an integer ${range}`,
    name: 'integer',
    parse: number,
    check: (value) =>
      Number.isInteger(value) && (value as number) >= low && (value as number) <= high
        ? (value as number)
        : undefined,
  };
}

/** A finite number above `low`, or also `low` itself; below `high` where there is one. */
export function real(
  low: number,
  { included = false, high = Number.POSITIVE_INFINITY } = {},
): Type<number> {
  const upper = high === Number.POSITIVE_INFINITY ? '' : ` and below ${high}`;
  const lower =
    low === Number.NEGATIVE_INFINITY ? '' : included ? ` of ${low} or more` : ` above ${low}`;
  return {
    expected: `a number${lower}${upper}`,
    name: 'number',
    parse: number,
    check: (value) => {
      const fits = typeof value === 'number' && Number.isFinite(value) && value < high;
      return fits && (included ? value >= low : value > low) ? value : undefined;
    },
  };
}

/** A text that is not empty; `what` says of what. */
export function text(what: string, name = 'text'): Type<string> {
  return {
    expected: what,
    name,
    parse: last,
    check: (value) => (typeof value === 'string' && value !== '' ? value : undefined),
  };
}

export const path = text('a path', 'path');

/** A path, or false for none. */
export const pathOrNone: Type<string | false> = {
  expected: 'a path, or false for none',
  name: 'path or false',
  parse: last,
  check: (value) => (value === false ? false : path.check(value)),
};

/** A path, or true. */
export const pathOrTrue: Type<string | boolean> = {
  expected: 'a path, true or false',
  name: 'path or true',
  parse: (texts) => (texts.length === 0 ? true : last(texts)),
  check: (value) => (typeof value === 'boolean' ? value : path.check(value)),
  takes: 'optional',
};

/** On or off. */
export const onOff: Type<boolean> = {
  expected: 'true or false',
  name: 'true or false',
  parse: () => true,
  check: (value) => (typeof value === 'boolean' ? value : undefined),
  takes: 'none',
};

/** One of some words. */
export function choice<T extends string>(...words: readonly T[]): Type<T> {
  return {
    expected: `one of ${words.join(', ')}`,
    name: words.map((word) => `'${word}'`).join(', '),
    parse: last,
    check: (value) => words.find((word) => word === value),
  };
}

/** Something of a kind with options of its own. */
export const spec: Type<Spec> = {
  expected: 'a kind like "name" or "name:option=value", or an object with a kind and options',
  name: 'kind',
  parse: (texts) => flagSpec(last(texts)),
  check: (value) => specOf(value) ?? undefined,
};

/** A list of them; one alone is a list of one. */
export const specs: Type<readonly Spec[]> = {
  expected: 'a list of kinds, each like "name" or an object with a kind and options',
  name: 'list of kinds',
  parse: (texts) => texts.map(flagSpec),
  check: (value) => {
    const list = (Array.isArray(value) ? value : [value]).map(specOf);
    return list.includes(null) ? undefined : (list as Spec[]);
  },
  takes: 'several',
};

/** A list of texts. */
export const names: Type<readonly string[]> = {
  expected: 'a list of names',
  name: 'list of names',
  parse: (texts) => texts.flatMap((each) => each.split(',')),
  check: (value) => {
    const isList = Array.isArray(value) && value.every((each) => text('').check(each) === each);
    return isList ? (value as string[]) : undefined;
  },
};

/** A list of integers of 1 or more. */
export const sizes: Type<readonly number[]> = {
  expected: 'a list of integers of 1 or more',
  name: 'list of integers',
  parse: (texts) => last(texts).split(/[,x]/).map(literal),
  check: (value) => {
    const isList = Array.isArray(value) && value.length > 0;
    return isList && value.every((each) => integer(1).check(each)) ? value : undefined;
  },
};

/** Numbers by name. */
export const numbersByName: Type<Readonly<Record<string, number>>> = {
  expected: 'numbers by name, like stem=0.1',
  name: 'numbers by name',
  parse: (texts) => {
    const pairs = texts.map((each) => /^(.+)=(.+)$/.exec(each));
    if (pairs.includes(null)) return texts;
    return Object.fromEntries(pairs.map((pair) => [pair?.[1], literal(pair?.[2] ?? '')]));
  },
  check: (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    const fits = Object.values(value).every((each) => typeof each === 'number');
    return fits ? (value as Record<string, number>) : undefined;
  },
  takes: 'several',
};
