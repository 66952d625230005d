import type { Samples } from '../data/samples.ts';
import { select } from '../data/select.ts';
import { argumentError } from '../errors.ts';
import { Generator } from '../random.ts';

/**
 * A random share of samples to validate with, and the others, both in their order. It depends on
 * the seed and the number of samples alone.
 *
 * @param share above 0 and below 1; rounded to whole samples
 * @throws ERR_ARGUMENT when either would have no sample
 */
export function splitOff(
  data: Samples,
  share: number,
  seed: number,
): { training: Samples; validation: Samples } {
  const samples = data.x.shape[0] as number;
  const count = Math.round(share * samples);
  if (count === 0 || count === samples) {
    const expected = `validationSplit to leave samples on both sides of ${samples}`;
    throw argumentError('fit', expected, share);
  }
  const order = new Generator(seed, 'validationSplit').permutation(samples);
  return {
    validation: select(data, order.subarray(0, count).sort()),
    training: select(data, order.subarray(count).sort()),
  };
}
