import { argumentError } from '../errors.ts';
import type { GatherAttributes, GatherGradientAttributes } from '../ops/gather.ts';
import { need } from '../ops/operator.ts';
import { elementCount, formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { indexAt } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** The indices, each within [0, size). */
function checkedIndices(where: string, { data, shape }: Tensor, size: number): Tensor['data'] {
  for (const [i, index] of data.entries()) {
    if (index >= 0 && index < size) continue;
    const place = formatShape(indexAt(shape, i));
    throw argumentError(where, `the index at ${place} to be in [0, ${size})`, index);
  }
  return data;
}

/** y[a, i, b] = x[a, indices[i], b], several axes before and after taken as one each. */
export const gather: ReferenceKernel<GatherAttributes> = (inputs, outputs, { axis }) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  const size = x.shape[axis] as number;
  const indices = checkedIndices('gather', need(inputs[1]), size);
  const outer = elementCount(x.shape.slice(0, axis));
  const inner = elementCount(x.shape.slice(axis + 1));
  for (let a = 0; a < outer; a++) {
    for (const [i, index] of indices.entries()) {
      for (let b = 0; b < inner; b++) {
        const from = (a * size + index) * inner + b;
        y.data[(a * indices.length + i) * inner + b] = x.data[from] as number;
      }
    }
  }
};

/** dx[a, indices[i], b] = Σ_i dy[a, i, b]. */
export const gatherGradient: ReferenceKernel<GatherGradientAttributes> = (
  inputs,
  outputs,
  { axis, size },
) => {
  const [dy, dx] = [need(inputs[0]), need(outputs[0])];
  const indices = checkedIndices('gatherGradient', need(inputs[1]), size);
  const outer = elementCount(dx.shape.slice(0, axis));
  const inner = elementCount(dx.shape.slice(axis + 1));
  const sums = new Float64Array(dx.size);
  for (let a = 0; a < outer; a++) {
    for (const [i, index] of indices.entries()) {
      for (let b = 0; b < inner; b++) {
        const to = (a * size + index) * inner + b;
        const from = (a * indices.length + i) * inner + b;
        sums[to] = (sums[to] as number) + (dy.data[from] as number);
      }
    }
  }
  dx.data.set(sums);
};
