import { need } from '../ops/operator.ts';
import type { SoftmaxAttributes } from '../ops/softmax.ts';
import { linesAlong } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** p = exp(x − max x) / Σ exp(x − max x) of some values, log p, and log Σ exp x, in float64. */
export function softmaxOf(values: readonly number[]): {
  p: number[];
  logP: number[];
  logSum: number;
} {
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exponentials = values.map((value) => Math.exp(value - largest));
  let sum = 0;
  for (const e of exponentials) sum += e;
  return {
    p: exponentials.map((e) => e / sum),
    logP: values.map((value) => value - largest - Math.log(sum)),
    logSum: Math.log(sum) + largest,
  };
}

/** y_i = exp(x_i − max x) / Σ_j exp(x_j − max x) along the axis. */
export const softmax: ReferenceKernel<SoftmaxAttributes> = (inputs, outputs, { axis }) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (const line of linesAlong(x.shape, axis)) {
    const { p } = softmaxOf(line.map((place) => x.data[place] as number));
    for (const [i, place] of line.entries()) y.data[place] = p[i] as number;
  }
};

/** dx_j = y_j · (dy_j − Σ_i dy_i · y_i) along the axis. */
export const softmaxGradient: ReferenceKernel<SoftmaxAttributes> = (inputs, outputs, { axis }) => {
  const [dy, y, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  for (const line of linesAlong(y.shape, axis)) {
    let dot = 0;
    for (const place of line) dot += dy.data[place] * y.data[place];
    for (const place of line) dx.data[place] = y.data[place] * (dy.data[place] - dot);
  }
};

/** y_i = x_i − max x − log Σ_j exp(x_j − max x) along the axis. */
export const logSoftmax: ReferenceKernel<SoftmaxAttributes> = (inputs, outputs, { axis }) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (const line of linesAlong(x.shape, axis)) {
    const { logP } = softmaxOf(line.map((place) => x.data[place] as number));
    for (const [i, place] of line.entries()) y.data[place] = logP[i] as number;
  }
};

/** dx_j = dy_j − exp(y_j) · Σ_i dy_i along the axis. */
export const logSoftmaxGradient: ReferenceKernel<SoftmaxAttributes> = (
  inputs,
  outputs,
  { axis },
) => {
  const [dy, y, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  for (const line of linesAlong(y.shape, axis)) {
    let sum = 0;
    for (const place of line) sum += dy.data[place] as number;
    for (const place of line) dx.data[place] = dy.data[place] - Math.exp(y.data[place]) * sum;
  }
};
