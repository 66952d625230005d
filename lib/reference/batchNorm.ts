import type {
  BatchNormGradientAttributes,
  BatchNormTrainingAttributes,
  NormAttributes,
} from '../ops/batchNorm.ts';
import { need } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { ReferenceKernel } from './kernel.ts';

/** The places of the elements of channel c. */
function channelOf(x: Tensor, c: number): number[] {
  const [N = 0, C = 0] = x.shape;
  const area = elementCount(x.shape.slice(2));
  const places: number[] = [];
  for (let n = 0; n < N; n++) {
    for (let a = 0; a < area; a++) places.push((n * C + c) * area + a);
  }
  return places;
}

/**
 * The mean of some values and Σ (x − mean)², in two passes: the second corrects the rounding of the
 * first mean (Chan, Golub and LeVeque 1983).
 */
export function momentsOf(values: readonly number[]): { mean: number; squares: number } {
  let total = 0;
  for (const value of values) total += value;
  const first = total / values.length;
  let [rest, squares] = [0, 0];
  for (const value of values) {
    rest += value - first;
    squares += (value - first) ** 2;
  }
  const correction = rest / values.length;
  return { mean: first + correction, squares: Math.max(0, squares - rest * correction) };
}

function parameter(tensor: Tensor | null | undefined, c: number, otherwise: number): number {
  return tensor ? (tensor.data[c] as number) : otherwise;
}

/** y = (x − mean)/√(variance + ε) · weight + bias. */
export const batchNorm: ReferenceKernel<NormAttributes> = (inputs, outputs, { epsilon }) => {
  const [x, mean, variance] = [need(inputs[0]), need(inputs[1]), need(inputs[2])];
  const [y, inverseDeviation] = outputs;
  for (let c = 0; c < mean.size; c++) {
    const inverse = 1 / Math.sqrt(variance.data[c] + epsilon);
    const [weight, bias] = [parameter(inputs[3], c, 1), parameter(inputs[4], c, 0)];
    if (inverseDeviation) inverseDeviation.data[c] = inverse;
    if (!y) continue;
    for (const i of channelOf(x, c)) {
      y.data[i] = (x.data[i] - mean.data[c]) * inverse * weight + bias;
    }
  }
};

/** The same by the mean and the biased variance of x itself; running statistics follow. */
export const batchNormTraining: ReferenceKernel<BatchNormTrainingAttributes> = (
  inputs,
  outputs,
  { momentum, epsilon },
) => {
  const x = need(inputs[0]);
  const [, runningMean, runningVariance] = inputs;
  const [y, savedMean, inverseDeviation, newMean, newVariance] = outputs;
  const C = x.shape[1] as number;
  for (let c = 0; c < C; c++) {
    const places = channelOf(x, c);
    const M = places.length;
    const { mean, squares } = momentsOf(places.map((i) => x.data[i] as number));
    const inverse = 1 / Math.sqrt(squares / M + epsilon);
    const [weight, bias] = [parameter(inputs[3], c, 1), parameter(inputs[4], c, 0)];
    if (y) for (const i of places) y.data[i] = (x.data[i] - mean) * inverse * weight + bias;
    if (savedMean) savedMean.data[c] = mean;
    if (inverseDeviation) inverseDeviation.data[c] = inverse;
    if (newMean) {
      const old = need(runningMean).data[c] as number;
      newMean.data[c] = M === 0 ? old : (1 - momentum) * old + momentum * mean;
    }
    if (newVariance) {
      const old = need(runningVariance).data[c] as number;
      newVariance.data[c] = M < 2 ? old : (1 - momentum) * old + (momentum * squares) / (M - 1);
    }
  }
};

/**
 * With x̂ = (x − mean)·inverse: dbias = Σ dy, dweight = Σ dy·x̂, dx = weight·inverse·dy, in training
 * weight·inverse·(dy − dbias/M − x̂·dweight/M).
 */
export const batchNormGradient: ReferenceKernel<BatchNormGradientAttributes> = (
  inputs,
  outputs,
  { training },
) => {
  const [dy, x, mean, inverseDeviation] = inputs.slice(0, 4).map(need) as [
    Tensor,
    Tensor,
    Tensor,
    Tensor,
  ];
  const [dx, dweight, dbias] = outputs;
  for (let c = 0; c < mean.size; c++) {
    const places = channelOf(x, c);
    const inverse = inverseDeviation.data[c] as number;
    let [sum, product] = [0, 0];
    for (const i of places) {
      sum += dy.data[i] as number;
      product += dy.data[i] * (x.data[i] - mean.data[c]) * inverse;
    }
    if (dweight) dweight.data[c] = product;
    if (dbias) dbias.data[c] = sum;
    if (!dx) continue;
    const scale = parameter(inputs[4], c, 1) * inverse;
    const M = places.length;
    for (const i of places) {
      const normalized = (x.data[i] - mean.data[c]) * inverse;
      const moved = training ? sum / M + (normalized * product) / M : 0;
      dx.data[i] = scale * (dy.data[i] - moved);
    }
  }
};
