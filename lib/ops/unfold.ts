import { checkOptions, shapeError } from '../errors.ts';
import {
  checkPair,
  formatShape,
  type Padding,
  type PaddingOption,
  type Pair,
  resolvePadding,
} from '../shape.ts';
import { outputSize } from './conv2d.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkRank,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';

/** Settings of unfold. */
export interface UnfoldOptions {
  /** The window. */
  kernelSize: number | Pair;
  /** Step of the window; default 1. */
  stride?: number | Pair;
  /** Zeros around the image; default 0. */
  padding?: PaddingOption;
  /** Distance of the window's cells; default 1. */
  dilation?: number | Pair;
}

/** Settings of fold. */
export interface FoldOptions extends UnfoldOptions {
  /** [H, W] of the image. */
  outputSize: number | Pair;
}

export interface UnfoldAttributes extends Attributes {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
}

export interface FoldAttributes extends UnfoldAttributes {
  readonly outputSize: Pair;
}

function columnCount(where: string, size: Pair, attributes: UnfoldAttributes): number {
  const named = `${where} of image ${formatShape(size)} with windows ${formatShape(attributes.kernelSize)}`;
  const [p, q] = outputSize(named, size, attributes.kernelSize, attributes);
  return p * q;
}

/** x (N,C,H,W) of any dtype → columns (N, C·R·S, P·Q). */
export const unfoldOperator: Operator<UnfoldAttributes> = {
  name: 'unfold',
  inputs: ['x'],
  outputs: ['columns'],
  infer([xSpec], attributes) {
    const x = need(xSpec);
    checkRank('unfold', 'x', x, 4);
    const [n = 0, c = 0, h = 0, w = 0] = x.shape;
    const [r, s] = attributes.kernelSize;
    const shape = [n, c * r * s, columnCount('unfold', [h, w], attributes)];
    return [makeSpec(shape, x.dtype, x.batched)];
  },
  gradient({ inputs: [x], gradients, attributes }) {
    const [, , h = 0, w = 0] = need(x).shape;
    return [apply(foldOperator, [need(gradients[0])], { ...attributes, outputSize: [h, w] })];
  },
};

/** columns (N, C·R·S, P·Q) → x (N,C,H,W): each cell the sum over the windows that show it. */
export const foldOperator: Operator<FoldAttributes> = {
  name: 'fold',
  inputs: ['columns'],
  outputs: ['x'],
  infer([columnsSpec], attributes) {
    const columns = need(columnsSpec);
    checkFloats('fold', { columns });
    checkRank('fold', 'columns', columns, 3);
    const [n = 0, rows = 0, count = 0] = columns.shape;
    const [[r, s], size] = [attributes.kernelSize, attributes.outputSize];
    const expected = columnCount('fold', size, attributes);
    if (rows % (r * s) !== 0 || count !== expected) {
      throw shapeError(
        'fold',
        `columns ${formatShape(columns.shape)} must have the shape (N, C·${r * s}, ${expected}) to make images ${formatShape(size)} of windows ${formatShape([r, s])}`,
      );
    }
    return [makeSpec([n, rows / (r * s), ...size], columns.dtype, columns.batched)];
  },
  gradient({ gradients, attributes: { kernelSize, stride, padding, dilation } }) {
    const attributes = { kernelSize, stride, padding, dilation };
    return [apply(unfoldOperator, [need(gradients[0])], attributes)];
  },
};

const optionNames = ['kernelSize', 'stride', 'padding', 'dilation'];

function unfoldAttributes(where: string, size: Pair, options: UnfoldOptions): UnfoldAttributes {
  const kernelSize = checkPair(where, 'kernelSize', options.kernelSize, 1);
  const stride = checkPair(where, 'stride', options.stride ?? 1, 1);
  const dilation = checkPair(where, 'dilation', options.dilation ?? 1, 1);
  const padding = resolvePadding(where, options.padding ?? 0, {
    size,
    kernelSize,
    stride,
    dilation,
  });
  return { kernelSize, stride, padding, dilation };
}

/**
 * The patches of images as columns (im2col), so that a convolution is the product of the filters as
 * a matrix (K, C·R·S) with them.
 *
 * @param x images (N,C,H,W)
 * @returns (N, C·R·S, P·Q): rows in the order (c,r,s), columns in the order (p,q)
 * @throws ERR_SHAPE when the window is larger than the padded image; ERR_ARGUMENT for an option out
 *   of range
 */
export function unfold<X extends Operand>(x: X, options: UnfoldOptions): Result<X> {
  checkRank('unfold', 'x', x as Spec, 4);
  checkOptions('unfold', options, optionNames);
  const [, , h = 0, w = 0] = x.shape;
  return apply<X, UnfoldAttributes>(
    unfoldOperator,
    [x],
    unfoldAttributes('unfold', [h, w], options),
  );
}

/**
 * Columns put back to where `unfold` took them from (col2im), added up where windows overlap: the
 * adjoint of unfold.
 *
 * @param columns (N, C·R·S, P·Q)
 * @returns images (N,C,H,W), [H, W] = outputSize
 * @throws ERR_SHAPE when the columns are not those of such images; ERR_ARGUMENT for an option out of
 *   range
 */
export function fold<X extends Operand>(columns: X, options: FoldOptions): Result<X> {
  checkRank('fold', 'columns', columns as Spec, 3);
  checkOptions('fold', options, [...optionNames, 'outputSize']);
  const size = checkPair('fold', 'outputSize', options.outputSize, 0);
  const attributes = unfoldAttributes('fold', size, options);
  return apply<X, FoldAttributes>(foldOperator, [columns], { ...attributes, outputSize: size });
}
