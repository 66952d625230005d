import type { ConcatAttributes } from '../ops/concat.ts';
import { need } from '../ops/operator.ts';
import { indexAt, placeOf } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y[…, offset + i, …] = x[…, i, …], the offset of an input being the sizes of those before it. */
export const concat: ReferenceKernel<ConcatAttributes> = (inputs, outputs, { axis }) => {
  const y = need(outputs[0]);
  let offset = 0;
  for (const input of inputs) {
    const x = need(input);
    for (let from = 0; from < x.size; from++) {
      const index = indexAt(x.shape, from);
      index[axis] = (index[axis] as number) + offset;
      y.data[placeOf(y.shape, index)] = x.data[from] as number;
    }
    offset += x.shape[axis] as number;
  }
};
