import { need } from '../ops/operator.ts';
import type { PadAttributes } from '../ops/pad.ts';
import type { Shape } from '../shape.ts';
import { indexAt, placeOf } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** The cell of an axis of `size` cells whose value stands at place i before or beyond it. */
function mirrored(i: number, size: number): number {
  if (i < 0) return -i;
  return i < size ? i : 2 * (size - 1) - i;
}

/** The index in x whose value stands at an index of y; null where the padding is constant. */
function origin(
  index: readonly number[],
  shape: Shape,
  { padding, mode }: PadAttributes,
): number[] | null {
  const from: number[] = [];
  for (const [axis, size] of shape.entries()) {
    const i = (index[axis] as number) - (padding[2 * axis] as number);
    if (mode === 'constant' && (i < 0 || i >= size)) return null;
    from.push(mode === 'replicate' ? Math.min(Math.max(i, 0), size - 1) : mirrored(i, size));
  }
  return from;
}

/** y[i] = x[i − before], in the padding the constant, the mirrored cell or the nearest one. */
export const pad: ReferenceKernel<PadAttributes> = (inputs, outputs, attributes) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (let to = 0; to < y.size; to++) {
    const from = origin(indexAt(y.shape, to), x.shape, attributes);
    y.data[to] = from === null ? attributes.value : (x.data[placeOf(x.shape, from)] as number);
  }
};

/** dx = Σ dy over the places that show a cell. */
export const padGradient: ReferenceKernel<PadAttributes> = (inputs, outputs, attributes) => {
  const [dy, dx] = [need(inputs[0]), need(outputs[0])];
  const sums = new Float64Array(dx.size);
  for (let from = 0; from < dy.size; from++) {
    const to = placeOf(dx.shape, need(origin(indexAt(dy.shape, from), dx.shape, attributes)));
    sums[to] = (sums[to] as number) + (dy.data[from] as number);
  }
  dx.data.set(sums);
};
