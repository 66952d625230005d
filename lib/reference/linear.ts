import { need } from '../ops/operator.ts';
import { sizes2 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y[n,o] = bias[o] + Σ_f x[n,f] · weight[o,f]. */
export const linear: ReferenceKernel = (inputs, outputs) => {
  const [x, weight, bias, y] = [need(inputs[0]), need(inputs[1]), inputs[2], need(outputs[0])];
  const [N, F] = sizes2(x);
  const [O] = sizes2(weight);
  for (let n = 0; n < N; n++) {
    for (let o = 0; o < O; o++) {
      let sum = 0;
      for (let f = 0; f < F; f++) {
        sum += x.data[n * F + f] * weight.data[o * F + f];
      }
      y.data[n * O + o] = bias ? sum + bias.data[o] : sum;
    }
  }
};

/** dx[n,f] = Σ_o dy[n,o] · weight[o,f]. */
export const linearInputGradient: ReferenceKernel = (inputs, outputs) => {
  const [dy, weight, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [N, O] = sizes2(dy);
  const [, F] = sizes2(weight);
  for (let n = 0; n < N; n++) {
    for (let f = 0; f < F; f++) {
      let sum = 0;
      for (let o = 0; o < O; o++) {
        sum += dy.data[n * O + o] * weight.data[o * F + f];
      }
      dx.data[n * F + f] = sum;
    }
  }
};

/** dw[o,f] = Σ_n dy[n,o] · x[n,f]. */
export const linearWeightGradient: ReferenceKernel = (inputs, outputs) => {
  const [x, dy, dw] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [N, F] = sizes2(x);
  const [, O] = sizes2(dy);
  for (let o = 0; o < O; o++) {
    for (let f = 0; f < F; f++) {
      let sum = 0;
      for (let n = 0; n < N; n++) {
        sum += dy.data[n * O + o] * x.data[n * F + f];
      }
      dw.data[o * F + f] = sum;
    }
  }
};

/** db[k] = Σ dy over samples and positions. */
export const biasGradient: ReferenceKernel = (inputs, outputs) => {
  const [dy, db] = [need(inputs[0]), need(outputs[0])];
  const [N = 0, K = 0, P = 1, Q = 1] = dy.shape;
  for (let k = 0; k < K; k++) {
    let sum = 0;
    for (let n = 0; n < N; n++) {
      for (let position = 0; position < P * Q; position++) {
        sum += dy.data[(n * K + k) * P * Q + position];
      }
    }
    db.data[k] = sum;
  }
};
