import { need } from '../ops/operator.ts';
import type {
  Interpolation,
  WarpAffineAttributes,
  WarpAffineGradientAttributes,
} from '../ops/warpAffine.ts';
import type { Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { ReferenceKernel } from './kernel.ts';

/** A pixel that counts for a place: its number within the plane, −1 outside of it. */
type Tap = readonly [cell: number, weight: number];

function tapsOf(row: number, column: number, H: number, W: number, mode: Interpolation): Tap[] {
  const cell = (h: number, w: number): number =>
    h >= 0 && h < H && w >= 0 && w < W ? h * W + w : -1;
  if (mode === 'nearest') return [[cell(Math.floor(row + 0.5), Math.floor(column + 0.5)), 1]];
  if (!(row > -1 && row < H && column > -1 && column < W)) return [[-1, 1]];
  const [top, left] = [Math.floor(row), Math.floor(column)];
  const [down, right] = [row - top, column - left];
  const taps: Tap[] = [
    [cell(top, left), (1 - down) * (1 - right)],
    [cell(top, left + 1), (1 - down) * right],
    [cell(top + 1, left), down * (1 - right)],
    [cell(top + 1, left + 1), down * right],
  ];
  return taps.filter(([, weight]) => weight !== 0);
}

/** Calls visit(pixel, plane, taps) for every pixel of all planes, which begin at `plane`. */
function walk(
  shape: Shape,
  { data }: Tensor,
  mode: Interpolation,
  visit: (pixel: number, plane: number, taps: readonly Tap[]) => void,
): void {
  const [N = 0, C = 0, H = 0, W = 0] = shape;
  for (let n = 0; n < N; n++) {
    const m = Array.from(data.subarray(6 * n, 6 * n + 6)) as [
      ...[number, number, number],
      ...[number, number, number],
    ];
    for (let p = 0; p < H; p++) {
      for (let q = 0; q < W; q++) {
        const row = m[0] * p + m[2] + m[1] * q;
        const column = m[3] * p + m[5] + m[4] * q;
        const taps = tapsOf(row, column, H, W, mode);
        for (let c = 0; c < C; c++) {
          const plane = (n * C + c) * H * W;
          visit(plane + p * W + q, plane, taps);
        }
      }
    }
  }
}

/** y[n, c, p, q] = x[n, c] at the place that matrices[n] gives for (p, q). */
export const warpAffine: ReferenceKernel<WarpAffineAttributes> = (
  inputs,
  outputs,
  { mode, fill },
) => {
  const [x, matrices, y] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const valueAt = (plane: number, cell: number): number =>
    cell < 0 ? fill : (x.data[plane + cell] as number);
  walk(x.shape, matrices, mode, (pixel, plane, [first, ...others]) => {
    const [cell, weight] = need(first);
    let sum = weight * valueAt(plane, cell);
    for (const [other, share] of others) sum += share * valueAt(plane, other);
    y.data[pixel] = sum;
  });
};

/** dx[n, c] = Σ of dy over the pixels that read it, by their weights. */
export const warpAffineGradient: ReferenceKernel<WarpAffineGradientAttributes> = (
  inputs,
  outputs,
  { mode },
) => {
  const [dy, matrices, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const sums = new Float64Array(dx.size);
  walk(dy.shape, matrices, mode, (pixel, plane, taps) => {
    for (const [cell, weight] of taps) {
      if (cell < 0) continue;
      const at = plane + cell;
      sums[at] = (sums[at] as number) + weight * (dy.data[pixel] as number);
    }
  });
  dx.data.set(sums);
};
