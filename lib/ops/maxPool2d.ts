import { argumentError, checkOptions, shapeError } from '../errors.ts';
import {
  checkPair,
  convOutputSize,
  effectiveKernelSize,
  formatShape,
  type Padding,
  type PaddingOption,
  type Pair,
  resolvePadding,
} from '../shape.ts';
import {
  type Attributes,
  apply,
  applyAll,
  checkFloats,
  checkRank,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';

/**
 * Who gets the gradient of a window whose maximum stands in several cells: the first in row-major
 * order, all of them whole, or all of them in equal parts.
 */
export type TieRule = 'first' | 'all' | 'split';

/** Settings of 2-D max pooling. */
export interface MaxPool2dOptions {
  /** The window. */
  kernelSize: number | Pair;
  /** Step of the window; default: the window's own size. */
  stride?: number | Pair;
  /** Cells of −∞ around the input, at most half the window; default 0. */
  padding?: PaddingOption;
  /** Distance of the window's cells; default 1. */
  dilation?: number | Pair;
  /** Also windows that run past the end, as long as they start inside; default false. */
  ceilMode?: boolean;
  /** Default 'first'. */
  ties?: TieRule;
}

export interface MaxPool2dAttributes extends Attributes {
  readonly kernelSize: Pair;
  readonly stride: Pair;
  readonly padding: Padding;
  readonly dilation: Pair;
  readonly ceilMode: boolean;
  readonly ties: TieRule;
}

export interface MaxPool2dGradientAttributes extends MaxPool2dAttributes {
  readonly inputSize: Pair;
}

const spatial = ['vertical', 'horizontal'] as const;

function outputSizeAlong(
  where: string,
  axis: 0 | 1,
  size: number,
  attributes: MaxPool2dAttributes,
): number {
  const place = `${where}, ${spatial[axis]}`;
  const [kernel, stride, dilation] = [
    attributes.kernelSize[axis],
    attributes.stride[axis],
    attributes.dilation[axis],
  ];
  const before = attributes.padding[2 * axis] as number;
  const after = attributes.padding[2 * axis + 1] as number;
  const window = effectiveKernelSize(kernel, dilation);
  if (2 * before > window || 2 * after > window) {
    throw shapeError(
      place,
      `padding ${before}, ${after} is more than half the window of ${window} cells`,
    );
  }
  let count = convOutputSize(size, kernel, { stride, dilation, padding: before + after }, place);
  const covered = (count - 1) * stride + window;
  if (attributes.ceilMode && covered < size + before + after && count * stride < size + before) {
    count++;
  }
  for (let p = 0; p < count; p++) {
    const start = p * stride - before;
    const first = start < 0 ? Math.ceil(-start / dilation) : 0;
    if (first >= kernel || start + first * dilation >= size) {
      throw shapeError(place, `window ${p} lies wholly in the padding`);
    }
  }
  return count;
}

function outputSize(where: string, size: Pair, attributes: MaxPool2dAttributes): Pair {
  return [
    outputSizeAlong(where, 0, size[0], attributes),
    outputSizeAlong(where, 1, size[1], attributes),
  ];
}

function winnersDType(kernelSize: Pair): 'uint8' | 'int32' {
  return kernelSize[0] * kernelSize[1] <= 255 ? 'uint8' : 'int32';
}

/**
 * x (N,C,H,W) → y (N,C,P,Q), winners (N,C,P,Q): the winning cell's place r·S + s in its window,
 * the first of equals; uint8 when the window has at most 255 cells, else int32. A NaN wins.
 */
export const maxPool2dOperator: Operator<MaxPool2dAttributes> = {
  name: 'maxPool2d',
  inputs: ['x'],
  outputs: ['y', 'winners?'],
  layout: { inputs: [0], outputs: [0, 1] },
  infer([xSpec], attributes) {
    const x = need(xSpec);
    checkFloats('maxPool2d', { x });
    checkRank('maxPool2d', 'x', x, 4);
    const [n = 0, c = 0, h = 0, w = 0] = x.shape;
    const where = `maxPool2d of input ${formatShape(x.shape)} with windows ${formatShape(attributes.kernelSize)}`;
    const shape = [n, c, ...outputSize(where, [h, w], attributes)];
    return [
      makeSpec(shape, x.dtype, x.batched),
      makeSpec(shape, winnersDType(attributes.kernelSize), x.batched),
    ];
  },
  gradient({ inputs, outputs, gradients, attributes }) {
    const [x, dy] = [need(inputs[0]), need(gradients[0])];
    const [, , h = 0, w = 0] = x.shape;
    const rest: MaxPool2dGradientAttributes = { ...attributes, inputSize: [h, w] };
    return attributes.ties === 'first'
      ? [apply(maxPool2dGradientOperator, [dy, need(outputs[1])], rest)]
      : [apply(maxPool2dTieGradientOperator, [dy, x, need(outputs[0])], rest)];
  },
};

function inferGradient(where: string, dy: Spec, attributes: MaxPool2dGradientAttributes): Spec {
  checkFloats(where, { dy });
  checkRank(where, 'dy', dy, 4);
  const [n = 0, c = 0, p = 0, q = 0] = dy.shape;
  const expected = outputSize(where, attributes.inputSize, attributes);
  if (p !== expected[0] || q !== expected[1]) {
    throw shapeError(
      where,
      `dy ${formatShape(dy.shape)} is no output of windows ${formatShape(attributes.kernelSize)} on ${formatShape(attributes.inputSize)}, which is (${n}, ${c}, ${expected.join(', ')})`,
    );
  }
  return makeSpec([n, c, ...attributes.inputSize], dy.dtype, dy.batched);
}

/** dy, winners (N,C,P,Q) → dx (N,C,H,W): each cell gets dy of the windows that it won. */
export const maxPool2dGradientOperator: Operator<MaxPool2dGradientAttributes> = {
  name: 'maxPool2dGradient',
  inputs: ['dy', 'winners'],
  outputs: ['dx'],
  layout: { inputs: [0, 1], outputs: [0] },
  infer([dySpec, winnersSpec], attributes) {
    const [dy, winners] = [need(dySpec), need(winnersSpec)];
    checkSameShape('maxPool2dGradient', ['dy', 'winners'], dy, winners);
    if (winners.dtype !== winnersDType(attributes.kernelSize)) {
      throw argumentError(
        'maxPool2dGradient',
        `winners of ${winnersDType(attributes.kernelSize)}`,
        winners.dtype,
      );
    }
    return [inferGradient('maxPool2dGradient', dy, attributes)];
  },
};

/** dy, x, y → dx: every cell equal to its window's maximum gets dy, whole ('all') or its part ('split'). */
export const maxPool2dTieGradientOperator: Operator<MaxPool2dGradientAttributes> = {
  name: 'maxPool2dTieGradient',
  inputs: ['dy', 'x', 'y'],
  outputs: ['dx'],
  layout: { inputs: [0, 1, 2], outputs: [0] },
  infer([dySpec, xSpec, ySpec], attributes) {
    const [dy, x, y] = [need(dySpec), need(xSpec), need(ySpec)];
    checkFloats('maxPool2dTieGradient', { dy, x, y });
    checkSameShape('maxPool2dTieGradient', ['dy', 'y'], dy, y);
    const dx = inferGradient('maxPool2dTieGradient', dy, attributes);
    checkSameShape('maxPool2dTieGradient', ['x', 'its gradient'], x, dx);
    return [dx];
  },
};

/** The keys of MaxPool2dOptions. */
export const maxPool2dOptionNames = [
  'kernelSize',
  'stride',
  'padding',
  'dilation',
  'ceilMode',
  'ties',
] as const;

function maxPool2dAttributes(x: Spec, options: MaxPool2dOptions): MaxPool2dAttributes {
  checkRank('maxPool2d', 'x', x, 4);
  checkOptions('maxPool2d', options, maxPool2dOptionNames);
  const kernelSize = checkPair('maxPool2d', 'kernelSize', options.kernelSize, 1);
  const stride = checkPair('maxPool2d', 'stride', options.stride ?? kernelSize, 1);
  const dilation = checkPair('maxPool2d', 'dilation', options.dilation ?? 1, 1);
  const { ceilMode = false, ties = 'first' } = options;
  if (!['first', 'all', 'split'].includes(ties)) {
    throw argumentError('maxPool2d', "ties to be 'first', 'all' or 'split'", ties);
  }
  if (typeof ceilMode !== 'boolean') {
    throw argumentError('maxPool2d', 'ceilMode to be true or false', ceilMode);
  }
  const [, , h = 0, w = 0] = x.shape;
  const padding = resolvePadding('maxPool2d', options.padding ?? 0, {
    size: [h, w],
    kernelSize,
    stride,
    dilation,
  });
  return { kernelSize, stride, padding, dilation, ceilMode, ties };
}

/**
 * 2-D max pooling: the largest value of each window. What does not fill a window at the end is
 * dropped, unless `ceilMode`.
 *
 * @param x (N,C,H,W)
 * @returns (N,C,P,Q), P = ⌊(H + padding − dilation·(kernel−1) − 1)/stride⌋ + 1
 * @throws ERR_SHAPE when the window is larger than the padded input or the padding more than half
 *   the window; ERR_ARGUMENT for an option out of range
 */
export function maxPool2d<X extends Operand>(x: X, options: MaxPool2dOptions): Result<X> {
  return apply(maxPool2dOperator, [x], maxPool2dAttributes(x, options));
}

/** Max pooling that also returns its winners: [y, winners], see `maxPool2dOperator`. */
export function maxPool2dWithWinners<X extends Operand>(
  x: X,
  options: MaxPool2dOptions,
): [Result<X>, Result<X>] {
  const [y, winners] = applyAll(maxPool2dOperator, [x], maxPool2dAttributes(x, options));
  return [y as Result<X>, winners as Result<X>];
}
