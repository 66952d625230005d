import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { checkPair, formatShape, type Pair } from '../shape.ts';
import {
  type Attributes,
  apply,
  channelsLastAxis,
  checkFloats,
  checkOperand,
  checkSamplesStay,
  holds,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';
import { sliceOperator } from './slice.ts';

/**
 * What stands in the padding: one value; the mirror image, the edge itself not repeated; or the
 * edge, repeated.
 */
export type PadMode = 'constant' | 'reflect' | 'replicate';

export interface PadAttributes extends Attributes {
  /** Cells before and after each axis: [before 0, after 0, before 1, …]. */
  readonly padding: readonly number[];
  readonly mode: PadMode;
  /** Of mode 'constant'. */
  readonly value: number;
}

/** Settings of pad. */
export interface PadOptions {
  /** Default 'constant'. */
  mode?: PadMode;
  /** What 'constant' pads with; default 0. */
  value?: number;
}

/** The axes that are padded. */
function paddedAxes(padding: readonly number[]): number[] {
  const axes = Array.from({ length: padding.length / 2 }, (_, axis) => axis);
  return axes.filter((axis) => padding[2 * axis] !== 0 || padding[2 * axis + 1] !== 0);
}

function cells(padding: readonly number[], axis: number): number {
  return (padding[2 * axis] as number) + (padding[2 * axis + 1] as number);
}

function channelsLast<A extends PadAttributes>(attributes: A): A {
  const padding = [...attributes.padding];
  for (let axis = 0; axis < 4; axis++) {
    for (const side of [0, 1]) {
      const to = 2 * channelsLastAxis(axis) + side;
      padding[to] = attributes.padding[2 * axis + side] as number;
    }
  }
  return { ...attributes, padding };
}

/** Throws unless the padding of each axis can be filled from an axis of `shape`. */
function checkPadding(where: string, x: Spec, shape: readonly number[], a: PadAttributes): void {
  checkSamplesStay(where, 'x', x, paddedAxes(a.padding));
  for (const axis of paddedAxes(a.padding)) {
    const size = shape[axis] as number;
    const largest = Math.max(a.padding[2 * axis] as number, a.padding[2 * axis + 1] as number);
    if (a.mode === 'reflect' && largest >= size) {
      throw shapeError(
        where,
        `axis ${axis} of ${formatShape(shape)} is too short to be reflected over ${largest} cells`,
      );
    }
    if (a.mode === 'replicate' && size === 0) {
      throw shapeError(where, `axis ${axis} of ${formatShape(shape)} has no edge to repeat`);
    }
  }
}

/** x of any dtype → y with cells before and after its axes. */
export const padOperator: Operator<PadAttributes> = {
  name: 'pad',
  inputs: ['x'],
  outputs: ['y'],
  layout: 'any',
  channelsLast,
  infer([xSpec], attributes) {
    const x = need(xSpec);
    checkPadding('pad', x, x.shape, attributes);
    if (!holds(x.dtype, attributes.value)) {
      throw argumentError('pad', `value to be a number of dtype ${x.dtype}`, attributes.value);
    }
    const shape = x.shape.map((size, axis) => size + cells(attributes.padding, axis));
    return [makeSpec(shape, x.dtype, x.batched)];
  },
  gradient({ inputs: [x], gradients, attributes }) {
    const dy = need(gradients[0]);
    const { padding, mode } = attributes;
    if (mode !== 'constant') return [apply(padGradientOperator, [dy], { ...attributes, value: 0 })];
    const axes = paddedAxes(padding);
    const starts = axes.map((axis) => padding[2 * axis] as number);
    const ends = axes.map((axis, i) => (starts[i] as number) + (need(x).shape[axis] as number));
    return [apply(sliceOperator, [dy], { axes, starts, ends, steps: axes.map(() => 1) })];
  },
};

/** dy → dx of mode 'reflect' or 'replicate': each cell gets dy of itself and of its copies. */
export const padGradientOperator: Operator<PadAttributes> = {
  name: 'padGradient',
  inputs: ['dy'],
  outputs: ['dx'],
  layout: 'any',
  channelsLast,
  infer([dySpec], attributes) {
    const dy = need(dySpec);
    checkFloats('padGradient', { dy });
    const { padding } = attributes;
    const shape = dy.shape.map((size, axis) => size - cells(padding, axis));
    if (shape.some((size) => size < 0)) {
      throw shapeError('padGradient', `dy ${formatShape(dy.shape)} is smaller than the padding`);
    }
    checkPadding('padGradient', dy, shape, attributes);
    return [makeSpec(shape, dy.dtype, dy.batched)];
  },
  gradient({ gradients, attributes }) {
    return [apply(padOperator, [need(gradients[0])], attributes)];
  },
};

/**
 * Cells before and after the last axes of a value.
 *
 * @param x of any dtype and shape
 * @param padding [before, after] for each of the last axes, the last one last
 * @throws ERR_ARGUMENT for a padding or an option that is none; ERR_SHAPE when an axis is too short
 *   to be reflected (it must be longer than the padding) or repeated, or is the batch
 */
export function pad<X extends Operand>(
  x: X,
  padding: readonly Pair[],
  options: PadOptions = {},
): Result<X> {
  checkOperand('pad', 'x', x);
  checkOptions('pad', options, ['mode', 'value']);
  const rank = x.shape.length;
  if (!Array.isArray(padding) || padding.length > rank || !padding.every(Array.isArray)) {
    throw argumentError('pad', `padding to be a list of at most ${rank} pairs`, padding);
  }
  const pairs = padding.map((pair, i) => checkPair('pad', `padding[${i}]`, pair, 0));
  const { mode = 'constant', value = 0 } = options;
  if (!['constant', 'reflect', 'replicate'].includes(mode)) {
    throw argumentError('pad', "mode to be 'constant', 'reflect' or 'replicate'", mode);
  }
  if (typeof value !== 'number') throw argumentError('pad', 'value to be a number', value);
  const whole = Array.from({ length: 2 * (rank - pairs.length) }, () => 0);
  return apply<X, PadAttributes>(padOperator, [x], {
    padding: [...whole, ...pairs.flat()],
    mode,
    value: mode === 'constant' ? value : 0,
  });
}
