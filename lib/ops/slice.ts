import { argumentError, shapeError } from '../errors.ts';
import { checkInteger, formatShape } from '../shape.ts';
import {
  type Attributes,
  apply,
  channelsLastAxis,
  checkFloats,
  checkOperand,
  checkSamplesStay,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';

/** Entries start, start + step, … below end along each of `axes`; all along the others. */
export interface SliceAttributes extends Attributes {
  readonly axes: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
}

export interface SliceGradientAttributes extends SliceAttributes {
  /** The sizes that x has along `axes`. */
  readonly sizes: readonly number[];
}

/**
 * What is taken along an axis: null for all of it, or start, end (not itself taken) and step ≥ 1,
 * default 1; start and end count from the end when negative and stop at the ends, as in Python.
 */
export type Range = null | readonly [number, number] | readonly [number, number, number];

function channelsLast<A extends SliceAttributes>(attributes: A): A {
  return { ...attributes, axes: attributes.axes.map(channelsLastAxis) };
}

/** The sizes along `axes` of what is taken. */
function takenSizes({ starts, ends, steps }: SliceAttributes): number[] {
  return starts.map((start, i) =>
    Math.max(0, Math.ceil(((ends[i] as number) - start) / (steps[i] as number))),
  );
}

/** `shape` with other sizes along `axes`. */
function withSizes(
  shape: readonly number[],
  axes: readonly number[],
  sizes: readonly number[],
): number[] {
  return shape.map((size, axis) => (axes.includes(axis) ? need(sizes[axes.indexOf(axis)]) : size));
}

/** x of any dtype → y: a part of it. */
export const sliceOperator: Operator<SliceAttributes> = {
  name: 'slice',
  inputs: ['x'],
  outputs: ['y'],
  layout: 'any',
  channelsLast,
  infer([xSpec], attributes) {
    const x = need(xSpec);
    checkSamplesStay('slice', 'x', x, attributes.axes);
    const shape = withSizes(x.shape, attributes.axes, takenSizes(attributes));
    return [makeSpec(shape, x.dtype, x.batched)];
  },
  gradient({ inputs: [x], gradients, attributes }) {
    const sizes = attributes.axes.map((axis) => need(x).shape[axis] as number);
    return [apply(sliceGradientOperator, [need(gradients[0])], { ...attributes, sizes })];
  },
};

/** dy → dx: dy where x was taken from, 0 elsewhere. */
export const sliceGradientOperator: Operator<SliceGradientAttributes> = {
  name: 'sliceGradient',
  inputs: ['dy'],
  outputs: ['dx'],
  layout: 'any',
  channelsLast,
  infer([dySpec], attributes) {
    const dy = need(dySpec);
    checkFloats('sliceGradient', { dy });
    checkSamplesStay('sliceGradient', 'dy', dy, attributes.axes);
    const taken = withSizes(dy.shape, attributes.axes, takenSizes(attributes));
    if (taken.some((size, axis) => size !== dy.shape[axis])) {
      throw shapeError(
        'sliceGradient',
        `dy ${formatShape(dy.shape)} is not what was taken, ${formatShape(taken)}`,
      );
    }
    return [makeSpec(withSizes(dy.shape, attributes.axes, attributes.sizes), dy.dtype, dy.batched)];
  },
  gradient({ gradients, attributes: { axes, starts, ends, steps } }) {
    return [apply(sliceOperator, [need(gradients[0])], { axes, starts, ends, steps })];
  },
};

function checkRange(axis: number, range: unknown, size: number): [number, number, number] {
  if (!Array.isArray(range) || range.length < 2 || range.length > 3) {
    throw argumentError(
      'slice',
      `ranges[${axis}] to be null, [start, end] or [start, end, step]`,
      range,
    );
  }
  const [most, name] = [Number.MAX_SAFE_INTEGER, `of ranges[${axis}]`];
  const place = (value: unknown, what: string): number => {
    const given = checkInteger('slice', `${what} ${name}`, value, -most, most);
    return Math.min(Math.max(given < 0 ? given + size : given, 0), size);
  };
  const start = place(range[0], 'start');
  const end = place(range[1], 'end');
  const step = checkInteger('slice', `step ${name}`, range[2] ?? 1, 1, most);
  return [start, Math.max(start, end), step];
}

/**
 * A part of a value, as Python's x[start:end:step, …].
 *
 * @param x of any dtype and shape
 * @param ranges what is taken along each axis; axes at the end that are left out stay whole
 * @throws ERR_ARGUMENT for a range that is none or more ranges than axes; ERR_SHAPE when a part of
 *   the batch would be taken
 */
export function slice<X extends Operand>(x: X, ranges: readonly Range[]): Result<X> {
  checkOperand('slice', 'x', x);
  if (!Array.isArray(ranges) || ranges.length > x.shape.length || ranges.some(Number.isInteger)) {
    const expected = `ranges to be a list of at most ${x.shape.length} ranges, one an axis, as in slice(x, [[0, 2]]),`;
    throw argumentError('slice', expected, ranges);
  }
  const taken = ranges.flatMap((range, axis) => {
    if (range === null) return [];
    const size = x.shape[axis] as number;
    const [start, end, step] = checkRange(axis, range, size);
    return start === 0 && end === size && step === 1 ? [] : [{ axis, start, end, step }];
  });
  return apply<X, SliceAttributes>(sliceOperator, [x], {
    axes: taken.map(({ axis }) => axis),
    starts: taken.map(({ start }) => start),
    ends: taken.map(({ end }) => end),
    steps: taken.map(({ step }) => step),
  });
}
