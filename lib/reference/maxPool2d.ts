import { argumentError } from '../errors.ts';
import type { MaxPool2dAttributes, MaxPool2dGradientAttributes } from '../ops/maxPool2d.ts';
import { need } from '../ops/operator.ts';
import type { Tensor } from '../tensor.ts';
import { at4, beats, sizes4 } from './indexing.ts';
import type { ReferenceKernel } from './kernel.ts';

interface Cell {
  /** r·S + s: the cell's place in its window. */
  readonly place: number;
  readonly h: number;
  readonly w: number;
}

/** The real cells of window (p, q) on an input of H × W, in row-major order. */
function windowCells(
  { kernelSize, stride, padding, dilation }: MaxPool2dAttributes,
  [p, q]: readonly [number, number],
  [H, W]: readonly [number, number],
): Cell[] {
  const [R, S] = kernelSize;
  const cells: Cell[] = [];
  for (let r = 0; r < R; r++) {
    for (let s = 0; s < S; s++) {
      const h = p * stride[0] + r * dilation[0] - padding[0];
      const w = q * stride[1] + s * dilation[1] - padding[2];
      if (h >= 0 && h < H && w >= 0 && w < W) cells.push({ place: r * S + s, h, w });
    }
  }
  return cells;
}

/** y[n,c,p,q] = the largest cell of its window, winners = that cell's place; the first of equals. */
export const maxPool2d: ReferenceKernel<MaxPool2dAttributes> = (inputs, outputs, attributes) => {
  const [x, y, winners] = [need(inputs[0]), outputs[0], outputs[1]];
  const [N, C, H, W] = sizes4(x);
  const [, , P, Q] = sizes4(need(y ?? winners));
  for (let p = 0; p < P; p++) {
    for (let q = 0; q < Q; q++) {
      const cells = windowCells(attributes, [p, q], [H, W]);
      for (let n = 0; n < N; n++) {
        for (let c = 0; c < C; c++) {
          let largest = Number.NaN;
          let winner = -1;
          for (const { place, h, w } of cells) {
            const value = x.data[at4(x.shape, n, c, h, w)];
            if (winner < 0 || beats(value, largest)) [largest, winner] = [value, place];
          }
          if (y) y.data[at4(y.shape, n, c, p, q)] = largest;
          if (winners) winners.data[at4(winners.shape, n, c, p, q)] = winner;
        }
      }
    }
  }
};

function checkWinners(where: string, winners: Tensor, [R, S]: readonly [number, number]): void {
  const cells = R * S;
  for (const winner of winners.data) {
    if (winner < 0 || winner >= cells) {
      throw argumentError(where, `winners within [0, ${cells})`, winner);
    }
  }
}

/**
 * dx[cell] = Σ dy over the windows that the cell won.
 * Throws ERR_ARGUMENT for a winner that is no place in a window.
 */
export const maxPool2dGradient: ReferenceKernel<MaxPool2dGradientAttributes> = (
  inputs,
  outputs,
  attributes,
) => {
  const [dy, winners, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [N, C, P, Q] = sizes4(dy);
  const [, , H, W] = sizes4(dx);
  checkWinners('maxPool2dGradient', winners, attributes.kernelSize);
  const sums = new Float64Array(dx.size);
  for (let p = 0; p < P; p++) {
    for (let q = 0; q < Q; q++) {
      const cells = windowCells(attributes, [p, q], [H, W]);
      for (let n = 0; n < N; n++) {
        for (let c = 0; c < C; c++) {
          const window = at4(dy.shape, n, c, p, q);
          for (const { place, h, w } of cells) {
            if (winners.data[window] === place) sums[at4(dx.shape, n, c, h, w)] += dy.data[window];
          }
        }
      }
    }
  }
  dx.data.set(sums);
};

/**
 * y[window] = x where its winner stands, 0 when that is in the padding.
 * Throws ERR_ARGUMENT for a winner that is no place in a window.
 */
export const maxPool2dGather: ReferenceKernel<MaxPool2dAttributes> = (
  inputs,
  outputs,
  attributes,
) => {
  const [x, winners, y] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  const [N, C, H, W] = sizes4(x);
  const [, , P, Q] = sizes4(y);
  checkWinners('maxPool2dGather', winners, attributes.kernelSize);
  for (let p = 0; p < P; p++) {
    for (let q = 0; q < Q; q++) {
      const cells = windowCells(attributes, [p, q], [H, W]);
      for (let n = 0; n < N; n++) {
        for (let c = 0; c < C; c++) {
          const window = at4(y.shape, n, c, p, q);
          for (const { place, h, w } of cells) {
            if (winners.data[window] === place) y.data[window] = x.data[at4(x.shape, n, c, h, w)];
          }
        }
      }
    }
  }
};

/** dx[cell] = Σ dy over the windows whose maximum the cell equals, whole or in equal parts. */
export const maxPool2dTieGradient: ReferenceKernel<MaxPool2dGradientAttributes> = (
  inputs,
  outputs,
  attributes,
) => {
  const [dy, x, y] = [need(inputs[0]), need(inputs[1]), need(inputs[2])];
  const dx = need(outputs[0]);
  const [N, C, P, Q] = sizes4(dy);
  const [, , H, W] = sizes4(dx);
  const sums = new Float64Array(dx.size);
  for (let p = 0; p < P; p++) {
    for (let q = 0; q < Q; q++) {
      const cells = windowCells(attributes, [p, q], [H, W]);
      for (let n = 0; n < N; n++) {
        for (let c = 0; c < C; c++) {
          const window = at4(dy.shape, n, c, p, q);
          const equal = cells
            .map(({ h, w }) => at4(x.shape, n, c, h, w))
            .filter((cell) => x.data[cell] === y.data[window]);
          const part = attributes.ties === 'split' ? equal.length : 1;
          for (const cell of equal) sums[cell] += dy.data[window] / part;
        }
      }
    }
  }
  dx.data.set(sums);
};
