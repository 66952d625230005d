import { select as selectStage } from '../data/pipeline/select.ts';
import type { Samples } from '../data/samples.ts';
import { select } from '../data/select.ts';
import { isStreamed, type StreamedData } from '../data/trainingData.ts';
import { argumentError, StridenetError } from '../errors.ts';
import { Generator } from '../random.ts';

/** Parts of one data set. */
export interface SplitOff<D> {
  readonly training: D;
  readonly validation: D;
}

/** How many samples there are to choose from. Throws ERR_ARGUMENT where they cannot be chosen. */
function countOf(data: Samples | StreamedData): number {
  if (!isStreamed(data)) return data.x.shape[0] as number;
  const { access, traits } = data.stage;
  if (access !== null && traits.shuffles === 0) return access.count;
  const reason =
    access === null
      ? 'random access, and these can only be read one after the other: give validationData'
      : 'an order that stays, and these are shuffled: split them before, or give validationData';
  throw new StridenetError('ERR_ARGUMENT', `[fit] validationSplit needs data of ${reason}`);
}

function pick<D extends Samples | StreamedData>(data: D, places: Int32Array): D {
  if (!isStreamed(data)) return select(data, places) as D;
  return { ...data, stage: selectStage(data.stage, places) };
}

/**
 * A random share of samples to validate with, and the others, both in their order. It depends on
 * the seed and the number of samples alone.
 *
 * @param share above 0 and below 1; rounded to whole samples
 * @throws ERR_ARGUMENT when either would have no sample, and for data that are read one after the
 *   other or whose order changes
 */
export function splitOff<D extends Samples | StreamedData>(
  data: D,
  share: number,
  seed: number,
): SplitOff<D> {
  const samples = countOf(data);
  const count = Math.round(share * samples);
  if (count === 0 || count === samples) {
    const expected = `validationSplit to leave samples on both sides of ${samples}`;
    throw argumentError('fit', expected, share);
  }
  const order = new Generator(seed, 'validationSplit').permutation(samples);
  return {
    validation: pick(data, order.subarray(0, count).sort()),
    training: pick(data, order.subarray(count).sort()),
  };
}
