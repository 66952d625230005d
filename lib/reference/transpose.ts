import { need } from '../ops/operator.ts';
import type { TransposeAttributes } from '../ops/transpose.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y[i_axes[0], i_axes[1], …] = x[i_0, i_1, …]. */
export const transpose: ReferenceKernel<TransposeAttributes> = (inputs, outputs, { axes }) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (let from = 0; from < x.size; from++) {
    const index: number[] = [];
    let rest = from;
    for (let axis = x.shape.length - 1; axis >= 0; axis--) {
      const size = x.shape[axis] as number;
      index[axis] = rest % size;
      rest = Math.floor(rest / size);
    }
    let to = 0;
    for (const [i, axis] of axes.entries()) {
      to = to * (y.shape[i] as number) + (index[axis] as number);
    }
    y.data[to] = x.data[from] as number;
  }
};
