import { argumentError } from '../errors.ts';
import type { Generator } from '../random.ts';
import { checkMemory, Tensor } from '../tensor.ts';

/** One sample and what is to be learned of it. */
export interface Sample {
  /** Without the batch: (C, H, W) of an image. uint8 or floating. */
  readonly x: Tensor;
  /** A class number, or targets of the shape of the network's output. */
  readonly y: Tensor | number;
}

/** Samples that are read by their number, in any order. */
export interface SampleSource<T = Sample> {
  /** How many samples there are, passed over ones included. */
  readonly length: number;
  /**
   * Called for many numbers at a time where samples are read ahead. null, for a sample that is
   * passed over, is for sources with `mayDrop`.
   * @param index from 0 to `length` − 1
   */
  get(index: number): T | null | Promise<T | null>;
  /** `get` may give null, so that how many samples there are is known once all were read. */
  readonly mayDrop?: boolean;
  /** Of the classes by their numbers, where they are known. */
  readonly classNames?: readonly string[];
  /**
   * The class number of a sample, told without reading it: for stratified splits.
   * @param index from 0 to `length` − 1
   */
  labelOf?(index: number): number | undefined;
}

/** Which pass over the data it is. */
export interface Pass {
  /** Of the random numbers of the pass. */
  readonly seed: number;
  /** Counted from 1. */
  readonly epoch: number;
}

/** What a function of the user may know of the sample that it is given. */
export interface SampleContext {
  /** The place of the sample in its source, from 0. */
  readonly index: number;
  /** Counted from 1. */
  readonly epoch: number;
  /** A stream of its own for each seed, epoch, sample and function of a pipeline. */
  readonly random: Generator;
}

/**
 * Throws ERR_ARGUMENT unless `value` is a sample whose tensors have their memory.
 * @param index the sample's place in its source, for the message
 */
export function checkSample(where: string, value: unknown, index: number): asserts value is Sample {
  const { x, y } = (value ?? {}) as Partial<Sample>;
  const name = `sample ${index}`;
  if (!(x instanceof Tensor)) {
    const received = typeof value === 'object' && value !== null ? x : value;
    throw argumentError(where, `${name} to be { x, y } with x a Tensor`, received);
  }
  checkMemory(where, `x of ${name}`, x);
  if (y instanceof Tensor) return checkMemory(where, `y of ${name}`, y);
  if (Number.isInteger(y) && Math.abs(y as number) < 2 ** 31) return;
  throw argumentError(where, `y of ${name} to be a class number or a Tensor`, y);
}

/** The class number in `value` if it is a sample that has one. */
export function labelIn(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { y } = value as Partial<Sample>;
  const label = y instanceof Tensor && y.shape.length === 0 ? y.data[0] : y;
  return Number.isInteger(label) ? (label as number) : undefined;
}
