import { argumentError, checkOptions, shapeError, within } from '../errors.ts';
import { checkPair, effectiveKernelSize, formatShape, type Pair } from '../shape.ts';
import { type MaxPool2dGradientAttributes, maxPool2dGradientOperator } from './maxPool2d.ts';
import { apply, checkOperand, checkRank, type Operand, type Result } from './operator.ts';
import { type PoolGeometry, poolOutputSize, resolveGeometry } from './pooling.ts';

/** Settings of max unpooling: those of the pooling that it undoes. */
export interface MaxUnpool2dOptions {
  /** The window. */
  kernelSize: number | Pair;
  /** Step of the window; default: the window's own size. */
  stride?: number | Pair;
  /** Padding of the pooling; default 0. */
  padding?: number | Pair | readonly [Pair, Pair];
  /** Distance of the window's cells; default 1. */
  dilation?: number | Pair;
  /** [H, W] of the result; default: the smallest input whose pooling gives y. */
  outputSize?: Pair;
}

const where = 'maxUnpool2d';
/** With winners from anywhere, not only those of the pool whose gradient it is. */
const operator = { ...maxPool2dGradientOperator, refuses: [1] };
const optionNames = ['kernelSize', 'stride', 'padding', 'dilation', 'outputSize'] as const;

/** Whether windows on an image of `size` are as many as `wanted`. */
function gives(wanted: Pair, size: Pair, geometry: PoolGeometry): boolean {
  const [p, q] = poolOutputSize(where, size, geometry);
  return p === wanted[0] && q === wanted[1];
}

/**
 * Puts every y back where its window's winner stood; all other cells are 0. A cell that several
 * windows won gets the sum. A winner in the padding goes nowhere.
 *
 * @param y what pooling gave, or anything in its place (N,C,P,Q)
 * @param winners of `maxPool2dWithWinners` (N,C,P,Q)
 * @returns (N,C,H,W)
 * @throws ERR_SHAPE when no pooling of that output size gives y's; ERR_ARGUMENT for an option or a
 *   winner out of range
 */
export function maxUnpool2d<Y extends Operand>(
  y: Y,
  winners: Operand,
  options: MaxUnpool2dOptions,
): Result<Y> {
  checkRank(where, 'y', y, 4);
  checkOperand(where, 'winners', winners);
  checkOptions(where, options, optionNames);
  if (typeof options.padding === 'string') {
    throw argumentError(where, 'padding to be a number or a pair', options.padding);
  }
  const geometry = resolveGeometry(where, options, [0, 0]);
  const { kernelSize, stride, padding, dilation } = geometry;
  const [, , p = 0, q = 0] = y.shape;
  const smallest = (axis: 0 | 1, count: number): number =>
    (count - 1) * stride[axis] +
    effectiveKernelSize(kernelSize[axis], dilation[axis]) -
    (padding[2 * axis] as number) -
    (padding[2 * axis + 1] as number);
  const inputSize =
    options.outputSize === undefined
      ? ([smallest(0, p), smallest(1, q)] as const)
      : checkPair(where, 'outputSize', options.outputSize, 1);
  if (inputSize[0] < 1 || inputSize[1] < 1) {
    throw shapeError(where, `y ${formatShape(y.shape)} comes from no image`);
  }
  const ceilMode = gives([p, q], inputSize, { ...geometry, ceilMode: true });
  if (!ceilMode && !gives([p, q], inputSize, geometry)) {
    throw shapeError(
      where,
      `y ${formatShape(y.shape)} is no output of windows ${formatShape(kernelSize)} on ${formatShape(inputSize)}`,
    );
  }
  const attributes: MaxPool2dGradientAttributes = {
    ...geometry,
    ceilMode,
    ties: 'first',
    inputSize,
  };
  return within(where, () =>
    apply<Operand, MaxPool2dGradientAttributes>(operator, [y, winners], attributes),
  ) as Result<Y>;
}
