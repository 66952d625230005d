import { argumentError, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { forEachItem } from './collect.ts';
import { Dataset, partsOf } from './dataset.ts';
import { samplesSource } from './pipeline/placeSource.ts';
import type { Stage } from './pipeline/stage.ts';
import { checkSample, type Sample } from './sample.ts';
import { checkSamples, type Samples, scaleOf } from './samples.ts';

/** What `statistics` gives, a number a channel, in units of the values that reach a network. */
export interface Statistics {
  /** Of each channel or feature, scaled. */
  readonly mean: number[];
  /** Standard deviation of all values, divided by how many there are. */
  readonly std: number[];
}

const where = 'data.statistics';

/** Mean and sum of squared deviations of what was added, by channel, without cancellation. */
class Moments {
  readonly mean: Float64Array;
  readonly squares: Float64Array;
  #count = 0;

  constructor(channels: number) {
    this.mean = new Float64Array(channels);
    this.squares = new Float64Array(channels);
  }

  /** Values of a channel. */
  get count(): number {
    return this.#count;
  }

  /**
   * Adds the values of a sample (C, …), whose own moments are merged with those before (Chan, Golub
   * and LeVeque 1979).
   * @throws ERR_ARGUMENT for a value that is not finite
   */
  add({ data, size }: Tensor, index: number): void {
    const channels = this.mean.length;
    const count = size / channels;
    if (count === 0) return;
    const total = this.#count + count;
    for (let channel = 0; channel < channels; channel++) {
      const end = (channel + 1) * count;
      let [sum, squares] = [0, 0];
      for (let i = channel * count; i < end; i++) sum += data[i] as number;
      const own = sum / count;
      if (!Number.isFinite(own)) {
        throw argumentError(where, `finite values in sample ${index}`, own);
      }
      for (let i = channel * count; i < end; i++) squares += ((data[i] as number) - own) ** 2;
      const difference = own - (this.mean[channel] as number);
      const before = this.squares[channel] as number;
      const between = (difference * difference * this.#count * count) / total;
      this.squares[channel] = before + squares + between;
      this.mean[channel] = (this.mean[channel] as number) + (difference * count) / total;
    }
    this.#count = total;
  }
}

/**
 * Mean and standard deviation of each channel over all samples (C, …) of the first pass, scaled as
 * on their way into a network: uint8 by 1/255 unless the data say otherwise. Of samples (F), each
 * feature is a channel. For `sn.layers.normalization`.
 *
 * @param data in memory, or a data set of which one pass is read
 * @throws ERR_ARGUMENT where there is no sample, or a value that is not finite; ERR_SHAPE for
 *   samples of no axis or of different numbers of channels
 */
export async function statistics(data: Samples | Dataset<Sample>): Promise<Statistics> {
  let stage: Stage<Sample>;
  let scale: number | null;
  if (data instanceof Dataset) {
    ({
      stage,
      info: { scale },
    } = partsOf(data));
  } else {
    checkSamples(where, data);
    [stage, scale] = [samplesSource(data), scaleOf(data)];
  }
  let moments: Moments | null = null;
  await forEachItem(stage, ({ value, index }) => {
    checkSample(where, value, index);
    const { x } = value;
    const [channels] = x.shape;
    if (!channels)
      throw shapeError(where, `sample ${index} ${formatShape(x.shape)} has no channel`);
    moments ??= new Moments(channels);
    if (channels !== moments.mean.length) {
      const [own, before] = [channels, moments.mean.length];
      throw shapeError(
        where,
        `sample ${index} has ${own} channels where those before have ${before}`,
      );
    }
    scale ??= x.dtype === 'uint8' ? 1 / 255 : 1;
    moments.add(x, index);
  });
  const found = moments as Moments | null;
  if (found === null || found.count === 0) throw argumentError(where, 'at least one value', 0);
  const factor = scale ?? 1;
  return {
    mean: Array.from(found.mean, (mean) => mean * factor),
    std: Array.from(found.squares, (sum) => Math.sqrt(sum / found.count) * Math.abs(factor)),
  };
}
