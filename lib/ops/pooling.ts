import { checkBoolean, shapeError } from '../errors.ts';
import {
  checkPair,
  convOutputSize,
  effectiveKernelSize,
  formatShape,
  type Padding,
  type Pair,
  resolvePadding,
} from '../shape.ts';
import { checkFloats, checkRank, makeSpec, type Spec } from './operator.ts';

/** How windows lie on an image. */
export interface PoolGeometry {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  /** Default 1. */
  readonly dilation?: Pair;
  readonly ceilMode: boolean;
}

const spatial = ['vertical', 'horizontal'] as const;

function outputSizeAlong(where: string, axis: 0 | 1, size: number, geometry: PoolGeometry): number {
  const place = `${where}, ${spatial[axis]}`;
  const [kernel, stride] = [geometry.kernelSize[axis], geometry.stride[axis]];
  const dilation = geometry.dilation?.[axis] ?? 1;
  const before = geometry.padding[2 * axis] as number;
  const after = geometry.padding[2 * axis + 1] as number;
  const window = effectiveKernelSize(kernel, dilation);
  if (2 * before > window || 2 * after > window) {
    throw shapeError(
      place,
      `padding ${before}, ${after} is more than half the window of ${window} cells`,
    );
  }
  const missing = window - size - before - after;
  // With ceilMode the only window may run past the end too, by less than a step.
  const past = geometry.ceilMode && size > 0 && missing < stride ? Math.max(0, missing) : 0;
  const padding = before + after + past;
  let count = convOutputSize(size, kernel, { stride, dilation, padding }, place);
  const covered = (count - 1) * stride + window;
  if (geometry.ceilMode && covered < size + before + after && count * stride < size + before) {
    count++;
  }
  for (let p = 0; p < count; p++) {
    const start = p * stride - before;
    const first = start < 0 ? Math.ceil(-start / dilation) : 0;
    if (first >= kernel || start + first * dilation >= size) {
      throw shapeError(place, `window ${p} lies wholly in the padding`);
    }
  }
  return count;
}

/**
 * [P, Q] of pooling an image of `size` [H, W]. Throws ERR_SHAPE when a window is larger than the
 * padded image (with ceilMode by a step or more), the padding more than half a window, or a window
 * without a real cell.
 */
export function poolOutputSize(where: string, size: Pair, geometry: PoolGeometry): Pair {
  return [
    outputSizeAlong(where, 0, size[0], geometry),
    outputSizeAlong(where, 1, size[1], geometry),
  ];
}

/** The shape rule of pooling: x (N,C,H,W) → (N,C,P,Q). */
export function inferPooling(where: string, x: Spec, geometry: PoolGeometry): Spec {
  checkFloats(where, { x });
  checkRank(where, 'x', x, 4);
  const [n = 0, c = 0, h = 0, w = 0] = x.shape;
  const call = `${where} of input ${formatShape(x.shape)} with windows ${formatShape(geometry.kernelSize)}`;
  return makeSpec([n, c, ...poolOutputSize(call, [h, w], geometry)], x.dtype, x.batched);
}

/** The shape rule of its gradient: dy (N,C,P,Q) → dx (N,C,H,W) with `inputSize` [H, W]. */
export function inferPoolingGradient(
  where: string,
  dy: Spec,
  geometry: PoolGeometry,
  inputSize: Pair,
): Spec {
  checkFloats(where, { dy });
  checkRank(where, 'dy', dy, 4);
  const [n = 0, c = 0, p = 0, q = 0] = dy.shape;
  const expected = poolOutputSize(where, inputSize, geometry);
  if (p !== expected[0] || q !== expected[1]) {
    throw shapeError(
      where,
      `dy ${formatShape(dy.shape)} is no output of windows ${formatShape(geometry.kernelSize)} on ${formatShape(inputSize)}, which is (${n}, ${c}, ${expected.join(', ')})`,
    );
  }
  return makeSpec([n, c, ...inputSize], dy.dtype, dy.batched);
}

/**
 * The geometry that a user's options ask for on images of `size` [H, W], complete.
 * Throws ERR_ARGUMENT for an option out of range.
 */
export function resolveGeometry(
  where: string,
  options: {
    kernelSize: unknown;
    stride?: unknown;
    padding?: unknown;
    dilation?: unknown;
    ceilMode?: unknown;
  },
  size: Pair,
): Required<PoolGeometry> {
  const kernelSize = checkPair(where, 'kernelSize', options.kernelSize, 1);
  const stride = checkPair(where, 'stride', options.stride ?? kernelSize, 1);
  const dilation = checkPair(where, 'dilation', options.dilation ?? 1, 1);
  const ceilMode = checkBoolean(where, 'ceilMode', options.ceilMode ?? false);
  const geometry = { size, kernelSize, stride, dilation };
  const padding = resolvePadding(where, options.padding ?? 0, geometry);
  return { kernelSize, stride, padding, dilation, ceilMode };
}
