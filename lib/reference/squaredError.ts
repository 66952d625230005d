import { need } from '../ops/operator.ts';
import type { LossAttributes } from '../ops/softmaxCrossEntropy.ts';
import type { ReferenceKernel } from './kernel.ts';

/** (prediction − target)², their mean over all elements, their sum, or each. */
export const squaredError: ReferenceKernel<LossAttributes> = (inputs, outputs, { reduction }) => {
  const [prediction, target, loss] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  let sum = 0;
  for (let i = 0; i < prediction.size; i++) {
    const difference = prediction.data[i] - target.data[i];
    if (reduction === 'none') loss.data[i] = difference * difference;
    sum += difference * difference;
  }
  if (reduction === 'sum') loss.data[0] = sum;
  if (reduction === 'mean') loss.data[0] = sum / prediction.size;
};

/** 2 · (prediction − target) · dloss, over the number of elements for the mean. */
export const squaredErrorGradient: ReferenceKernel<LossAttributes> = (
  inputs,
  outputs,
  { reduction },
) => {
  const [prediction, target, dloss] = [need(inputs[0]), need(inputs[1]), need(inputs[2])];
  const dprediction = need(outputs[0]);
  const divisor = reduction === 'mean' ? prediction.size : 1;
  for (let i = 0; i < prediction.size; i++) {
    const scale = dloss.data[reduction === 'none' ? i : 0] / divisor;
    dprediction.data[i] = 2 * (prediction.data[i] - target.data[i]) * scale;
  }
};
