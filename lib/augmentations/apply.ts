import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { gatherRows } from '../ops/gatherRows.ts';
import { checkSeed } from '../random.ts';
import { checkInteger, formatShape } from '../shape.ts';
import { checkMemory, Tensor } from '../tensor.ts';
import type { Augmentation } from './augmentation.ts';
import { Augmentations } from './compiled.ts';

/** Settings of apply. */
export interface ApplyOptions {
  /** As that of a fit; default 0. */
  seed?: number;
  /** The epoch, counted from 1; default 1. */
  epoch?: number;
  /** The step of the epoch, or of its batches where several make a step, counted from 1; default 1. */
  step?: number;
}

/**
 * What training makes of a batch: the samples that a fit with this seed would have in that step,
 * were these its batch.
 *
 * @param x (N,…): floating, or uint8, of which training takes 1/255
 * @param list in the order in which they are applied
 * @returns (N,…), floating
 * @throws ERR_ARGUMENT, ERR_SHAPE, ERR_DTYPE for what is no augmentation or does not fit x
 */
export function apply(
  x: Tensor,
  list: readonly Augmentation[],
  options: ApplyOptions = {},
): Tensor {
  if (!(x instanceof Tensor)) throw argumentError('apply', 'x to be a Tensor', x);
  checkMemory('apply', 'x', x);
  checkOptions('apply', options, ['seed', 'epoch', 'step']);
  const seed = checkSeed('apply', options.seed ?? 0);
  const epoch = checkInteger('apply', 'epoch', options.epoch ?? 1, 1);
  const step = checkInteger('apply', 'step', options.step ?? 1, 1);
  const [N, ...shape] = x.shape;
  if (N === undefined || shape.length === 0) {
    throw shapeError('apply', `x must be samples (N, …) but has shape ${formatShape(x.shape)}`);
  }
  const indices = new Tensor(
    Int32Array.from({ length: N }, (_, i) => i),
    [N],
    'int32',
  );
  const values: Tensor =
    x.dtype === 'uint8' ? gatherRows(x, indices, { dtype: 'float32', scale: 1 / 255 }) : x;
  const dtype = values.dtype === 'float64' ? 'float64' : 'float32';
  const augmentations = new Augmentations('apply', list, { shape, dtype, classes: null });
  const feeds = augmentations.feeds({ seed, epoch, step }, [N], N);
  const inputs = augmentations.inputs(N).map((spec, i) => {
    return new Tensor(feeds[i] as Tensor['data'], spec.shape, spec.dtype);
  });
  return augmentations.trace({ x: values, y: null }, inputs).x as Tensor;
}
