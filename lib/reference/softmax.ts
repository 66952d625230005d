import { need } from '../ops/operator.ts';
import type { Tensor } from '../tensor.ts';
import { at2, sizes2 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** exp(x − max x) / Σ exp(x − max x) of one row, and log Σ exp x, in float64. */
export function softmaxOfRow(x: Tensor, row: number): { p: number[]; logSum: number } {
  const [, C] = sizes2(x);
  const values = Array.from({ length: C }, (_, c) => x.data[at2(x.shape, row, c)] as number);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exponentials = values.map((value) => Math.exp(value - largest));
  let sum = 0;
  for (const e of exponentials) sum += e;
  return { p: exponentials.map((e) => e / sum), logSum: Math.log(sum) + largest };
}

/** y[n,i] = exp(x[n,i] − max x[n]) / Σ_j exp(x[n,j] − max x[n]). */
export const softmax: ReferenceKernel = (inputs, outputs) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  const [N, C] = sizes2(x);
  for (let n = 0; n < N; n++) {
    const { p } = softmaxOfRow(x, n);
    for (let c = 0; c < C; c++) y.data[at2(y.shape, n, c)] = p[c] as number;
  }
};

/** dx[n,j] = y[n,j] · (dy[n,j] − Σ_i dy[n,i] · y[n,i]). */
export const softmaxGradient: ReferenceKernel = (inputs, outputs) => {
  const [dy, y, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [N, C] = sizes2(y);
  for (let n = 0; n < N; n++) {
    let dot = 0;
    for (let i = 0; i < C; i++) {
      dot += dy.data[at2(dy.shape, n, i)] * y.data[at2(y.shape, n, i)];
    }
    for (let j = 0; j < C; j++) {
      const place = at2(y.shape, n, j);
      dx.data[place] = y.data[place] * (dy.data[place] - dot);
    }
  }
};
