import { argumentError } from './errors.ts';

const multiplier0 = 0xd2511f53;
const multiplier1 = 0xcd9e8d57;
const weyl0 = 0x9e3779b9;
const weyl1 = 0xbb67ae85;

/** The high 32 bits of a·b, from products of 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh] = [a & 0xffff, a >>> 16];
  const [bLow, bHigh] = [b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + (middle >>> 16) + (carry >>> 16)) >>> 0;
}

/**
 * Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", 2011):
 * four random words that are a function of counter and key alone.
 */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
): [number, number, number, number] {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = [multiplyHigh(multiplier0, c0), Math.imul(multiplier0, c0) >>> 0];
    const [high1, low1] = [multiplyHigh(multiplier1, c2), Math.imul(multiplier1, c2) >>> 0];
    [c0, c1, c2, c3] = [(high1 ^ c1 ^ k0) >>> 0, low1, (high0 ^ c3 ^ k1) >>> 0, low0];
    k0 = (k0 + weyl0) >>> 0;
    k1 = (k1 + weyl1) >>> 0;
  }
  return [c0, c1, c2, c3];
}

/** A 32-bit hash of a text (FNV-1a), which tells streams of one seed apart. */
function hash(text: string): number {
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

/** ln x of a normal number x > 0, by 2·artanh((m−1)/(m+1)) after x = m·2^e, without libm. */
function logarithm(x: number): number {
  let [mantissa, exponent] = [x, 0];
  for (; mantissa < Math.SQRT1_2; exponent--) mantissa *= 2;
  for (; mantissa > Math.SQRT2; exponent++) mantissa /= 2;
  const t = (mantissa - 1) / (mantissa + 1);
  const square = t * t;
  let sum = 0;
  for (let k = 23; k >= 1; k -= 2) sum = sum * square + 1 / k;
  return 2 * t * sum + exponent * Math.LN2;
}

/**
 * A stream of random numbers: a function of the seed, the stream's name and how many were drawn,
 * the same on every machine.
 */
export class Generator {
  readonly #key: readonly [number, number];
  readonly #stream: number;
  #block = 0;
  #words: number[] = [];
  #spare: number | null = null;

  /**
   * @param seed an integer from 0 to 2^53 − 1
   * @param stream names a stream of its own under the seed
   */
  constructor(seed: number, stream = '') {
    checkSeed('Generator', seed);
    this.#key = [seed >>> 0, Math.floor(seed / 2 ** 32)];
    this.#stream = hash(stream);
  }

  /** 32 random bits. */
  word(): number {
    if (this.#words.length === 0) {
      const counter = [
        this.#block >>> 0,
        Math.floor(this.#block / 2 ** 32),
        this.#stream,
        0,
      ] as const;
      this.#words = philox4x32(counter, this.#key).reverse();
      this.#block++;
    }
    return this.#words.pop() as number;
  }

  /** Uniform in [0, 1), a multiple of 2^−32. */
  uniform(): number {
    return this.word() / 2 ** 32;
  }

  /** Uniform among the integers [0, bound), bound ≤ 2^32, without bias. */
  integer(bound: number): number {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    let word = this.word();
    while (word >= limit) word = this.word();
    return word % bound;
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

  /** The integers 0 … size − 1 in random order (Fisher and Yates). */
  permutation(size: number): Int32Array {
    const order = Int32Array.from({ length: size }, (_, i) => i);
    for (let i = size - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = order[i] as number;
      order[i] = order[j] as number;
      order[j] = held;
    }
    return order;
  }
}
