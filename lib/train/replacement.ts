import { argumentError, shapeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { sameShape } from '../shape.ts';
import { checkMemory, describe, Tensor } from '../tensor.ts';
import type { Architecture } from './architecture.ts';

/** PyTorch's count of steps, of which nothing depends here. */
const counter = /\.num_batches_tracked$/;

/**
 * Copies of `values` that may take the place of a network's parameters, without `counter`s.
 * @throws ERR_ARGUMENT for an unknown key; ERR_SHAPE for a value that does not fit
 */
export function replacementOf(
  { parameters, dtype }: Architecture,
  values: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  if (!(values instanceof Map)) throw argumentError('setParameters', 'a Map of Tensors', values);
  const known = new Map(parameters.map(({ key, shape }) => [key, shape]));
  const given = [...values].filter(
    ([key]) => !counter.test(key) || !known.has(key.replace(counter, '.running_mean')),
  );
  for (const [key, value] of given) {
    const shape = known.get(key);
    if (shape === undefined) {
      throw unknownName('setParameters', 'key of this network', key, [...known.keys()]);
    }
    if (!(value instanceof Tensor)) {
      throw argumentError('setParameters', `${key} to be a Tensor`, value);
    }
    checkMemory('setParameters', key, value);
    if (sameShape(value.shape, shape) && value.dtype === dtype) continue;
    throw shapeError(
      'setParameters',
      `${key} must be ${describe({ shape, dtype })} but is ${describe(value)}`,
    );
  }
  return new Map(given.map(([key, value]) => [key, value.clone()]));
}
