import { argumentError, checkNumber, shapeError } from '../errors.ts';
import type { Operand, Spec } from '../ops/operator.ts';
import type { Generator } from '../random.ts';
import { formatShape, type Pair } from '../shape.ts';
import type { FloatDType, TypedArray } from '../tensor.ts';

/**
 * A random change of samples in training, as `sn.augmentations` makes it: plain data, which does
 * nothing by itself.
 */
export interface Augmentation {
  /** The constructor's name in `augmentations`. */
  readonly kind: string;
  /** Its settings, complete: `augmentations[kind](options)` is the same one. */
  readonly options: Readonly<Record<string, number | string | readonly number[]>>;
}

/** What samples are like. */
export interface SampleSpec {
  /** Of one sample: (C,H,W) for images. */
  readonly shape: readonly number[];
  readonly dtype: FloatDType;
  /** Of class numbers, for mixing them; null where there are none to mix. */
  readonly classes: number | null;
}

/** A batch on its way: samples (N,…), and their labels where there are any. */
export interface Batch {
  readonly x: Operand;
  readonly y: Operand | null;
}

/** One change of a batch: what it is fed, how that is drawn, and what it does in operators. */
export interface Stage {
  /** Its inputs for a batch of that many samples. */
  inputs(batch: number): readonly Spec[];
  /**
   * Writes the parameters of `samples` samples, a sample after the other, into an array an input.
   * @param stream gives the generator of the change's own stream, or of the one of that number
   */
  draw(stream: (member: number) => Generator, samples: number, into: readonly TypedArray[]): void;
  trace(batch: Batch, inputs: readonly Operand[]): Batch;
}

/** [H, W] of samples. Throws ERR_SHAPE when they are no images. */
export function imageSize(where: string, { shape }: SampleSpec): Pair {
  const [, H, W] = shape;
  if (shape.length === 3 && H !== undefined && W !== undefined) return [H, W];
  throw shapeError(where, `needs images (C, H, W) but a sample is ${formatShape(shape)}`);
}

/** `options.probability`, from 0 to 1. */
export function checkProbability(where: string, value: unknown, otherwise: number): number {
  const probability = value ?? otherwise;
  if (typeof probability !== 'number' || !(probability >= 0 && probability <= 1)) {
    throw argumentError(where, 'probability to be from 0 to 1', probability);
  }
  return probability;
}

/** A number that is not infinite. */
export function checkFinite(where: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw argumentError(where, `${name} to be a finite number`, value);
}

/** A range of numbers, both ends finite. */
export type Range = readonly [low: number, high: number];

/** A range, or how far one reaches to both sides of `middle`. */
export function checkRange(where: string, name: string, value: unknown, middle: number): Range {
  if (typeof value === 'number') {
    const reach = checkNumber(where, name, value);
    return [middle - reach, middle + reach];
  }
  if (!Array.isArray(value) || value.length !== 2) {
    throw argumentError(where, `${name} to be a number or a range of two`, value);
  }
  const [low, high] = value.map((end: unknown) => checkFinite(where, `an end of ${name}`, end));
  if ((low as number) > (high as number)) {
    throw argumentError(where, `${name} to begin before it ends`, value);
  }
  return [low as number, high as number];
}

/** A number of the range, uniform. */
export function within([low, high]: Range, random: Generator): number {
  return low + (high - low) * random.uniform();
}
