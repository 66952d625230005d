import { checkBoolean, checkOptions, shapeError, within } from '../errors.ts';
import { checkPair, formatShape, type Padding, type PaddingOption, type Pair } from '../shape.ts';
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
} from './operator.ts';
import { inferPooling, inferPoolingGradient, resolveGeometry } from './pooling.ts';
import { type ReshapeAttributes, reshapeOperator } from './reshape.ts';

/** Settings of 2-D average pooling. */
export interface AvgPool2dOptions {
  /** The window. */
  kernelSize: number | Pair;
  /** Step of the window; default: the window's own size. */
  stride?: number | Pair;
  /** Cells of 0 around the input, at most half the window; default 0. */
  padding?: PaddingOption;
  /** Also windows that run past the end, as long as they start inside; default false. */
  ceilMode?: boolean;
  /**
   * Divide by the window's cells in the padded input (what runs past its end never counts); else by
   * those in the input itself. Default true.
   */
  countIncludePad?: boolean;
}

export interface AvgPool2dAttributes extends Attributes {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
}

export interface AvgPool2dGradientAttributes extends AvgPool2dAttributes {
  readonly inputSize: Pair;
}

export interface AdaptiveAvgPool2dAttributes extends Attributes {
  readonly outputSize: Pair;
}

export interface AdaptiveAvgPool2dGradientAttributes extends AdaptiveAvgPool2dAttributes {
  readonly inputSize: Pair;
}

function inputSizeOf(x: Operand): Pair {
  const [, , h = 0, w = 0] = x.shape;
  return [h, w];
}

/** x (N,C,H,W) → y (N,C,P,Q): the sum of each window over its divisor. */
export const avgPool2dOperator: Operator<AvgPool2dAttributes> = {
  name: 'avgPool2d',
  inputs: ['x'],
  outputs: ['y'],
  layout: { inputs: [0], outputs: [0] },
  infer([x], attributes) {
    return [inferPooling('avgPool2d', need(x), attributes)];
  },
  gradient({ inputs: [x], gradients, attributes }) {
    const inputSize = inputSizeOf(need(x));
    return [apply(avgPool2dGradientOperator, [need(gradients[0])], { ...attributes, inputSize })];
  },
};

/** dy (N,C,P,Q) → dx (N,C,H,W): each cell gets dy over the divisor from every window around it. */
export const avgPool2dGradientOperator: Operator<AvgPool2dGradientAttributes> = {
  name: 'avgPool2dGradient',
  inputs: ['dy'],
  outputs: ['dx'],
  layout: { inputs: [0], outputs: [0] },
  infer([dy], attributes) {
    const { inputSize } = attributes;
    return [inferPoolingGradient('avgPool2dGradient', need(dy), attributes, inputSize)];
  },
  gradient({ gradients, attributes: { inputSize: _, ...forward } }) {
    return [apply(avgPool2dOperator, [need(gradients[0])], forward as AvgPool2dAttributes)];
  },
};

/** x (N,C,H,W) → y (N,C,P,Q): the mean over rows ⌊p·H/P⌋ to ⌈(p+1)·H/P⌉, columns likewise. */
export const adaptiveAvgPool2dOperator: Operator<AdaptiveAvgPool2dAttributes> = {
  name: 'adaptiveAvgPool2d',
  inputs: ['x'],
  outputs: ['y'],
  layout: { inputs: [0], outputs: [0] },
  infer([xSpec], { outputSize }) {
    const x = need(xSpec);
    checkFloats('adaptiveAvgPool2d', { x });
    checkRank('adaptiveAvgPool2d', 'x', x, 4);
    const [n = 0, c = 0, h = 0, w = 0] = x.shape;
    if (h === 0 || w === 0) {
      throw shapeError('adaptiveAvgPool2d', `x ${formatShape(x.shape)} has images without cells`);
    }
    return [makeSpec([n, c, ...outputSize], x.dtype, x.batched)];
  },
  gradient({ inputs: [x], gradients, attributes }) {
    const inputSize = inputSizeOf(need(x));
    const dy = need(gradients[0]);
    return [apply(adaptiveAvgPool2dGradientOperator, [dy], { ...attributes, inputSize })];
  },
};

