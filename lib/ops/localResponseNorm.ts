import { argumentError, checkOptions } from '../errors.ts';
import { checkInteger } from '../shape.ts';
import { add, mul } from './binary.ts';
import { exp, log, square } from './math.ts';
import { checkFloats, checkOperand, checkRank, type Operand, type Result } from './operator.ts';
import { pad } from './pad.ts';
import { slice } from './slice.ts';

/** Settings of local response normalization. */
export interface LocalResponseNormOptions {
  /** Channels of a window: ⌊size/2⌋ before a channel, itself, and those after it. */
  size: number;
  /** Default 1e-4; at least 0. */
  alpha?: number;
  /** Default 0.75. */
  beta?: number;
  /** Default 1; above 0. */
  k?: number;
}

/** The keys of LocalResponseNormOptions. */
export const localResponseNormOptionNames = ['size', 'alpha', 'beta', 'k'] as const;

function checkNumber(name: string, value: unknown, low: number, expected: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low) return value;
  throw argumentError('localResponseNorm', `${name} to be ${expected}`, value);
}

/** The settings, complete. Throws ERR_ARGUMENT for an option out of range. */
export function localResponseNormSettings(
  options: LocalResponseNormOptions,
): Required<LocalResponseNormOptions> {
  return {
    size: checkInteger('localResponseNorm', 'size', options.size, 1),
    alpha: checkNumber('alpha', options.alpha ?? 1e-4, 0, 'a number ≥ 0'),
    beta: checkNumber('beta', options.beta ?? 0.75, Number.NEGATIVE_INFINITY, 'a finite number'),
    k: checkNumber('k', options.k ?? 1, Number.MIN_VALUE, 'a number above 0'),
  };
}

/** Along axis 1: every entry plus those up to `before` before and `after` after it. */
function windowSums(x: Operand, before: number, after: number): Operand {
  const channels = x.shape[1] as number;
  const padded = pad(x, [[before, after], ...x.shape.slice(2).map(() => [0, 0] as const)]);
  const parts = Array.from({ length: before + after + 1 }, (_, i) =>
    slice(padded, [null, [i, i + channels]]),
  );
  return parts.reduce((sum, part) => add(sum, part));
}

/**
 * Local response normalization across channels (Krizhevsky, Sutskever and Hinton 2012), with
 * PyTorch's divisor: y = x / (k + alpha/size · Σ x²)^beta, the sum being over the `size` channels
 * around each, fewer at the ends.
 *
 * @param x (N,C,…)
 * @throws ERR_SHAPE, ERR_DTYPE for another x; ERR_ARGUMENT for an option out of range
 */
export function localResponseNorm<X extends Operand>(
  x: X,
  options: LocalResponseNormOptions,
): Result<X> {
  const where = 'localResponseNorm';
  checkOperand(where, 'x', x);
  checkRank(where, 'x', x, 2, 3, 4, 5, 6, 7, 8);
  checkFloats(where, { x });
  checkOptions(where, options, localResponseNormOptionNames);
  const { size, alpha, beta, k } = localResponseNormSettings(options);
  const furthest = Math.max(0, (x.shape[1] as number) - 1);
  const [before, after] = [size >> 1, (size - 1) >> 1].map((n) => Math.min(n, furthest));
  const sums = windowSums(square<Operand>(x), before as number, after as number);
  const base = add(mul(sums, alpha / size), k);
  return mul<Operand, Operand>(x, exp(mul(log(base), -beta))) as Result<X>;
}
