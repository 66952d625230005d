import { argumentError } from '../errors.ts';
import type { GatherRowsAttributes } from '../ops/gatherRows.ts';
import { need } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import type { ReferenceKernel } from './kernel.ts';

/** Row n of the output is row indices[n] of the data, times scale, plus offset. */
export const gatherRows: ReferenceKernel<GatherRowsAttributes> = (
  inputs,
  outputs,
  { scale, offset },
) => {
  const [data, indices, rows] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const count = data.shape[0] as number;
  const width = elementCount(data.shape.slice(1));
  const scaled = scale !== 1 || offset !== 0;
  for (let n = 0; n < indices.size; n++) {
    const row = indices.data[n] as number;
    if (row < 0 || row >= count) {
      throw argumentError('gatherRows', `the index of sample ${n} within [0, ${count})`, row);
    }
    for (let i = 0; i < width; i++) {
      const value = data.data[row * width + i] as number;
      rows.data[n * width + i] = scaled ? value * scale + offset : value;
    }
  }
};
