import { need } from '../ops/operator.ts';
import type { TransposeAttributes } from '../ops/transpose.ts';
import { indexAt, placeOf } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y[i_axes[0], i_axes[1], …] = x[i_0, i_1, …]. */
export const transpose: ReferenceKernel<TransposeAttributes> = (inputs, outputs, { axes }) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (let from = 0; from < x.size; from++) {
    const index = indexAt(x.shape, from);
    const to = placeOf(
      y.shape,
      axes.map((axis) => index[axis] as number),
    );
    y.data[to] = x.data[from] as number;
  }
};
