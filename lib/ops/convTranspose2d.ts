import { argumentError, checkOptions, shapeError, within } from '../errors.ts';
import {
  checkInteger,
  checkPair,
  effectiveKernelSize,
  formatShape,
  type Padding,
  type Pair,
  resolvePadding,
} from '../shape.ts';
import { add } from './binary.ts';
import { type Conv2dInputGradientAttributes, conv2dInputGradientOperator } from './conv2d.ts';
import { apply, checkBias, checkFloats, checkRank, type Operand, type Result } from './operator.ts';
import { type ReshapeAttributes, reshapeOperator } from './reshape.ts';

/** Settings of a transposed 2-D convolution. */
export interface ConvTranspose2dOptions {
  /** Step of the convolution that this one transposes: how far the input's pixels spread; default 1. */
  stride?: number | Pair;
  /** What is cut off around the output: the transposed convolution's padding; default 0. */
  padding?: number | Pair | readonly [Pair, Pair];
  /** Added to the output at its end, below the stride; default 0. */
  outputPadding?: number | Pair;
  /** Distance of the filter's taps; default 1. */
  dilation?: number | Pair;
  /** Parts that the channels are cut into, each convolved alone; default 1. */
  groups?: number;
}

/** The keys of ConvTranspose2dOptions. */
export const convTranspose2dOptionNames = [
  'stride',
  'padding',
  'outputPadding',
  'dilation',
  'groups',
] as const;

const where = 'convTranspose2d';

/** The attributes of the gradient that a transposed convolution of an input (…,P,Q) is. */
export function convTranspose2dAttributes(
  options: ConvTranspose2dOptions,
  size: Pair,
  kernelSize: Pair,
): Conv2dInputGradientAttributes {
  checkOptions(where, options, convTranspose2dOptionNames);
  const stride = checkPair(where, 'stride', options.stride ?? 1, 1);
  const dilation = checkPair(where, 'dilation', options.dilation ?? 1, 1);
  const outputPadding = checkPair(where, 'outputPadding', options.outputPadding ?? 0, 0);
  const groups = checkInteger(where, 'groups', options.groups ?? 1, 1);
  if (typeof options.padding === 'string') {
    throw argumentError(where, 'padding to be a number or a pair', options.padding);
  }
  const geometry = { size, kernelSize, stride, dilation };
  const padding: Padding = resolvePadding(where, options.padding ?? 0, geometry);
  const along = (axis: 0 | 1): number => {
    const added = outputPadding[axis];
    if (added >= stride[axis]) {
      throw argumentError(where, `outputPadding below the stride ${stride[axis]}`, added);
    }
    const cut = (padding[2 * axis] as number) + (padding[2 * axis + 1] as number);
    const window = effectiveKernelSize(kernelSize[axis], dilation[axis]);
    const result = (size[axis] - 1) * stride[axis] + window + added - cut;
    if (size[axis] < 1 || result < 1) {
      throw shapeError(
        where,
        `an input of ${formatShape(size)} with filters ${formatShape(kernelSize)} and padding ${formatShape(padding)} leaves no output`,
      );
    }
    return result;
  };
  const inputSize: Pair = [along(0), along(1)];
  return { stride, padding, dilation, groups, flipKernel: false, inputSize };
}

/**
 * Transposed 2-D convolution: the adjoint of a convolution with the same filters and settings,
 * which spreads every input pixel over an output window:
 * y[n,c,h,w] = bias[c] + Σ x[n,k,p,q] · weight[k,c,r,s] over p·stride + r·dilation − padding = h, ….
 *
 * @param x images (N,K,P,Q)
 * @param weight filters (K, C/groups, R, S)
 * @param bias one value an output channel (C); may be left out or null
 * @returns (N,C,H,W), H = (P − 1)·stride + dilation·(R−1) + 1 − padding + outputPadding
 * @throws ERR_SHAPE when channels or groups do not fit or nothing is left; ERR_DTYPE when dtypes
 *   mix; ERR_ARGUMENT for an option out of range
 */
export function convTranspose2d<
  X extends Operand,
  W extends Operand,
  B extends Operand | null | undefined = undefined,
>(x: X, weight: W, bias?: B, options: ConvTranspose2dOptions = {}): Result<X | W | NonNullable<B>> {
  checkRank(where, 'x', x, 4);
  checkRank(where, 'weight', weight, 4);
  checkBias(where, bias);
  checkFloats(where, { x, weight, bias: bias ?? null });
  const [, k = 0, p = 0, q = 0] = x.shape;
  const [filters = 0, perGroup = 0, r = 0, s = 0] = weight.shape;
  const attributes = convTranspose2dAttributes(options, [p, q], [r, s]);
  const channels = perGroup * attributes.groups;
  if (k !== filters || k % attributes.groups !== 0) {
    throw shapeError(
      where,
      `x ${formatShape(x.shape)} has ${k} channels but weight ${formatShape(weight.shape)} with groups ${attributes.groups} needs ${filters}, a multiple of groups`,
    );
  }
  const y = within(where, () =>
    apply<Operand, Conv2dInputGradientAttributes>(
      conv2dInputGradientOperator,
      [x, weight],
      attributes,
    ),
  );
  if (!bias) return y as Result<X | W | NonNullable<B>>;
  checkRank(where, 'bias', bias, 1);
  if (bias.shape[0] !== channels) {
    throw shapeError(
      where,
      `bias must have shape (${channels}), one value an output channel, but has ${formatShape(bias.shape)}`,
    );
  }
  const plane = apply<Operand, ReshapeAttributes>(reshapeOperator, [bias], {
    keepFirst: false,
    shape: [1, channels, 1, 1],
  });
  return within(where, () => add<Operand, Operand>(y, plane)) as Result<X | W | NonNullable<B>>;
}
