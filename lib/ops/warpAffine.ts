import { argumentError, checkOptions, dtypeError, StridenetError, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { describe } from '../tensor.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkOperand,
  checkRank,
  isBatched,
  need,
  type Operand,
  type Operator,
  type ResultLike,
  type Spec,
} from './operator.ts';

/** How a value between pixels is made: that of the nearest one, or of the four around it. */
export type Interpolation = 'nearest' | 'bilinear';

export interface WarpAffineGradientAttributes extends Attributes {
  readonly mode: Interpolation;
}

export interface WarpAffineAttributes extends WarpAffineGradientAttributes {
  /** What stands outside of an image. */
  readonly fill: number;
}

/** Settings of warpAffine. */
export interface WarpAffineOptions {
  /** Default 'bilinear'. */
  mode?: Interpolation;
  /** What stands outside of an image, in the units of x; finite, default 0. */
  fill?: number;
}

/**
 * Throws ERR_SHAPE unless `each` has a row for each of the images `x` (N,C,H,W), and both the same
 * batch.
 */
export function checkRowForEachImage(where: string, name: string, each: Spec, x: Spec): void {
  if (each.shape[0] === x.shape[0] && isBatched(each) === isBatched(x)) return;
  const [own, images] = [each, x].map((spec) => {
    return `${isBatched(spec) ? 'batched ' : ''}${formatShape(spec.shape)}`;
  });
  throw shapeError(where, `${name} ${own} must be as many as the images x ${images}`);
}

function checkWarp(where: string, name: string, x: Spec, matrices: Spec): void {
  checkFloats(where, { [name]: x });
  checkRank(where, name, x, 4);
  checkOperand(where, 'matrices', matrices);
  if (matrices.dtype !== 'float32' && matrices.dtype !== 'float64') {
    throw dtypeError(where, `matrices must be float32 or float64 but are ${describe(matrices)}`);
  }
  const { shape } = matrices;
  const flat = shape.length === 2 && shape[1] === 6;
  if (!flat && !(shape.length === 3 && shape[1] === 2 && shape[2] === 3)) {
    throw shapeError(
      where,
      `matrices must have the shape (N, 2, 3) or (N, 6) but have ${formatShape(shape)}`,
    );
  }
  checkRowForEachImage(where, 'matrices', matrices, x);
}

/** Throws ERR_NOT_DIFFERENTIABLE when the gradient to the matrices is asked for. */
function refuseMatrices(where: string, wanted: readonly boolean[]): null {
  if (!wanted[1]) return null;
  throw new StridenetError(
    'ERR_NOT_DIFFERENTIABLE',
    `[${where}] has no gradient to its matrices, for which one is asked: sn.ops.stopGradient holds them fixed`,
  );
}

/** x T(N,C,H,W), matrices float32|float64 (N,2,3)|(N,6) → y T(N,C,H,W). */
export const warpAffineOperator: Operator<WarpAffineAttributes> = {
  name: 'warpAffine',
  inputs: ['x', 'matrices'],
  outputs: ['y'],
  layout: { inputs: [0], outputs: [0] },
  fixed: [1],
  infer([xSpec, matricesSpec]) {
    const x = need(xSpec);
    checkWarp('warpAffine', 'x', x, need(matricesSpec));
    return [x];
  },
  gradient({ inputs: [, matrices], gradients, attributes: { mode }, wanted }) {
    const none = refuseMatrices('warpAffine', wanted);
    const operands = [need(gradients[0]), need(matrices)];
    return [wanted[0] ? apply(warpAffineGradientOperator, operands, { mode }) : null, none];
  },
};

/** dy T(N,C,H,W), matrices → dx T(N,C,H,W): each pixel of dy goes to where y was read. */
export const warpAffineGradientOperator: Operator<WarpAffineGradientAttributes> = {
  name: 'warpAffineGradient',
  inputs: ['dy', 'matrices'],
  outputs: ['dx'],
  layout: { inputs: [0], outputs: [0] },
  fixed: [1],
  infer([dySpec, matricesSpec]) {
    const dy = need(dySpec);
    checkWarp('warpAffineGradient', 'dy', dy, need(matricesSpec));
    return [dy];
  },
  gradient({ inputs: [, matrices], gradients, attributes: { mode }, wanted }) {
    const none = refuseMatrices('warpAffineGradient', wanted);
    const operands = [need(gradients[0]), need(matrices)];
    return [wanted[0] ? apply(warpAffineOperator, operands, { mode, fill: 0 }) : null, none];
  },
};

/**
 * Images read along affine maps: rotated, shifted, scaled, flipped, sheared. Pixel (row p, column
 * q) of image n of the result is image n of x at the place
 *
 *     row = m₀·p + m₁·q + m₂,   column = m₃·p + m₄·q + m₅   with m = matrices[n],
 *
 * pixel centres being at integers. Places are computed in float64, (m₀·p + m₂) + m₁·q, whatever the
 * dtypes. 'nearest' takes pixel (⌊row + ½⌋, ⌊column + ½⌋); 'bilinear' weighs the four pixels around
 * the place by 1 minus their distances along each axis, and leaves out those whose weight is 0, so
 * that a place at integers gives its pixel bit for bit. Pixels outside of the image are `fill`. A
 * matrix may hold any numbers: a place that is NaN or infinite is outside.
 *
 * The gradient to x is exact; to the matrices there is none (ERR_NOT_DIFFERENTIABLE).
 *
 * @param x floating, (N,C,H,W)
 * @param matrices float32 or float64, (N,2,3) or (N,6): rows of a matrix one after the other
 * @returns (N,C,H,W)
 * @throws ERR_SHAPE, ERR_DTYPE; ERR_ARGUMENT for a mode that is none, a fill that is not finite
 */
export function warpAffine<X extends Operand, M extends Operand>(
  x: X,
  matrices: M,
  options: WarpAffineOptions = {},
): ResultLike<X, X | M> {
  checkOperand('warpAffine', 'x', x);
  checkOptions('warpAffine', options, ['mode', 'fill']);
  const { mode = 'bilinear', fill = 0 } = options;
  if (mode !== 'nearest' && mode !== 'bilinear') {
    throw argumentError('warpAffine', "mode to be 'nearest' or 'bilinear'", mode);
  }
  if (!Number.isFinite(fill)) throw argumentError('warpAffine', 'fill to be finite', fill);
  return apply<Operand, WarpAffineAttributes>(warpAffineOperator, [x, matrices], {
    mode,
    fill,
  }) as ResultLike<X, X | M>;
}
