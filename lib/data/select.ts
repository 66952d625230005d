import { argumentError } from '../errors.ts';
import { allocate, type DType, Tensor } from '../tensor.ts';
import { checkSamples, type Samples } from './samples.ts';

function rows<D extends DType>(tensor: Tensor<D>, indices: readonly number[]): Tensor<D> {
  const width = tensor.shape.slice(1).reduce((product, size) => product * size, 1);
  const data = allocate(tensor.dtype, indices.length * width);
  indices.forEach((index, i) => {
    data.set(tensor.data.subarray(index * width, (index + 1) * width), i * width);
  });
  return new Tensor(data, [indices.length, ...tensor.shape.slice(1)], tensor.dtype);
}

/**
 * The samples at `indices`, in that order, in memory of their own.
 * @param data (M, …)
 * @param indices from 0 to M − 1, in any order; a number may occur more than once
 * @throws ERR_ARGUMENT when an index is none of a sample
 */
export function select(data: Samples, indices: ArrayLike<number>): Samples {
  checkSamples('select', data);
  const list = Array.from(indices);
  const count = data.x.shape[0] as number;
  for (const index of list) {
    if (!Number.isInteger(index) || index < 0 || index >= count) {
      throw argumentError('select', `indices from 0 to ${count - 1}`, index);
    }
  }
  const { x, y, ...rest } = data;
  return { ...rest, x: rows(x, list), y: rows(y, list) };
}

/** `value` counted from the end if negative, and kept within 0 to `count`. */
function bound(name: string, value: unknown, count: number): number {
  if (!Number.isInteger(value)) {
    throw argumentError('slice', `${name} to be an integer`, value);
  }
  const place = value as number;
  return Math.min(Math.max(place < 0 ? place + count : place, 0), count);
}

/**
 * The samples from `start` up to, not including, `end`, in memory of their own. As with
 * Array.prototype.slice, negative numbers count from the end and those beyond the samples mean
 * their end.
 * @param data (M, …)
 * @param start default 0
 * @param end default: the number of samples
 * @throws ERR_ARGUMENT for a bound that is no integer
 */
export function slice(data: Samples, start = 0, end?: number): Samples {
  checkSamples('slice', data);
  const count = data.x.shape[0] as number;
  const first = bound('start', start, count);
  const last = bound('end', end ?? count, count);
  return select(
    data,
    Array.from({ length: Math.max(last - first, 0) }, (_, i) => first + i),
  );
}
