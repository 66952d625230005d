import type {
  Conv2dAttributes,
  Conv2dFilterGradientAttributes,
  Conv2dInputGradientAttributes,
} from '../ops/conv2d.ts';
import { need } from '../ops/operator.ts';
import { sizes4 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y[n,k,p,q] = bias[k] + Σ_{c,r,s} x[n, group's c, p·stride + r·dilation − padding, …] · weight[k,c,r,s]. */
export const conv2d: ReferenceKernel<Conv2dAttributes> = (inputs, outputs, attributes) => {
  const [x, weight, bias, y] = [need(inputs[0]), need(inputs[1]), inputs[2], need(outputs[0])];
  const { stride, padding, dilation, groups, flipKernel } = attributes;
  const [, channels, H, W] = sizes4(x);
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
                  x.data[((n * channels + group * C + c) * H + h) * W + w] *
                  weight.data[((k * C + c) * R + row) * S + column];
              }
            }
          }
          y.data[((n * K + k) * P + p) * Q + q] = bias ? sum + bias.data[k] : sum;
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
  const { stride, padding, dilation, groups, flipKernel } = attributes;
  const [N, K, P, Q] = sizes4(dy);
  const [, C, R, S] = sizes4(weight);
  const [, channels, H, W] = sizes4(dx);
  const sums = new Float64Array(dx.size);
  for (let n = 0; n < N; n++) {
    for (let k = 0; k < K; k++) {
      const group = Math.floor(k / (K / groups));
      for (let p = 0; p < P; p++) {
        for (let q = 0; q < Q; q++) {
          const delta = dy.data[((n * K + k) * P + p) * Q + q];
          for (let c = 0; c < C; c++) {
            for (let r = 0; r < R; r++) {
              const h = p * stride[0] + r * dilation[0] - padding[0];
              if (h < 0 || h >= H) continue;
              const row = flipKernel ? R - 1 - r : r;
              for (let s = 0; s < S; s++) {
                const w = q * stride[1] + s * dilation[1] - padding[2];
                if (w < 0 || w >= W) continue;
                const column = flipKernel ? S - 1 - s : s;
                sums[((n * channels + group * C + c) * H + h) * W + w] +=
                  delta * weight.data[((k * C + c) * R + row) * S + column];
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
  const { stride, padding, dilation, groups, flipKernel } = attributes;
  const [, channels, H, W] = sizes4(x);
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
                  x.data[((n * channels + group * C + c) * H + h) * W + w] *
                  dy.data[((n * K + k) * P + p) * Q + q];
              }
            }
          }
          const [row, column] = flipKernel ? [R - 1 - r, S - 1 - s] : [r, s];
          dw.data[((k * C + c) * R + row) * S + column] = sum;
        }
      }
    }
  }
};
