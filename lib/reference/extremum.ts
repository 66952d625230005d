import { need } from '../ops/operator.ts';
import type { ReductionAttributes } from '../ops/reduction.ts';
import { elementCount } from '../shape.ts';
import { broadcastPlace } from './broadcast.ts';
import { beats } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** The extreme over the axes: f(so far, next) over all elements that fall on each of y. */
function extreme(f: (a: number, b: number) => number, none: number): ReferenceKernel {
  return (inputs, outputs) => {
    const [x, y] = [need(inputs[0]), need(outputs[0])];
    y.data.fill(none);
    for (let i = 0; i < x.size; i++) {
      const place = broadcastPlace(i, x.shape, y.shape);
      y.data[place] = f(y.data[place] as number, x.data[i] as number);
    }
  };
}

/** The place, along the axes, of the first x·sign that no other beats. */
function place(sign: 1 | -1): ReferenceKernel<ReductionAttributes> {
  return (inputs, outputs, { axes }) => {
    const [x, y] = [need(inputs[0]), need(outputs[0])];
    const best: (number | undefined)[] = [];
    const inner = elementCount(x.shape.slice((axes.at(-1) ?? -1) + 1));
    const count = elementCount(axes.map((axis) => x.shape[axis] as number));
    for (let i = 0; i < x.size; i++) {
      const at = broadcastPlace(i, x.shape, y.shape);
      const value = sign * (x.data[i] as number);
      const earlier = best[at];
      if (earlier !== undefined && !beats(value, earlier)) continue;
      best[at] = value;
      y.data[at] = axes.length === 0 ? 0 : Math.floor(i / inner) % count;
    }
  };
}

/** Extremes over axes and their places. */
export const extremum = {
  max: extreme(Math.max, Number.NEGATIVE_INFINITY),
  min: extreme(Math.min, Number.POSITIVE_INFINITY),
  argmax: place(1),
  argmin: place(-1),
};
