import { need } from '../ops/operator.ts';
import type { ReductionAttributes, SumGradientAttributes } from '../ops/reduction.ts';
import type { Tensor } from '../tensor.ts';
import { broadcastPlace } from './broadcast.ts';
import type { ReferenceKernel } from './kernel.ts';

/** Σ x over the elements that fall on each of y. */
function sums(x: Tensor, y: Tensor): Float64Array {
  const result = new Float64Array(y.size);
  for (let i = 0; i < x.size; i++) {
    const place = broadcastPlace(i, x.shape, y.shape);
    result[place] = (result[place] as number) + (x.data[i] as number);
  }
  return result;
}

/** y = Σ x over the axes. */
export const sum: ReferenceKernel<ReductionAttributes> = (inputs, outputs) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  y.data.set(sums(x, y));
};

/** y = Σ x over the axes, over the number of elements. */
export const mean: ReferenceKernel<ReductionAttributes> = (inputs, outputs) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  y.data.set(sums(x, y).map((total) => total / (x.size / y.size)));
};

/** dx = dy, for the mean over the number of elements. */
export const sumGradient: ReferenceKernel<SumGradientAttributes> = (inputs, outputs, { mean }) => {
  const [dy, dx] = [need(inputs[0]), need(outputs[0])];
  for (let i = 0; i < dx.size; i++) {
    const value = dy.data[broadcastPlace(i, dx.shape, dy.shape)] as number;
    dx.data[i] = mean ? value / (dx.size / dy.size) : value;
  }
};
