import { elementCount, type Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** Where element [i, j] of a rank 2 tensor stands in its data. */
export function at2(shape: Shape, i: number, j: number): number {
  return i * (shape[1] as number) + j;
}

/** Where element [i, j, k, l] of a rank 4 tensor stands in its data. */
export function at4(shape: Shape, i: number, j: number, k: number, l: number): number {
  return ((i * (shape[1] as number) + j) * (shape[2] as number) + k) * (shape[3] as number) + l;
}

/** The index of the element that stands at `place` of a row-major tensor. */
export function indexAt(shape: Shape, place: number): number[] {
  const index: number[] = [];
  let rest = place;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] as number;
    index[axis] = rest % size;
    rest = Math.floor(rest / size);
  }
  return index;
}

/** Where the element of that index stands in a row-major tensor. */
export function placeOf(shape: Shape, index: readonly number[]): number {
  let place = 0;
  for (const [axis, size] of shape.entries()) place = place * size + (index[axis] as number);
  return place;
}

/** The sizes of a rank 4 tensor. */
export function sizes4(tensor: Tensor): readonly [number, number, number, number] {
  return tensor.shape as readonly [number, number, number, number];
}

/** The sizes of a rank 2 tensor. */
export function sizes2(tensor: Tensor): readonly [number, number] {
  return tensor.shape as readonly [number, number];
}

/**
 * The place of the largest of `count` values from `start` on: the first of equals; a NaN is above
 * every number. −1 when count is 0.
 */
export function firstLargest(data: ArrayLike<number>, start: number, count: number): number {
  let best = -1;
  for (let i = 0; i < count; i++) {
    if (best < 0 || beats(data[start + i] as number, data[start + best] as number)) best = i;
  }
  return best;
}

/** Whether a later value takes a maximum from an earlier one: when it is larger, or the first NaN. */
export function beats(later: number, earlier: number): boolean {
  return later > earlier || (Number.isNaN(later) && !Number.isNaN(earlier));
}

/** The places of the elements along `axis`, a list for every place in the other axes. */
export function* linesAlong(shape: Shape, axis: number): Generator<number[]> {
  const inner = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  const count = shape[axis] as number;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      yield Array.from({ length: count }, (_, c) => (o * count + c) * inner + i);
    }
  }
}
