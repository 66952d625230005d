import { elementCount } from '../../lib/shape.ts';
import { type GradientClaim, lengths } from './case.ts';

const special = [
  Number.NaN,
  -0,
  0,
  1,
  -1,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  2 ** -126,
  -(2 ** -126),
];
/** NaN, infinities, zeros of both signs, the smallest normal float32: 40 values. */
export const specials = Array.from({ length: 40 }, (_, i) => special[i % special.length] as number);

/** Sizes around the widths of vectors, ranks from 0 to 4, nothing, and work for several threads. */
export const shapes: (readonly number[])[] = [
  ...lengths.map((n) => [n]),
  [],
  [0],
  [3, 0, 2],
  [2, 3, 4, 5],
  [7, 13, 11],
  [70_001],
];

/** Whether the first axis of `shape` counts samples. */
export function hasRows(shape: readonly number[]): boolean {
  return shape.length > 1 && (shape[0] ?? 0) > 0;
}

/** The claim that gradients of small operands can be checked entry by entry. */
export function checkedWhenSmall(
  shape: readonly number[],
  ...inputs: number[]
): { gradient?: GradientClaim } {
  const size = elementCount(shape);
  return size > 0 && size <= 130 ? { gradient: { inputs, tolerance: 1e-6 } } : {};
}
