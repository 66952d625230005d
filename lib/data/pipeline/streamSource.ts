import { argumentError, StridenetError, show } from '../../errors.ts';
import type { Pass } from '../sample.ts';
import {
  type Awaitable,
  type Item,
  isPromise,
  nameSample,
  passOver,
  type Reader,
  serial,
} from './reader.ts';
import { noTraits, type Stage } from './stage.ts';

/** Values that come one after the other. */
export type Stream<T> =
  | Iterable<T | PromiseLike<T>>
  | AsyncIterable<T>
  | Iterator<T>
  | AsyncIterator<T>;

/** An iterator of either kind, as it is when nobody checked what it gives. */
interface AnyIterator {
  next(): unknown;
  return?(): unknown;
}

function has(value: unknown, name: PropertyKey): boolean {
  const isObject = typeof value === 'object' && value !== null;
  return isObject && typeof (value as Record<PropertyKey, unknown>)[name] === 'function';
}

/** Whether `value` can be read one after the other. */
export function isStream(value: unknown): boolean {
  return [Symbol.asyncIterator, Symbol.iterator, 'next'].some((name) => has(value, name));
}

/** The iterator of an iterable, or `stream` if it is one. */
function iteratorOf(where: string, stream: unknown): AnyIterator {
  for (const name of [Symbol.asyncIterator, Symbol.iterator]) {
    if (!has(stream, name)) continue;
    const iterator: unknown = (stream as Record<symbol, () => unknown>)[name]?.();
    if (has(iterator, 'next')) return iterator as AnyIterator;
    throw argumentError(where, 'an iterable that gives an iterator', iterator);
  }
  if (has(stream, 'next')) return stream as AnyIterator;
  throw argumentError(where, 'the function to give an iterable or an async iterable', stream);
}

/** Whether reading `stream` uses it up: iterators, generators and streams of Node and of the web. */
function isOneShot(stream: unknown, iterator: AnyIterator): boolean {
  return stream === iterator || has(stream, 'pipe') || has(stream, 'getReader');
}

/** One pass over a stream: values of an iterator, promises of them awaited, counted from 0. */
class StreamReader<T> implements Reader<T> {
  readonly next: () => Awaitable<Item<T> | null>;
  readonly #begin: () => Awaitable<AnyIterator>;
  readonly #length: number | null;
  #iterator: AnyIterator | null = null;
  #read = 0;
  #over = false;

  /** @param length how many values there must be, if that is known */
  constructor(begin: () => Awaitable<AnyIterator>, length: number | null) {
    this.#begin = begin;
    this.#length = length;
    this.next = serial(() => this.#pull());
  }

  async close(): Promise<void> {
    const open = !this.#over;
    this.#over = true;
    if (open) await this.#iterator?.return?.();
  }

  #pull(): Awaitable<Item<T> | null> {
    if (this.#over) return null;
    try {
      if (this.#iterator === null) {
        const begun = this.#begin();
        if (begun instanceof Promise) {
          return begun.then((iterator) => {
            this.#iterator = iterator;
            return this.#pull();
          }, this.#fail);
        }
        this.#iterator = begun;
      }
      const result = this.#iterator.next();
      if (!isPromise(result)) return this.#take(result);
      return Promise.resolve(result).then((found) => this.#take(found), this.#fail);
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** What the iterator throws ends it: it is not to be told. */
  readonly #fail = (error: unknown): never => {
    this.#over = true;
    throw nameSample(error, this.#read);
  };

  #take(result: unknown): Awaitable<Item<T> | null> {
    const { done, value } = (result ?? {}) as Partial<IteratorResult<unknown>>;
    if (typeof result !== 'object' || result === null) {
      this.#over = true;
      throw argumentError('data.from', 'the iterator to give { value, done }', result);
    }
    if (done) return this.#end();
    if (isPromise(value)) {
      const settled = Promise.resolve(value) as Promise<T>;
      return settled.then((found) => this.#item(found), this.#fail);
    }
    return this.#item(value as T);
  }

  #item(value: T): Item<T> {
    if (this.#read === this.#length) this.#miscounted('more');
    this.#read++;
    return { index: this.#read - 1, value };
  }

  #end(): null {
    this.#over = true;
    if (this.#length !== null && this.#read < this.#length) this.#miscounted(`${this.#read}`);
    return null;
  }

  #miscounted(given: string): never {
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[data.from] length is ${this.#length} but the source gave ${given}`,
    );
  }
}

/**
 * Values of an iterable or an iterator, or of those that a function gives for each pass.
 * @param length how many there are; null if only reading tells
 */
export function streamSource<T>(source: unknown, length: number | null): Stage<T> {
  let used = false;
  const once = (stream: unknown): AnyIterator => {
    if (used) throw usedUp(stream);
    const iterator = iteratorOf('data.from', stream);
    used = isOneShot(stream, iterator);
    return iterator;
  };
  const begin = (pass: Pass): Awaitable<AnyIterator> => {
    if (typeof source !== 'function') return once(source);
    const stream: unknown = source({ seed: pass.seed, epoch: pass.epoch });
    if (!isPromise(stream)) return iteratorOf('data.from', stream);
    return Promise.resolve(stream).then((found) => iteratorOf('data.from', found));
  };
  return {
    ...{ length, span: length, traits: noTraits, access: null },
    open(pass, skip) {
      const reader = new StreamReader<T>(() => begin(pass), length);
      return passOver(reader, skip);
    },
  };
}

function usedUp(stream: unknown): StridenetError {
  return new StridenetError(
    'ERR_ARGUMENT',
    `[data.from] ${show(stream)} was read before, and can be read once: give a function that makes a new one for each pass, data.from(() => …)`,
  );
}
