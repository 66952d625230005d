import { checkOptions, within } from '../errors.ts';
import { avgPool2d, avgPool2dOptionNames, globalAvgPool2d } from './avgPool2d.ts';
import { maxPool2d, maxPool2dOptionNames, type TieRule } from './maxPool2d.ts';
import {
  horizontal,
  horizontalPadding,
  type Padding1dOption,
  toImages,
  toSignals,
} from './oneDimension.ts';
import { checkRank, type Operand, type Result } from './operator.ts';

/** Settings of 1-D pooling. */
export interface Pool1dOptions {
  /** Cells of the window. */
  kernelSize: number;
  /** Step of the window; default: the window's own size. */
  stride?: number;
  /** Cells before and after the input, at most half the window; default 0. */
  padding?: Padding1dOption;
  /** Also windows that run past the end, as long as they start inside; default false. */
  ceilMode?: boolean;
}

/** Settings of 1-D max pooling. */
export interface MaxPool1dOptions extends Pool1dOptions {
  /** Distance of the window's cells; default 1. */
  dilation?: number;
  /** Who gets the gradient of equal maxima; default 'first'. */
  ties?: TieRule;
}

/** Settings of 1-D average pooling. */
export interface AvgPool1dOptions extends Pool1dOptions {
  /** Divide by the window's cells in the padded input, not by those in the input; default true. */
  countIncludePad?: boolean;
}

/** The options that both have, as those of images of height 1. */
function onImages(where: string, { kernelSize, stride, padding, ceilMode }: Pool1dOptions) {
  return {
    kernelSize: horizontal(where, 'kernelSize', kernelSize ?? null) ?? 1,
    ...(stride === undefined ? {} : { stride: horizontal(where, 'stride', stride) ?? 1 }),
    padding: horizontalPadding(where, padding) ?? 0,
    ...(ceilMode === undefined ? {} : { ceilMode }),
  };
}

/**
 * 1-D max pooling: x (N,C,L) → (N,C,Q), Q = ⌊(L + padding − dilation·(kernel−1) − 1)/stride⌋ + 1.
 *
 * @param x float32 or float64 (N,C,L)
 * @throws ERR_SHAPE when the window is larger than the padded input or the padding more than half
 *   the window; ERR_ARGUMENT for an option out of range
 */
export function maxPool1d<X extends Operand>(x: X, options: MaxPool1dOptions): Result<X> {
  checkRank('maxPool1d', 'x', x, 3);
  checkOptions('maxPool1d', options, maxPool2dOptionNames);
  const { dilation, ties } = options;
  const settings = {
    ...onImages('maxPool1d', options),
    dilation: horizontal('maxPool1d', 'dilation', dilation) ?? 1,
    ...(ties === undefined ? {} : { ties }),
  };
  const y = within('maxPool1d', () => maxPool2d<Operand>(toImages<Operand>(x), settings));
  return toSignals<Operand>(y) as Result<X>;
}

/**
 * 1-D average pooling: x (N,C,L) → (N,C,Q), Q = ⌊(L + padding − kernel)/stride⌋ + 1.
 *
 * @param x float32 or float64 (N,C,L)
 * @throws ERR_SHAPE when the window is larger than the padded input or the padding more than half
 *   the window; ERR_ARGUMENT for an option out of range
 */
export function avgPool1d<X extends Operand>(x: X, options: AvgPool1dOptions): Result<X> {
  checkRank('avgPool1d', 'x', x, 3);
  checkOptions('avgPool1d', options, avgPool2dOptionNames);
  const { countIncludePad } = options;
  const settings = {
    ...onImages('avgPool1d', options),
    ...(countIncludePad === undefined ? {} : { countIncludePad }),
  };
  const y = within('avgPool1d', () => avgPool2d<Operand>(toImages<Operand>(x), settings));
  return toSignals<Operand>(y) as Result<X>;
}

/**
 * The mean over a signal: x (N,C,L) → (N,C). Throws ERR_SHAPE for signals without values.
 * @param x float32 or float64 (N,C,L)
 */
export function globalAvgPool1d<X extends Operand>(x: X): Result<X> {
  checkRank('globalAvgPool1d', 'x', x, 3);
  const y = within('globalAvgPool1d', () => globalAvgPool2d<Operand>(toImages<Operand>(x)));
  return y as Result<X>;
}
