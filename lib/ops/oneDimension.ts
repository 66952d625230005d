import { checkInteger, checkPair, type Pair } from '../shape.ts';
import { apply, type Operand, type Result } from './operator.ts';
import { type ReshapeAttributes, reshapeOperator } from './reshape.ts';

// Signals (N,C,L) are images (N,C,1,L): the same memory, the same operators.

/**
 * Padding of a signal: a number for both sides, [before, after], or a rule: 'valid' (none), 'same'
 * (output ⌈size/stride⌉, the odd cell at the end), 'full' (every position that touches the input).
 */
export type Padding1dOption = number | Pair | 'valid' | 'same' | 'full';

/** x (N,C,L) or (K,C,S) as images of height 1. */
export function toImages<X extends Operand>(x: X): Result<X> {
  const [, c = 0, l = 0] = x.shape;
  return apply<X, ReshapeAttributes>(reshapeOperator, [x], { keepFirst: true, shape: [c, 1, l] });
}

/** Images of height 1 as (N,C,L). */
export function toSignals<X extends Operand>(y: X): Result<X> {
  const [, c = 0, , l = 0] = y.shape;
  return apply<X, ReshapeAttributes>(reshapeOperator, [y], { keepFirst: true, shape: [c, l] });
}

/** [1, value] for an integer option of a signal, when it is there. Throws ERR_ARGUMENT. */
export function horizontal(where: string, name: string, value: unknown): Pair | undefined {
  return value === undefined ? undefined : [1, checkInteger(where, name, value, 1)];
}

/** A signal's padding as an image's. Throws ERR_ARGUMENT. */
export function horizontalPadding(
  where: string,
  padding: Padding1dOption | undefined,
): readonly [Pair, Pair] | 'valid' | 'same' | 'full' | undefined {
  if (padding === undefined || typeof padding === 'string') return padding;
  return [[0, 0], checkPair(where, 'padding', padding, 0)];
}
