import type {
  AdaptiveAvgPool2dAttributes,
  AvgPool2dAttributes,
  AvgPool2dGradientAttributes,
} from '../ops/avgPool2d.ts';
import { need } from '../ops/operator.ts';
import { at4, sizes4 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

/** The real cells [first, last) of a window along one axis, and how many it is divided by there. */
interface Window {
  readonly first: number;
  readonly last: number;
  readonly divisor: number;
}

/** Window `p` of average pooling along an axis of `size` cells. */
function windowOf(attributes: AvgPool2dAttributes, axis: 0 | 1, p: number, size: number): Window {
  const { kernelSize, stride, padding, countIncludePad } = attributes;
  const [before, after] = [padding[2 * axis] as number, padding[2 * axis + 1] as number];
  const start = p * stride[axis] - before;
  const end = Math.min(start + kernelSize[axis], size + after);
  const [first, last] = [Math.max(start, 0), Math.min(end, size)];
  return { first, last, divisor: countIncludePad ? end - start : last - first };
}

/** Window `p` of `count` that share an axis of `size` cells. */
function adaptiveWindowOf(count: number, p: number, size: number): Window {
  const first = Math.floor((p * size) / count);
  const last = Math.ceil(((p + 1) * size) / count);
  return { first, last, divisor: last - first };
}

type WindowOf = (axis: 0 | 1, p: number, size: number) => Window;

/** y[n,c,p,q] = Σ x over the window / its divisor. */
function average(windowAt: WindowOf): ReferenceKernel {
  return (inputs, outputs) => {
    const [x, y] = [need(inputs[0]), need(outputs[0])];
    const [N, C, P, Q] = sizes4(y);
    const [, , H, W] = sizes4(x);
    for (let p = 0; p < P; p++) {
      const rows = windowAt(0, p, H);
      for (let q = 0; q < Q; q++) {
        const columns = windowAt(1, q, W);
        for (let n = 0; n < N; n++) {
          for (let c = 0; c < C; c++) {
            let sum = 0;
            for (let h = rows.first; h < rows.last; h++) {
              for (let w = columns.first; w < columns.last; w++) {
                sum += x.data[at4(x.shape, n, c, h, w)];
              }
            }
            y.data[at4(y.shape, n, c, p, q)] = sum / (rows.divisor * columns.divisor);
          }
        }
      }
    }
  };
}

/** dx[n,c,h,w] = Σ dy / divisor over the windows that hold the cell. */
function averageGradient(windowAt: WindowOf): ReferenceKernel {
  return (inputs, outputs) => {
    const [dy, dx] = [need(inputs[0]), need(outputs[0])];
    const [N, C, P, Q] = sizes4(dy);
    const [, , H, W] = sizes4(dx);
    const sums = new Float64Array(dx.size);
    for (let p = 0; p < P; p++) {
      const rows = windowAt(0, p, H);
      for (let q = 0; q < Q; q++) {
        const columns = windowAt(1, q, W);
        for (let n = 0; n < N; n++) {
          for (let c = 0; c < C; c++) {
            const part = dy.data[at4(dy.shape, n, c, p, q)] / (rows.divisor * columns.divisor);
            for (let h = rows.first; h < rows.last; h++) {
              for (let w = columns.first; w < columns.last; w++) {
                sums[at4(dx.shape, n, c, h, w)] += part;
              }
            }
          }
        }
      }
    }
    dx.data.set(sums);
  };
}

function windowsOf(attributes: AvgPool2dAttributes): WindowOf {
  return (axis, p, size) => windowOf(attributes, axis, p, size);
}

function adaptiveWindowsOf({ outputSize }: AdaptiveAvgPool2dAttributes): WindowOf {
  return (axis, p, size) => adaptiveWindowOf(outputSize[axis], p, size);
}

export const avgPool2d: ReferenceKernel<AvgPool2dAttributes> = (inputs, outputs, attributes) =>
  average(windowsOf(attributes))(inputs, outputs, attributes);

export const avgPool2dGradient: ReferenceKernel<AvgPool2dGradientAttributes> = (
  inputs,
  outputs,
  attributes,
) => averageGradient(windowsOf(attributes))(inputs, outputs, attributes);

export const adaptiveAvgPool2d: ReferenceKernel<AdaptiveAvgPool2dAttributes> = (
  inputs,
  outputs,
  attributes,
) => average(adaptiveWindowsOf(attributes))(inputs, outputs, attributes);

export const adaptiveAvgPool2dGradient: ReferenceKernel<AdaptiveAvgPool2dAttributes> = (
  inputs,
  outputs,
  attributes,
) => averageGradient(adaptiveWindowsOf(attributes))(inputs, outputs, attributes);
