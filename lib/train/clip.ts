import { argumentError } from '../errors.ts';
import { add, div, mul } from '../ops/binary.ts';
import { clip, sqrt, square } from '../ops/math.ts';
import type { Variable } from '../ops/operator.ts';
import { sum } from '../ops/reduction.ts';

/** How gradients are kept from growing too large. */
export interface ClipOptions {
  /** Every entry of a gradient is limited to ±clipValue, as PyTorch's clip_grad_value_. */
  clipValue?: number;
  /**
   * When the norm of all gradients together is larger, they are scaled to it, as PyTorch's
   * clip_grad_norm_: by min(1, clipNorm/(norm + 1e-6)). Comes after clipValue.
   */
  clipNorm?: number;
}

/** The limit, or null when there is none. Throws ERR_ARGUMENT unless it is a finite number above 0. */
export function checkLimit(where: string, name: string, value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw argumentError(where, `${name} to be a number above 0`, value);
}

/** The gradients of all parameters with entries and norm within the limits, in operators. */
export function clipGradients(
  gradients: readonly Variable[],
  { clipValue, clipNorm }: { clipValue: number | null; clipNorm: number | null },
): readonly Variable[] {
  const limited =
    clipValue === null
      ? gradients
      : gradients.map((gradient) => clip(gradient, { min: -clipValue, max: clipValue }));
  if (clipNorm === null || limited.length === 0) return limited;
  const squares = limited.map((gradient) => sum(square(gradient)));
  const norm = sqrt(squares.reduce((total, each) => add(total, each)));
  const factor = clip(div(clipNorm, add(norm, 1e-6)), { max: 1 });
  return limited.map((gradient) => mul(gradient, factor));
}
