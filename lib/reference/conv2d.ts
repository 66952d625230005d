import type {
  Conv2dAttributes,
  Conv2dFilterGradientAttributes,
  Conv2dInputGradientAttributes,
} from '../ops/conv2d.ts';
import { need } from '../ops/operator.ts';
import { at4, sizes4 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y[n,k,p,q] = bias[k] + Σ_{c,r,s} x[n, group's c, p·stride + r·dilation − padding, …] · weight[k,c,r,s]. */
export const conv2d: ReferenceKernel<Conv2dAttributes> = (inputs, outputs, attributes) => {
  const [x, weight, bias, y] = [need(inputs[0]), need(inputs[1]), inputs[2], need(outputs[0])];
  const [X, F] = [x.data, weight.data];
  const { stride, padding, dilation, groups, flipKernel } = attributes;
  const [, , H, W] = sizes4(x);
  const [K, C, R, S] = sizes4(weight);
  const [N, , P, Q] = sizes4(y);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      const group = Math.floor(k / (K / groups));
      for (let p = 0; p < P; p++) {
        for (let q = 0; q < Q; q++) {
          let sum = 0;
          for (let c = 0; c < C; c++) {
            for (let r = 0; r < R; r++) {
              const h = p * stride[0] + r * dilation[0] - padding[0];
              if (h < 0 || h >= H) continue;
              const row = flipKernel ? R - 1 - r : r;
              for (let s = 0; s < S; s++) {
                const w = q * stride[1] + s * dilation[1] - padding[2];
                if (w < 0 || w >= W) continue;
                const column = flipKernel ? S - 1 - s : s;
                sum +=
                  X[at4(x.shape, n, group * C + c, h, w)] *
                  F[at4(weight.shape, k, c, row, column)];
              }
            }
          }
          y.data[at4(y.shape, n, k, p, q)] = bias ? sum + bias.data[k] : sum;
        }
      }
    }
  }
};

/** Every product of the convolution sends dy · weight back to the x that it read. */
export const conv2dInputGradient: ReferenceKernel<Conv2dInputGradientAttributes> = (
  inputs,
  outputs,
  attributes,
) => {
  const [dy, weight, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [D, F] = [dy.data, weight.data];
  const { stride, padding, dilation, groups, flipKernel } = attributes;
  const [N, K, P, Q] = sizes4(dy);
  const [, C, R, S] = sizes4(weight);
  const [, , H, W] = sizes4(dx);
  const sums = new Float64Array(dx.size);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      const group = Math.floor(k / (K / groups));
      for (let p = 0; p < P; p++) {
        for (let q = 0; q < Q; q++) {
          const delta = D[at4(dy.shape, n, k, p, q)];
          for (let c = 0; c < C; c++) {
            for (let r = 0; r < R; r++) {
              const h = p * stride[0] + r * dilation[0] - padding[0];
              if (h < 0 || h >= H) continue;
              const row = flipKernel ? R - 1 - r : r;
              for (let s = 0; s < S; s++) {
                const w = q * stride[1] + s * dilation[1] - padding[2];
                if (w < 0 || w >= W) continue;
                const column = flipKernel ? S - 1 - s : s;
                sums[at4(dx.shape, n, group * C + c, h, w)] +=
                  delta * F[at4(weight.shape, k, c, row, column)];
              }
            }
          }
        }
      }
    }
  }
  dx.data.set(sums);
};

/** dw[k,c,r,s] = Σ_{n,p,q} dy[n,k,p,q] · the x that meets weight[k,c,r,s] there. */
export const conv2dFilterGradient: ReferenceKernel<Conv2dFilterGradientAttributes> = (
  inputs,
  outputs,
  attributes,
) => {
  const [x, dy, dw] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [X, D] = [x.data, dy.data];
  const { stride, padding, dilation, groups, flipKernel } = attributes;
  const [, , H, W] = sizes4(x);
  const [N, , P, Q] = sizes4(dy);
  const [K, C, R, S] = sizes4(dw);
  for (let k = 0; k < K; k++) {
    const group = Math.floor(k / (K / groups));
    for (let c = 0; c < C; c++) {
      for (let r = 0; r < R; r++) {
        for (let s = 0; s < S; s++) {
          let sum = 0;
          for (let n = 0; n < N; n++) {
            for (let p = 0; p < P; p++) {
              const h = p * stride[0] + r * dilation[0] - padding[0];
              if (h < 0 || h >= H) continue;
              for (let q = 0; q < Q; q++) {
                const w = q * stride[1] + s * dilation[1] - padding[2];
                if (w < 0 || w >= W) continue;
                sum +=
                  X[at4(x.shape, n, group * C + c, h, w)] * D[at4(dy.shape, n, k, p, q)];
              }
            }
          }
          const [row, column] = flipKernel ? [R - 1 - r, S - 1 - s] : [r, s];
          dw.data[at4(dw.shape, k, c, row, column)] = sum;
        }
      }
    }
  }
};
