import { argumentError } from '../errors.ts';
import { allocate, type DType, Tensor } from '../tensor.ts';
import { checkDataset, type Dataset } from './dataset.ts';

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
 * @throws ERR_ARGUMENT when an index is none of a sample
 */
export function select(data: Dataset, indices: ArrayLike<number>): Dataset {
  checkDataset('select', data);
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

/**
 * The samples from `start` up to, not including, `end`, in memory of their own.
 * @throws ERR_ARGUMENT unless 0 ≤ start ≤ end ≤ the number of samples
 */
export function slice(data: Dataset, start: number, end: number): Dataset {
  checkDataset('slice', data);
  const count = data.x.shape[0] as number;
  if (!Number.isInteger(end) || end < 0 || end > count) {
    throw argumentError('slice', `end to be an integer from 0 to ${count}`, end);
  }
  if (!Number.isInteger(start) || start < 0 || start > end) {
    throw argumentError('slice', `start to be an integer from 0 to ${end}`, start);
  }
  return select(
    data,
    Array.from({ length: end - start }, (_, i) => start + i),
  );
}
