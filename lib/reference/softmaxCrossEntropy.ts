import { argumentError } from '../errors.ts';
import { need } from '../ops/operator.ts';
import type { LossAttributes } from '../ops/softmaxCrossEntropy.ts';
import type { Tensor } from '../tensor.ts';
import { at2, sizes2 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';
import { softmaxOfRow } from './softmax.ts';

/**
 * The class of a sample whose labels are class numbers.
 * Throws ERR_ARGUMENT when it is not in [0, classes).
 */
export function labelOf(where: string, labels: Tensor, sample: number, classes: number): number {
  const label = labels.data[sample] as number;
  if (label < 0 || label >= classes) {
    throw argumentError(where, `the label of sample ${sample} to be in [0, ${classes})`, label);
  }
  return label;
}

/** The targets of one sample: its row of the labels, or 1 at its class number. */
function targetsOfRow(where: string, labels: Tensor, n: number, C: number): number[] {
  const target = new Array<number>(C).fill(0);
  if (labels.shape.length === 1) {
    target[labelOf(where, labels, n, C)] = 1;
  } else {
    for (let c = 0; c < C; c++) target[c] = labels.data[at2(labels.shape, n, c)] as number;
  }
  return target;
}

/** loss[n] = Σ_c t[n,c] · (log Σ_j exp z[n,j] − z[n,c]); their mean over N, their sum, or each. */
export const softmaxCrossEntropy: ReferenceKernel<LossAttributes> = (
  inputs,
  outputs,
  { reduction },
) => {
  const [z, labels, loss] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [N, C] = sizes2(z);
  let sum = 0;
  for (let n = 0; n < N; n++) {
    const t = targetsOfRow('softmaxCrossEntropy', labels, n, C);
    const { logSum } = softmaxOfRow(z, n);
    let own = 0;
    for (let c = 0; c < C; c++) {
      const target = t[c] as number;
      if (target !== 0) own += target * (logSum - z.data[at2(z.shape, n, c)]);
    }
    if (reduction === 'none') loss.data[n] = own;
    sum += own;
  }
  if (reduction === 'sum') loss.data[0] = sum;
  if (reduction === 'mean') loss.data[0] = sum / N;
};

/** dz[n,c] = (Σ_j t[n,j] · p[n,c] − t[n,c]) · dloss, over N for the mean. */
export const softmaxCrossEntropyGradient: ReferenceKernel<LossAttributes> = (
  inputs,
  outputs,
  { reduction },
) => {
  const [z, labels, dloss] = [need(inputs[0]), need(inputs[1]), need(inputs[2])];
  const dz = need(outputs[0]);
  const [N, C] = sizes2(z);
  for (let n = 0; n < N; n++) {
    const t = targetsOfRow('softmaxCrossEntropyGradient', labels, n, C);
    const { p } = softmaxOfRow(z, n);
    let mass = 0;
    for (let c = 0; c < C; c++) mass += t[c] as number;
    const scale = dloss.data[reduction === 'none' ? n : 0] / (reduction === 'mean' ? N : 1);
    for (let c = 0; c < C; c++) {
      dz.data[at2(dz.shape, n, c)] = (mass * (p[c] as number) - (t[c] as number)) * scale;
    }
  }
};
