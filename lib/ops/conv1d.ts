import { checkOptions, within } from '../errors.ts';
import { type Conv2dAttributes, conv2dAttributes, conv2dOperator } from './conv2d.ts';
import {
  horizontal,
  horizontalPadding,
  type Padding1dOption,
  toImages,
  toSignals,
} from './oneDimension.ts';
import { apply, checkBias, checkRank, type Operand, type Result } from './operator.ts';

/** Settings of a 1-D convolution. */
export interface Conv1dOptions {
  /** Step of the window; default 1. */
  stride?: number;
  /** Zeros before and after the input; default 0. */
  padding?: Padding1dOption;
  /** Distance of the filter's taps; default 1. */
  dilation?: number;
  /** Parts that the channels are cut into, each convolved alone; default 1. */
  groups?: number;
  /** True convolution (the filter reversed) instead of correlation; default false. */
  flipKernel?: boolean;
}

/** The keys of Conv1dOptions. */
export const conv1dOptionNames = ['stride', 'padding', 'dilation', 'groups', 'flipKernel'] as const;

/**
 * 1-D convolution (correlation, unless `flipKernel`) of a batch of signals with a bank of filters:
 * y[n,k,q] = bias[k] + Σ x[n, c, q·stride + s·dilation − padding] · weight[k,c,s].
 *
 * @param x signals (N,C,L)
 * @param weight filters (K, C/groups, S)
 * @param bias one value a filter (K); may be left out or null
 * @returns (N,K,Q), Q = ⌊(L + padding − dilation·(S−1) − 1)/stride⌋ + 1
 * @throws ERR_SHAPE when channels, groups or sizes do not fit, or the filter is larger than the
 *   padded input; ERR_DTYPE when dtypes mix; ERR_ARGUMENT for an option out of range
 */
export function conv1d<
  X extends Operand,
  W extends Operand,
  B extends Operand | null | undefined = undefined,
>(x: X, weight: W, bias?: B, options: Conv1dOptions = {}): Result<X | W | NonNullable<B>> {
  checkRank('conv1d', 'x', x, 3);
  checkRank('conv1d', 'weight', weight, 3);
  checkBias('conv1d', bias);
  checkOptions('conv1d', options, conv1dOptionNames);
  const { stride, padding, dilation, ...rest } = options;
  const images = toImages<Operand>(x);
  const filters = toImages<Operand>(weight);
  const attributes = conv2dAttributes(
    'conv1d',
    {
      ...rest,
      stride: horizontal('conv1d', 'stride', stride) ?? 1,
      padding: horizontalPadding('conv1d', padding) ?? 0,
      dilation: horizontal('conv1d', 'dilation', dilation) ?? 1,
    },
    [1, x.shape[2] as number],
    [1, weight.shape[2] as number],
  );
  const y = within('conv1d', () =>
    apply<Operand, Conv2dAttributes>(conv2dOperator, [images, filters, bias ?? null], attributes),
  );
  return toSignals<Operand>(y) as Result<X | W | NonNullable<B>>;
}
