import type { LayerNormAttributes, LayerNormGradientAttributes } from '../ops/layerNorm.ts';
import { need } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { momentsOf } from './batchNorm.ts';
import type { ReferenceKernel } from './kernel.ts';

/** Rows, and elements of a row, when the last axes of x are one. */
function rowsOf(x: Tensor, axes: number): readonly [number, number] {
  const outer = x.shape.length - axes;
  return [elementCount(x.shape.slice(0, outer)), elementCount(x.shape.slice(outer))];
}

function parameter(tensor: Tensor | null | undefined, d: number, otherwise: number): number {
  return tensor ? (tensor.data[d] as number) : otherwise;
}

/** y = (x − mean)/√(variance + ε) · weight + bias, by the moments of each row. */
export const layerNorm: ReferenceKernel<LayerNormAttributes> = (
  inputs,
  outputs,
  { axes, epsilon },
) => {
  const x = need(inputs[0]);
  const [y, savedMean, inverseDeviation] = outputs;
  const [R, D] = rowsOf(x, axes);
  for (let r = 0; r < R; r++) {
    const values = Array.from({ length: D }, (_, d) => x.data[r * D + d] as number);
    const { mean, squares } = momentsOf(values);
    const inverse = 1 / Math.sqrt(squares / D + epsilon);
    if (savedMean) savedMean.data[r] = mean;
    if (inverseDeviation) inverseDeviation.data[r] = inverse;
    if (!y) continue;
    for (const [d, value] of values.entries()) {
      const [weight, bias] = [parameter(inputs[1], d, 1), parameter(inputs[2], d, 0)];
      y.data[r * D + d] = (value - mean) * inverse * weight + bias;
    }
  }
};

/**
 * With x̂ = (x − mean)·inverse and g = dy·weight: dx = inverse·(g − Σ g/D − x̂·Σ g·x̂/D) in each row,
 * dweight = Σ dy·x̂ and dbias = Σ dy over the rows.
 */
export const layerNormGradient: ReferenceKernel<LayerNormGradientAttributes> = (
  inputs,
  outputs,
  { axes },
) => {
  const [dy, x, mean, inverseDeviation] = inputs.slice(0, 4).map(need) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const [dx, dweight, dbias] = outputs;
  const [R, D] = rowsOf(x, axes);
  const dweights = new Float64Array(D);
  const dbiases = new Float64Array(D);
  for (let r = 0; r < R; r++) {
    const inverse = inverseDeviation.data[r] as number;
    const normalized = (d: number): number => (x.data[r * D + d] - mean.data[r]) * inverse;
    let [sum, product] = [0, 0];
    for (let d = 0; d < D; d++) {
      const message = dy.data[r * D + d] as number;
      const g = message * parameter(inputs[4], d, 1);
      sum += g;
      product += g * normalized(d);
      dweights[d] = (dweights[d] as number) + message * normalized(d);
      dbiases[d] = (dbiases[d] as number) + message;
    }
    if (!dx) continue;
    for (let d = 0; d < D; d++) {
      const g = dy.data[r * D + d] * parameter(inputs[4], d, 1);
      dx.data[r * D + d] = inverse * (g - (sum + normalized(d) * product) / D);
    }
  }
  dweight?.data.set(dweights);
  dbias?.data.set(dbiases);
};
