import { argumentError, checkOptions, shapeError, within } from '../errors.ts';
import { checkShape, elementCount, formatShape, type Pair } from '../shape.ts';
import { allocate, Tensor } from '../tensor.ts';
import { concat } from './concat.ts';
import {
  type Conv2dAttributes,
  type Conv2dOptions,
  conv2dAttributes,
  conv2dOperator,
  conv2dOptionNames,
} from './conv2d.ts';
import { gather } from './gather.ts';
import { horizontal, horizontalPadding, type Padding1dOption } from './oneDimension.ts';
import { checkFloats, checkRank, need, type Operand, type Result, type Spec } from './operator.ts';
import { reshape } from './reshape.ts';

/** Settings of convMatrix1d: those of conv1d. */
export interface ConvMatrix1dOptions {
  /** Default 1. */
  stride?: number;
  /** Zeros on both sides, [before, after], 'same' or 'valid'; default 0. */
  padding?: Padding1dOption;
  /** Distance of neighbouring weights; default 1. */
  dilation?: number;
  /** Channels and filters are cut into so many parts that do not meet; default 1. */
  groups?: number;
  /** Convolution as signal processing has it, instead of cross-correlation; default false. */
  flipKernel?: boolean;
}

/** Filters and the image that they meet, as conv2d has them. */
interface Geometry {
  readonly weight: readonly [number, number, number, number];
  readonly image: readonly [number, number, number];
  readonly attributes: Conv2dAttributes;
}

/** Calls visit(row, column, place) for every entry of the matrix that is a weight at that place. */
function visitEntries(
  { weight: [K, perGroup, R, S], image: [, H, W], attributes }: Geometry,
  [P, Q]: Pair,
  visit: (row: number, column: number, place: number) => void,
): void {
  const { stride, padding, dilation, groups, flipKernel } = attributes;
  const along = (position: number, tap: number, axis: 0 | 1): number =>
    position * stride[axis] + tap * dilation[axis] - (padding[2 * axis] as number);
  for (let row = 0; row < K * P * Q; row++) {
    const [k, p, q] = [Math.floor(row / (P * Q)), Math.floor(row / Q) % P, row % Q];
    const firstChannel = Math.floor(k / (K / groups)) * perGroup;
    for (let tap = 0; tap < perGroup * R * S; tap++) {
      const [c, r, s] = [Math.floor(tap / (R * S)), Math.floor(tap / S) % R, tap % S];
      const [h, w] = [along(p, r, 0), along(q, s, 1)];
      if (h < 0 || h >= H || w < 0 || w >= W) continue;
      const turned = flipKernel ? (c * R + R - 1 - r) * S + S - 1 - s : tap;
      visit(row, ((firstChannel + c) * H + h) * W + w, k * perGroup * R * S + turned);
    }
  }
}

function convMatrix<X extends Operand>(where: string, w: X, geometry: Geometry): Result<X> {
  const { weight, image, attributes } = geometry;
  const filters: Spec = { shape: weight, dtype: w.dtype };
  const images: Spec = { shape: [1, ...image], dtype: w.dtype };
  const [y] = within(where, () => conv2dOperator.infer([images, filters, null], attributes));
  const [, K = 0, P = 0, Q = 0] = need(y).shape;
  const shape = [K * P * Q, elementCount(image)];
  checkShape(where, shape);
  const places = allocate('int32', elementCount(shape));
  // All other entries name the zero that follows the weights.
  const zero = elementCount(weight);
  if (zero > 2 ** 31 - 2) throw shapeError(where, `w ${formatShape(w.shape)} is too large`);
  places.fill(zero);
  visitEntries(geometry, [P, Q], (row, column, place) => {
    places[row * (shape[1] as number) + column] = place;
  });
  const nothing = new Tensor(allocate(w.dtype, 1), [1], w.dtype);
  const entries = concat([reshape(w, [zero]) as Operand, nothing]);
  return gather(entries, new Tensor(places, shape, 'int32')) as Result<X>;
}

function checkInputShape(where: string, inputShape: unknown, rank: number): readonly number[] {
  if (!Array.isArray(inputShape)) {
    throw argumentError(where, 'inputShape to be a list of sizes', inputShape);
  }
  checkShape(`${where}, inputShape`, inputShape);
  if (inputShape.length !== rank) {
    throw argumentError(where, `an inputShape of ${rank} sizes`, inputShape);
  }
  return inputShape;
}

/**
 * The matrix of a 1-D convolution (a Toeplitz matrix for one channel and stride 1): conv1d of x is
 * its product with x written as a vector, and the gradient to x is the product with its transpose.
 * Padding is part of the matrix: it acts on x without it.
 *
 * @param w filters (K, C/groups, S), or one filter (S) of one channel
 * @param inputShape [C, L], or [L] for a filter (S)
 * @returns (K·Q, C·L): rows in the order (k,q), columns in the order (c,l)
 * @throws as conv1d
 */
export function convMatrix1d<X extends Operand>(
  w: X,
  inputShape: readonly number[],
  options: ConvMatrix1dOptions = {},
): Result<X> {
  const where = 'convMatrix1d';
  checkRank(where, 'w', w as Spec, 1, 3);
  checkFloats(where, { w: w as Spec });
  checkOptions(where, options, conv2dOptionNames);
  const single = w.shape.length === 1;
  const sizes = checkInputShape(where, inputShape, single ? 1 : 2);
  const [c = 0, l = 0] = single ? [1, ...sizes] : sizes;
  const [k = 0, perGroup = 0, s = 0] = single ? [1, 1, ...w.shape] : w.shape;
  const { padding, stride, dilation, ...rest } = options;
  const images: Conv2dOptions = {
    ...rest,
    padding: horizontalPadding(where, padding) ?? 0,
    stride: horizontal(where, 'stride', stride) ?? 1,
    dilation: horizontal(where, 'dilation', dilation) ?? 1,
  };
  return convMatrix(where, w, {
    weight: [k, perGroup, 1, s],
    image: [c, 1, l],
    attributes: conv2dAttributes(where, images, [1, l], [1, s]),
  });
}

/**
 * The matrix of a 2-D convolution: conv2d of x is its product with x written as a vector, and the
 * gradient to x is the product with its transpose. Padding is part of the matrix: it acts on x
 * without it.
 *
 * @param w filters (K, C/groups, R, S), or one filter (R, S) of one channel
 * @param inputShape [C, H, W], or [H, W] for a filter (R, S)
 * @returns (K·P·Q, C·H·W): rows in the order (k,p,q), columns in the order (c,h,w)
 * @throws as conv2d
 */
export function convMatrix2d<X extends Operand>(
  w: X,
  inputShape: readonly number[],
  options: Conv2dOptions = {},
): Result<X> {
  const where = 'convMatrix2d';
  checkRank(where, 'w', w as Spec, 2, 4);
  checkFloats(where, { w: w as Spec });
  const single = w.shape.length === 2;
  const sizes = checkInputShape(where, inputShape, single ? 2 : 3);
  const [c = 0, h = 0, width = 0] = single ? [1, ...sizes] : sizes;
  const [k = 0, perGroup = 0, r = 0, s = 0] = single ? [1, 1, ...w.shape] : w.shape;
  return convMatrix(where, w, {
    weight: [k, perGroup, r, s],
    image: [c, h, width],
    attributes: conv2dAttributes(where, options, [h, width], [r, s]),
  });
}
