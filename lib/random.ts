import { argumentError } from './errors.ts';

const multiplier0 = 0xd2511f53 | 0;
const multiplier1 = 0xcd9e8d57 | 0;
const weyl0 = 0x9e3779b9 | 0;
const weyl1 = 0xbb67ae85 | 0;

/**
 * The high 32 bits of a·b, from products of 16-bit halves: as an integer with sign, as the engine keeps
 * those that it computes with, of words with sign or without.
 */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** `philox4x32` into `words`, without allocating: weights ask for it millions of times. */
function fillBlock(
  words: Uint32Array,
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
  key0: number,
  key1: number,
): void {
  let c0 = counter0 | 0;
  let c1 = counter1 | 0;
  let c2 = counter2 | 0;
  let c3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    const next0 = multiplyHigh(multiplier1, c2) ^ c1 ^ k0;
    const next2 = multiplyHigh(multiplier0, c0) ^ c3 ^ k1;
    c1 = Math.imul(multiplier1, c2);
    c3 = Math.imul(multiplier0, c0);
    c0 = next0;
    c2 = next2;
    k0 = (k0 + weyl0) | 0;
    k1 = (k1 + weyl1) | 0;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

/**
 * Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011):
 * four random words that are a function of counter and key alone.
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  const words = new Uint32Array(4);
  fillBlock(words, ...counter, ...key);
  return [...words] as [number, number, number, number];
}

/** A 32-bit hash of a text (FNV-1a), which tells streams of one seed apart. */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  }
  return value;
}

/** Throws ERR_ARGUMENT unless `seed` is an integer from 0 to 2^53 − 1. */
export function checkSeed(where: string, seed: unknown): number {
  if (!Number.isSafeInteger(seed) || (seed as number) < 0) {
    throw argumentError(where, 'a seed that is an integer from 0 to 2^53 − 1', seed);
  }
  return seed as number;
}

/** 1/23, 1/21, … 1/3, 1. */
const reciprocals = Float64Array.from({ length: 12 }, (_, i) => 1 / (23 - 2 * i));

/** ln x of a normal number x > 0, by 2·artanh((m−1)/(m+1)) after x = m·2^e, without libm. */
export function logarithm(x: number): number {
  let mantissa = x;
  let exponent = 0;
  for (; mantissa < Math.SQRT1_2; exponent--) mantissa *= 2;
  for (; mantissa > Math.SQRT2; exponent++) mantissa /= 2;
  const t = (mantissa - 1) / (mantissa + 1);
  const square = t * t;
  let sum = 0;
  for (let i = 0; i < 12; i++) sum = sum * square + (reciprocals[i] as number);
  return 2 * t * sum + exponent * Math.LN2;
}

/**
 * A stream of random numbers: a function of the seed, the stream's name and how many were drawn,
 * the same on every machine.
 */
export class Generator {
  readonly #key0: number;
  readonly #key1: number;
  readonly #stream: number;
  readonly #words = new Uint32Array(4);
  #left = 0;
  #block = 0;
  #spare: number | null = null;

  /**
   * The start of a stream.
   * @param seed an integer from 0 to 2^53 − 1
   * @param stream names a stream of its own under the seed
   */
  constructor(seed: number, stream = '') {
    checkSeed('Generator', seed);
    this.#key0 = seed >>> 0;
    this.#key1 = Math.floor(seed / 2 ** 32);
    this.#stream = hash(stream);
  }

  /** 32 random bits. */
  word(): number {
    if (this.#left === 0) {
      const high = Math.floor(this.#block / 2 ** 32);
      fillBlock(this.#words, this.#block >>> 0, high, this.#stream, 0, this.#key0, this.#key1);
      this.#block++;
      this.#left = 4;
    }
    return this.#words[4 - this.#left--] as number;
  }

  /** Uniform in [0, 1), a multiple of 2^−32. */
  uniform(): number {
    return this.word() / 2 ** 32;
  }

  /**
   * Uniform among the integers [0, bound), 1 ≤ bound < 2^32, without bias (Lemire 2019).
   * @param bound one above the largest
   */
  integer(bound: number): number {
    let word = this.word();
    let low = Math.imul(word, bound) >>> 0;
    if (low < bound) {
      const threshold = 2 ** 32 % bound;
      while (low < threshold) {
        word = this.word();
        low = Math.imul(word, bound) >>> 0;
      }
    }
    return multiplyHigh(word, bound) >>> 0;
  }

  /**
   * Standard normal, by Marsaglia's polar method (1964), from + − × ÷ √ alone: the same bits on
   * every machine.
   */
  normal(): number {
    if (this.#spare !== null) {
      const spare = this.#spare;
      this.#spare = null;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const square = u * u + v * v;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * logarithm(square)) / square);
      this.#spare = v * factor;
      return u * factor;
    }
  }

  /**
   * The integers 0 … size − 1 in random order.
   * @param size 0 or more
   */
  permutation(size: number): Int32Array {
    const order = new Int32Array(size);
    for (let i = 0; i < size; i++) order[i] = i;
    this.shuffle(order);
    return order;
  }

  /**
   * Puts `values` in random order (Fisher and Yates, from the end). A part of it at a time: places
   * from `from` − 1 down to `to`; all parts in turn do what one call does.
   * @param values changed in place
   * @param from default: the length of `values`
   * @param to default 1
   */
  shuffle(values: Int32Array, from = values.length, to = 1): void {
    for (let i = from - 1; i >= to; i--) {
      const j = this.integer(i + 1);
      const held = values[i] as number;
      values[i] = values[j] as number;
      values[j] = held;
    }
  }
}
