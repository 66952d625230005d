import { argumentError, shapeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { sameShape } from '../shape.ts';
import { checkMemory, describe, Tensor } from '../tensor.ts';
import type { Architecture } from './architecture.ts';

const counter = '.num_batches_tracked';

/**
 * Whether it is PyTorch's count of the steps of a batch normalization, of which nothing depends here.
 * @param names those that are known
 */
export function isCounter(name: string, names: { has(name: string): boolean }): boolean {
  return name.endsWith(counter) && names.has(`${name.slice(0, -counter.length)}.running_mean`);
}

/**
 * Copies of `values` that may take the place of a network's parameters, without counts of steps.
 * @throws ERR_ARGUMENT for an unknown key; ERR_SHAPE for a value that does not fit
 */
export function replacementOf(
  { parameters, dtype }: Architecture,
  values: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  if (!(values instanceof Map)) throw argumentError('setParameters', 'a Map of Tensors', values);
  const known = new Map(parameters.map(({ key, shape }) => [key, shape]));
  const given = [...values].filter(([key]) => !isCounter(key, known));
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
