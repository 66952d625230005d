import { argumentError } from '../errors.ts';
import { need } from '../ops/operator.ts';
import type { SoftmaxCrossEntropyAttributes } from '../ops/softmaxCrossEntropy.ts';
import type { Tensor } from '../tensor.ts';
import { at2, sizes2 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';
import { softmaxOf } from './softmax.ts';

/**
 * The class of a sample whose labels are class numbers.
 * Throws ERR_ARGUMENT when it is not in [0, classes).
 */
export function labelOf(where: string, labels: Tensor, sample: number, classes: number): number {
  const label = labels.data[sample] as number;
  if (label < 0 || label >= classes) {
    throw argumentError(where, `the label of sample ${sample} within [0, ${classes})`, label);
  }
  return label;
}

function row(z: Tensor, n: number): number[] {
  const [, C] = sizes2(z);
  return Array.from({ length: C }, (_, c) => z.data[at2(z.shape, n, c)] as number);
}

/**
 * q_c = w_c·((1 − ε)·t_c + ε/C) of one sample: t is its row of the labels, or 1 at its class
 * number, w the weights of the classes, ε the label smoothing.
 */
function targetsOfRow(
  where: string,
  labels: Tensor,
  weights: Tensor | null,
  smoothing: number,
  n: number,
  C: number,
): number[] {
  const own = labels.shape.length === 1 ? labelOf(where, labels, n, C) : -1;
  return Array.from({ length: C }, (_, c) => {
    const t = own < 0 ? labels.data[at2(labels.shape, n, c)] : c === own ? 1 : 0;
    const smooth = smoothing === 0 ? t : (1 - smoothing) * t + smoothing / C;
    return weights === null ? smooth : weights.data[c] * smooth;
  });
}

/** What the mean divides by: N, or the sum of the weights of the samples' class numbers. */
function divisorOf(where: string, labels: Tensor, weights: Tensor | null, C: number): number {
  const N = labels.shape[0] as number;
  if (weights === null || labels.shape.length === 2) return N;
  let sum = 0;
  for (let n = 0; n < N; n++) sum += weights.data[labelOf(where, labels, n, C)] as number;
  return sum;
}

/** loss[n] = Σ_c q[n,c] · (log Σ_j exp z[n,j] − z[n,c]); their mean, their sum, or each. */
export const softmaxCrossEntropy: ReferenceKernel<SoftmaxCrossEntropyAttributes> = (
  inputs,
  outputs,
  { reduction, labelSmoothing },
) => {
  const [z, labels, loss] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const weights = inputs[2] ?? null;
  const [N, C] = sizes2(z);
  let sum = 0;
  for (let n = 0; n < N; n++) {
    const q = targetsOfRow('softmaxCrossEntropy', labels, weights, labelSmoothing, n, C);
    const { logSum } = softmaxOf(row(z, n));
    let own = 0;
    for (let c = 0; c < C; c++) {
      const target = q[c] as number;
      if (target !== 0) own += target * (logSum - z.data[at2(z.shape, n, c)]);
    }
    if (reduction === 'none') loss.data[n] = own;
    sum += own;
  }
  if (reduction === 'sum') loss.data[0] = sum;
  if (reduction === 'mean') {
    loss.data[0] = sum / divisorOf('softmaxCrossEntropy', labels, weights, C);
  }
};

/** dz[n,c] = (Σ_j q[n,j] · p[n,c] − q[n,c]) · dloss, over the divisor of the mean. */
export const softmaxCrossEntropyGradient: ReferenceKernel<SoftmaxCrossEntropyAttributes> = (
  inputs,
  outputs,
  { reduction, labelSmoothing },
) => {
  const [z, labels, dloss] = [need(inputs[0]), need(inputs[1]), need(inputs[2])];
  const weights = inputs[3] ?? null;
  const dz = need(outputs[0]);
  const [N, C] = sizes2(z);
  const where = 'softmaxCrossEntropyGradient';
  const divisor = reduction === 'mean' ? divisorOf(where, labels, weights, C) : 1;
  for (let n = 0; n < N; n++) {
    const q = targetsOfRow(where, labels, weights, labelSmoothing, n, C);
    const { p } = softmaxOf(row(z, n));
    let mass = 0;
    for (let c = 0; c < C; c++) mass += q[c] as number;
    const scale = dloss.data[reduction === 'none' ? n : 0] / divisor;
    for (let c = 0; c < C; c++) {
      dz.data[at2(dz.shape, n, c)] = (mass * (p[c] as number) - (q[c] as number)) * scale;
    }
  }
};
