import { argumentError, checkOptions } from '../errors.ts';
import { erase } from '../ops/erase.ts';
import { checkPair, type Pair } from '../shape.ts';
import {
  type Augmentation,
  checkFinite,
  checkProbability,
  imageSize,
  type SampleSpec,
  type Stage,
} from './augmentation.ts';

/** Of a box along an axis: the ends of boxes are int32. */
const mostPixels = 2 ** 30;

/** Settings of cutout. */
export interface CutoutOptions {
  /** Pixels of the box; [rows, columns]. */
  size: number | Pair;
  /** What stands in the box, in the units that the network gets; default 0. */
  value?: number;
  /** From 0 to 1; default 1. */
  probability?: number;
}

/**
 * A box of each image overwritten, about a pixel that may be any; what of the box is outside of the
 * image is lost (DeVries and Taylor 2017).
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function cutout(options: CutoutOptions): Augmentation {
  checkOptions('cutout', options, ['size', 'value', 'probability']);
  const size = checkPair('cutout', 'size', options.size, 1);
  if (Math.max(...size) > mostPixels) {
    throw argumentError('cutout', `size to be at most ${mostPixels}`, size);
  }
  const value = checkFinite('cutout', 'value', options.value ?? 0);
  const probability = checkProbability('cutout', options.probability, 1);
  return { kind: 'cutout', options: { size, value, probability } };
}

/**
 * The stage of a cutout; null for another augmentation.
 * @throws ERR_SHAPE when the samples are no images
 */
export function cutoutStage(
  where: string,
  { kind, options }: Augmentation,
  samples: SampleSpec,
): Stage | null {
  if (kind !== 'cutout') return null;
  const [H, W] = imageSize(where, samples);
  const [rows, columns] = options.size as Pair;
  const [value, probability] = [options.value as number, options.probability as number];
  return {
    inputs: (batch) => [{ shape: [batch, 4], dtype: 'int32', batched: true }],
    draw(stream, count, [boxes]) {
      const random = stream(0);
      for (let n = 0; n < count; n++) {
        const applied = random.uniform() < probability;
        const top = random.integer(Math.max(1, H)) - Math.floor(rows / 2);
        const left = random.integer(Math.max(1, W)) - Math.floor(columns / 2);
        const box = applied ? [top, left, top + rows, left + columns] : [0, 0, 0, 0];
        (boxes as Int32Array).set(box, 4 * n);
      }
    },
    trace: ({ x, y }, [boxes]) => ({ x: erase(x, boxes as never, { value }), y }),
  };
}