/** dy (N,C,P,Q) → dx (N,C,H,W), the adjoint of adaptive average pooling. */
export const adaptiveAvgPool2dGradientOperator: Operator<AdaptiveAvgPool2dGradientAttributes> = {
  name: 'adaptiveAvgPool2dGradient',
  inputs: ['dy'],
  outputs: ['dx'],
  layout: { inputs: [0], outputs: [0] },
  infer([dySpec], { outputSize, inputSize }) {
    const dy = need(dySpec);
    checkFloats('adaptiveAvgPool2dGradient', { dy });
    checkRank('adaptiveAvgPool2dGradient', 'dy', dy, 4);
    const [n = 0, c = 0, p, q] = dy.shape;
    if (p !== outputSize[0] || q !== outputSize[1]) {
      throw shapeError(
        'adaptiveAvgPool2dGradient',
        `dy ${formatShape(dy.shape)} must be (${n}, ${c}, ${outputSize.join(', ')})`,
      );
    }
    return [makeSpec([n, c, ...inputSize], dy.dtype, dy.batched)];
  },
  gradient({ gradients, attributes: { outputSize } }) {
    return [apply(adaptiveAvgPool2dOperator, [need(gradients[0])], { outputSize })];
  },
};

/** The keys of AvgPool2dOptions. */
export const avgPool2dOptionNames = [
  'kernelSize',
  'stride',
  'padding',
  'ceilMode',
  'countIncludePad',
] as const;

/**
 * 2-D average pooling. What does not fill a window at the end is dropped, unless `ceilMode`.
 *
 * @param x (N,C,H,W)
 * @returns (N,C,P,Q), P = ⌊(H + padding − kernel)/stride⌋ + 1
 * @throws ERR_SHAPE when the window is larger than the padded input or the padding more than half
 *   the window; ERR_ARGUMENT for an option out of range
 */
export function avgPool2d<X extends Operand>(x: X, options: AvgPool2dOptions): Result<X> {
  checkRank('avgPool2d', 'x', x, 4);
  checkOptions('avgPool2d', options, avgPool2dOptionNames);
  const { dilation: _, ...geometry } = resolveGeometry('avgPool2d', options, inputSizeOf(x));
  const countIncludePad = checkBoolean(
    'avgPool2d',
    'countIncludePad',
    options.countIncludePad ?? true,
  );
  return apply(avgPool2dOperator, [x], { ...geometry, countIncludePad });
}

/**
 * The mean over height and width: x (N,C,H,W) → (N,C). Throws ERR_SHAPE for images without cells.
 * @param x float32 or float64 (N,C,H,W)
 */
export function globalAvgPool2d<X extends Operand>(x: X): Result<X> {
  checkRank('globalAvgPool2d', 'x', x, 4);
  const mean = within('globalAvgPool2d', () =>
    apply(adaptiveAvgPool2dOperator, [x], { outputSize: [1, 1] }),
  );
  return apply<Operand, ReshapeAttributes>(reshapeOperator, [mean], {
    keepFirst: true,
    shape: [x.shape[1] as number],
  }) as Result<X>;
}

/**
 * Average pooling to a given output size, whatever the input's: row p of the output is the mean of
 * the rows ⌊p·H/P⌋ to ⌈(p+1)·H/P⌉ (excluded), columns likewise, as PyTorch's.
 *
 * @param x (N,C,H,W)
 * @param options.outputSize [P, Q], or one number for both, 1 or more
 * @returns (N,C,P,Q)
 * @throws ERR_SHAPE for images without cells; ERR_ARGUMENT for an outputSize below 1
 */
export function adaptiveAvgPool2d<X extends Operand>(
  x: X,
  options: { outputSize: number | Pair },
): Result<X> {
  checkRank('adaptiveAvgPool2d', 'x', x, 4);
  checkOptions('adaptiveAvgPool2d', options, ['outputSize']);
  const outputSize = checkPair('adaptiveAvgPool2d', 'outputSize', options.outputSize, 1);
  return apply(adaptiveAvgPool2dOperator, [x], { outputSize });
}
