import type { FlipAttributes } from '../ops/flip.ts';
import { need } from '../ops/operator.ts';
import { indexAt, placeOf } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y[…, i, …] = x[…, size − 1 − i, …] along the flipped axes. */
export const flip: ReferenceKernel<FlipAttributes> = (inputs, outputs, { axes }) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (let to = 0; to < y.size; to++) {
    const index = indexAt(y.shape, to);
    for (const axis of axes) index[axis] = (x.shape[axis] as number) - 1 - (index[axis] as number);
    y.data[to] = x.data[placeOf(x.shape, index)] as number;
  }
};
