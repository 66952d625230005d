import { argumentError, checkOptions, dtypeError, within } from '../errors.ts';
import type { Padding, PaddingOption, Pair } from '../shape.ts';
import { describe } from '../tensor.ts';
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
  type ResultOf,
  type Spec,
} from './operator.ts';
import { inferPooling, inferPoolingGradient, resolveGeometry } from './pooling.ts';
import { sumOfTies } from './poolTies.ts';

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
    const y = inferPooling('maxPool2d', need(xSpec), attributes);
    return [y, makeSpec(y.shape, winnersDType(attributes.kernelSize), y.batched)];
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

function checkWinners(
  where: string,
  name: string,
  windows: Spec,
  winners: Spec,
  { kernelSize }: MaxPool2dAttributes,
): void {
  checkSameShape(where, [name, 'winners'], windows, winners);
  if (winners.dtype !== winnersDType(kernelSize)) {
    throw dtypeError(
      where,
      `winners must be ${winnersDType(kernelSize)} but are ${describe(winners)}`,
    );
  }
}

/** dy, winners (N,C,P,Q) → dx (N,C,H,W): each cell gets dy of the windows that it won. */
export const maxPool2dGradientOperator: Operator<MaxPool2dGradientAttributes> = {
  name: 'maxPool2dGradient',
  inputs: ['dy', 'winners'],
  outputs: ['dx'],
  layout: { inputs: [0, 1], outputs: [0] },
  infer([dySpec, winnersSpec], attributes) {
    const [dy, winners] = [need(dySpec), need(winnersSpec)];
    checkWinners('maxPool2dGradient', 'dy', dy, winners, attributes);
    return [inferPoolingGradient('maxPool2dGradient', dy, attributes, attributes.inputSize)];
  },
  gradient({ inputs: [, winners], gradients, attributes: { inputSize: _, ...forward } }) {
    const windows = forward as MaxPool2dAttributes;
    return [apply(maxPool2dGatherOperator, [need(gradients[0]), need(winners)], windows), null];
  },
};

/**
 * x (N,C,H,W), winners (N,C,P,Q) → y (N,C,P,Q): the cell where each window's winner stands, 0 where
 * that is in the padding; the adjoint of `maxPool2dGradient`.
 */
export const maxPool2dGatherOperator: Operator<MaxPool2dAttributes> = {
  name: 'maxPool2dGather',
  refuses: [1],
  inputs: ['x', 'winners'],
  outputs: ['y'],
  layout: { inputs: [0, 1], outputs: [0] },
  infer([xSpec, winnersSpec], attributes) {
    const [x, winners] = [need(xSpec), need(winnersSpec)];
    const y = inferPooling('maxPool2dGather', x, attributes);
    checkWinners('maxPool2dGather', 'its windows', y, winners, attributes);
    return [y];
  },
  gradient({ inputs: [x, winners], gradients, attributes }) {
    const [, , h = 0, w = 0] = need(x).shape;
    const rest: MaxPool2dGradientAttributes = { ...attributes, inputSize: [h, w] };
    return [apply(maxPool2dGradientOperator, [need(gradients[0]), need(winners)], rest), null];
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
    const dx = inferPoolingGradient('maxPool2dTieGradient', dy, attributes, attributes.inputSize);
    checkSameShape('maxPool2dTieGradient', ['x', 'its gradient'], x, dx);
    return [dx];
  },
  gradient({ inputs: [, x, y], gradients, attributes, wanted }) {
    const message = need(gradients[0]);
    return [wanted[0] ? sumOfTies(message, need(x), need(y), attributes) : null, null, null];
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
  const { ties = 'first' } = options;
  if (!['first', 'all', 'split'].includes(ties)) {
    throw argumentError('maxPool2d', "ties to be 'first', 'all' or 'split'", ties);
  }
  const [, , h = 0, w = 0] = x.shape;
  return { ...resolveGeometry('maxPool2d', options, [h, w]), ties };
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

/**
 * Max pooling that also returns its winners: [y, winners], see `maxPool2dOperator`.
 * @param x float32 or float64 (N,C,H,W)
 */
export function maxPool2dWithWinners<X extends Operand>(
  x: X,
  options: MaxPool2dOptions,
): [Result<X>, ResultOf<X, 'uint8' | 'int32'>] {
  const [y, winners] = within('maxPool2dWithWinners', () =>
    applyAll(maxPool2dOperator, [x], maxPool2dAttributes(x, options)),
  );
  return [y as Result<X>, winners as ResultOf<X, 'uint8' | 'int32'>];
}
