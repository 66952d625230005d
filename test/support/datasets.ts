import { setImmediate } from 'node:timers/promises';
import type { data } from '../../lib/index.ts';

/** All that an iterable gives. */
export async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

/** The integers from 0 to `count` − 1. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** An iterable of numbers that may be read again, which tells what was asked of it. */
export class Counted {
  /** Numbers that were given. */
  given = 0;
  /** Iterators that are open. */
  open = 0;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    this.open++;
    try {
      for (let i = 0; i < this.#count; i++) {
        this.given++;
        yield i;
      }
    } finally {
      this.open--;
    }
  }
}

/** Comes after a time that differs with the index, so that what is asked for first may end last. */
export async function late<T>(value: T, index: number): Promise<T> {
  for (let turns = (index * 7) % 5; turns > 0; turns--) await setImmediate();
  return value;
}

/** A source of the numbers up to `count` that counts how many are asked for and not yet there. */
export class SlowSource implements data.SampleSource<number> {
  readonly length: number;
  underWay = 0;
  most = 0;
  asked = 0;

  constructor(length: number) {
    this.length = length;
  }

  async get(index: number): Promise<number> {
    this.asked++;
    this.underWay++;
    this.most = Math.max(this.most, this.underWay);
    await late(index, index);
    this.underWay--;
    return index;
  }
}
