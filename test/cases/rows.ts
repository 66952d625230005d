import type { Reduction } from '../../lib/ops/loss.ts';
import type { Tensor } from '../../lib/tensor.ts';

/** What a loss may make of its samples. */
export const reductions: readonly Reduction[] = ['mean', 'sum', 'none'];

/** What may become of a result by underflow: the smallest normal number of float32. */
export const tiny = 2 ** -126;

/** Row n of a matrix. */
export function row(tensor: Tensor | null | undefined, n: number): number[] {
  if (!tensor) return [];
  const width = tensor.shape[1] ?? 1;
  return Array.from(tensor.data.slice(n * width, (n + 1) * width));
}

/** The sum of the values. */
export function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** The relative error of the sum of C exponentials and of what uses it, in u. */
export function sumError(C: number): number {
  return 4 * Math.sqrt(C) + Math.log(C + 1) + 16;
}

/** log Σ exp z. */
export function logSumOf(z: readonly number[]): number {
  const largest = Math.max(...z);
  return Math.log(sum(z.map((value) => Math.exp(value - largest)))) + largest;
}

/** Logits far apart, on both sides of what exp can say in float32, and a row of equals. */
export const extremeLogits: readonly number[] = [
  ...[1e4, -1e4, 0, 3e4, 3e4, -3e4, 80, 100, -100, 88, 89, -88],
  ...[7, 7, 7, 7],
];

/** Sizes [samples, classes]. */
export const matrices = [
  [1, 1],
  [3, 4],
  [5, 10],
  [0, 3],
  [2, 17],
  [7, 65],
  [64, 10],
  [1, 300],
  [257, 3],
] as const;
