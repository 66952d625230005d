import { need } from '../ops/operator.ts';
import type { SliceAttributes } from '../ops/slice.ts';
import { indexAt, placeOf } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** The place in x from which the element of y with that index was taken. */
function origin(index: readonly number[], { axes, starts, steps }: SliceAttributes): number[] {
  return index.map((i, axis) => {
    const a = axes.indexOf(axis);
    return a < 0 ? i : (starts[a] as number) + i * (steps[a] as number);
  });
}

/** y[i, …] = x[start + i·step, …]. */
export const slice: ReferenceKernel<SliceAttributes> = (inputs, outputs, attributes) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (let to = 0; to < y.size; to++) {
    const from = placeOf(x.shape, origin(indexAt(y.shape, to), attributes));
    y.data[to] = x.data[from] as number;
  }
};

/** dx[start + i·step, …] = dy[i, …]; the rest stays 0. */
export const sliceGradient: ReferenceKernel<SliceAttributes> = (inputs, outputs, attributes) => {
  const [dy, dx] = [need(inputs[0]), need(outputs[0])];
  for (let from = 0; from < dy.size; from++) {
    const to = placeOf(dx.shape, origin(indexAt(dy.shape, from), attributes));
    dx.data[to] = dy.data[from] as number;
  }
};
