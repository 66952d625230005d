import { argumentError, checkOptions } from './errors.ts';
import { checkSeed, Generator } from './random.ts';
import type { Shape } from './shape.ts';
import { checkFloatDType, type FloatDType, type Tensor, zeros } from './tensor.ts';

/** What random tensors have in common. */
interface RandomOptions<D extends FloatDType> {
  /** An integer from 0 to 2^53 − 1: the same seed, the same values. */
  seed: number;
  /** Default 'float32'. */
  dtype?: D;
}

/** Settings of randomNormal. */
export interface RandomNormalOptions<D extends FloatDType = FloatDType> extends RandomOptions<D> {
  /** Default 0. */
  mean?: number;
  /** At least 0; default 1. */
  deviation?: number;
}

/** Settings of randomUniform. */
export interface RandomUniformOptions<D extends FloatDType = FloatDType> extends RandomOptions<D> {
  /** Default 0. */
  low?: number;
  /** At least `low`; default 1. */
  high?: number;
}

function checkFinite(
  where: string,
  name: string,
  value: unknown,
  least = -Number.MAX_VALUE,
): number {
  if (Number.isFinite(value) && (value as number) >= least) return value as number;
  const range = least > -Number.MAX_VALUE ? ` of at least ${least}` : '';
  throw argumentError(where, `${name} to be a finite number${range}`, value);
}

function filled<D extends FloatDType>(
  where: string,
  shape: Shape,
  { seed, dtype }: RandomOptions<D>,
  draw: (generator: Generator) => number,
): Tensor<D> {
  const own = dtype ?? 'float32';
  checkFloatDType(where, own);
  const generator = new Generator(checkSeed(where, seed), where);
  const result = zeros(shape, own) as Tensor<D>;
  for (let i = 0; i < result.size; i++) result.data[i] = draw(generator);
  return result;
}

/**
 * A tensor of normally distributed values, the same on every machine.
 * @param shape sizes, none of them negative
 * @throws ERR_ARGUMENT for a setting that is none, a missing seed among them
 */
export function randomNormal<D extends FloatDType = 'float32'>(
  shape: Shape,
  options: RandomNormalOptions<D>,
): Tensor<D> {
  const where = 'randomNormal';
  checkOptions(where, options, ['seed', 'dtype', 'mean', 'deviation']);
  const mean = checkFinite(where, 'mean', options.mean ?? 0);
  const deviation = checkFinite(where, 'deviation', options.deviation ?? 1, 0);
  return filled(where, shape, options, (generator) => mean + deviation * generator.normal());
}

/**
 * A tensor of values that are uniform in [low, high), rounded to the dtype; the same on every machine.
 * @param shape sizes, none of them negative
 * @throws ERR_ARGUMENT for a setting that is none, a missing seed among them
 */
export function randomUniform<D extends FloatDType = 'float32'>(
  shape: Shape,
  options: RandomUniformOptions<D>,
): Tensor<D> {
  const where = 'randomUniform';
  checkOptions(where, options, ['seed', 'dtype', 'low', 'high']);
  const low = checkFinite(where, 'low', options.low ?? 0);
  const high = checkFinite(where, 'high', options.high ?? 1, low);
  return filled(where, shape, options, (generator) => low + (high - low) * generator.uniform());
}
