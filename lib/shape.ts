import { argumentError, StridenetError, shapeError, show } from './errors.ts';

/** The sizes of a tensor, outermost first. */
export type Shape = readonly number[];

/** [vertical, horizontal]. */
export type Pair = readonly [number, number];

/** [top, bottom, left, right], in cells. */
export type Padding = readonly [number, number, number, number];

/**
 * Padding as users say it: a number for all sides, [vertical, horizontal],
 * [[top, bottom], [left, right]], or a rule: 'valid' (none), 'same' (output ⌈size/stride⌉, the odd
 * cell at the end), 'full' (every position that touches the input).
 */
export type PaddingOption = number | Pair | readonly [Pair, Pair] | 'valid' | 'same' | 'full';

/** The most elements a tensor may have: what one typed array can hold. */
export const maxElements = 2 ** 33;

/**
 * "(2, 3)", for messages.
 * @param shape sizes
 */
export function formatShape(shape: readonly unknown[]): string {
  return `(${shape.map((size) => (typeof size === 'number' ? String(size) : show(size))).join(', ')})`;
}

/**
 * The product of the sizes; 1 for rank 0.
 * @param shape sizes
 */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

/**
 * Throws ERR_SHAPE unless `shape` is a list of at most 8 integers ≥ 0 whose product a tensor can
 * hold; ERR_MEMORY when it is a number of elements that no array has.
 */
export function checkShape(where: string, shape: unknown): asserts shape is readonly number[] {
  if (!Array.isArray(shape)) throw argumentError(where, 'a shape (an array of sizes)', shape);
  if (shape.length > 8) throw shapeError(where, `rank ${shape.length} is above 8`);
  let count = 1;
  for (const size of shape) {
    if (!Number.isInteger(size) || size < 0) {
      throw shapeError(
        where,
        `size ${show(size)} in shape ${formatShape(shape)} is no integer ≥ 0`,
      );
    }
    count *= size === 0 ? 1 : size;
  }
  if (count > Number.MAX_SAFE_INTEGER) {
    throw shapeError(where, `shape ${formatShape(shape)} has more than 2^53 elements`);
  }
  if (count > maxElements) {
    throw new StridenetError(
      'ERR_MEMORY',
      `[${where}] shape ${formatShape(shape)} has ${count} elements, more than one array holds`,
    );
  }
}

/** Whether two shapes are the same. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** `value` if it is an integer within [low, high]; else throws ERR_ARGUMENT. */
export function checkInteger(
  where: string,
  name: string,
  value: unknown,
  low: number,
  high = 2 ** 31 - 1,
): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
    const range =
      high === 2 ** 31 - 1 ? `an integer ≥ ${low}` : `an integer from ${low} to ${high}`;
    throw argumentError(where, `${name} to be ${range}`, value);
  }
  return value;
}

/** The axis that `value` names, negative ones counted from the end. Throws ERR_ARGUMENT. */
export function resolveAxis(where: string, name: string, value: unknown, rank: number): number {
  const axis = checkInteger(where, name, value, -rank, rank - 1);
  return axis < 0 ? axis + rank : axis;
}

/**
 * The axes that `value` names, a number or a list of them, in rising order; all of them by default.
 * Throws ERR_ARGUMENT for axes that do not exist or that occur twice.
 */
export function resolveAxes(where: string, name: string, value: unknown, rank: number): number[] {
  if (value === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const listed = Array.isArray(value)
    ? value.map((each, i) => resolveAxis(where, `${name}[${i}]`, each, rank))
    : [resolveAxis(where, name, value, rank)];
  if (new Set(listed).size < listed.length) {
    throw argumentError(where, `${name} to name each axis once`, value);
  }
  return listed.sort((a, b) => a - b);
}

/**
 * The shape to which shapes broadcast, as NumPy's: aligned at the last axis, sizes are equal or 1,
 * and missing ones count as 1.
 * @param shapes by the names that messages give them
 * @throws ERR_SHAPE when they do not fit
 */
export function broadcastShapes(
  where: string,
  shapes: Readonly<Record<string, Shape>>,
): readonly number[] {
  const rank = Math.max(0, ...Object.values(shapes).map(({ length }) => length));
  const result = Array.from({ length: rank }, () => 1);
  for (const shape of Object.values(shapes)) {
    for (const [i, size] of shape.entries()) {
      const axis = rank - shape.length + i;
      if (size === 1 || size === result[axis]) continue;
      if (result[axis] !== 1) {
        const all = Object.entries(shapes).map(([name, each]) => `${name} ${formatShape(each)}`);
        throw shapeError(
          where,
          `${all.join(' and ')} do not broadcast: axis ${axis - rank} differs`,
        );
      }
      result[axis] = size;
    }
  }
  return result;
}

/** A pair from a number (for both) or a pair; each an integer ≥ low. Throws ERR_ARGUMENT. */
export function checkPair(where: string, name: string, value: unknown, low: number): Pair {
  if (Array.isArray(value)) {
    if (value.length !== 2) throw argumentError(where, `${name} to be a number or a pair`, value);
    return [
      checkInteger(where, `${name}[0]`, value[0], low),
      checkInteger(where, `${name}[1]`, value[1], low),
    ];
  }
  const both = checkInteger(where, name, value, low);
  return [both, both];
}

/** Axis number `axis` of a value of that rank as 0 … rank − 1: −1 is the last. Throws ERR_ARGUMENT. */
export function checkAxis(where: string, name: string, axis: unknown, rank: number): number {
  if (!Number.isInteger(axis) || (axis as number) < -rank || (axis as number) >= rank) {
    throw argumentError(where, `${name} to be an axis of a value of rank ${rank}`, axis);
  }
  return (axis as number) < 0 ? (axis as number) + rank : (axis as number);
}

/** Several different axes, see `checkAxis`, from an axis or a list of them, in the order given. */
export function checkAxes(where: string, name: string, axes: unknown, rank: number): number[] {
  const list: unknown[] = Array.isArray(axes) ? axes : [axes];
  const checked = list.map((axis) => checkAxis(where, name, axis, rank));
  if (new Set(checked).size !== checked.length) {
    throw argumentError(where, `${name} to be different axes`, axes);
  }
  return checked;
}

/** The size that a filter covers: dilation·(kernel − 1) + 1. */
export function effectiveKernelSize(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/**
 * The size of a convolution's output along one axis: ⌊(size + padding − dilation·(kernel−1) − 1) /
 * stride⌋ + 1. What does not fit is dropped.
 *
 * @param padding the sum of both sides
 * @param strict makes a remainder an error (ERR_SHAPE)
 * @throws ERR_SHAPE when the window is larger than the padded input
 */
export function convOutputSize(
  size: number,
  kernel: number,
  options: { stride?: number; padding?: number; dilation?: number; strict?: boolean } = {},
  where = 'convOutputSize',
): number {
  const { stride = 1, padding = 0, dilation = 1, strict = false } = options;
  checkInteger(where, 'size', size, 0);
  checkInteger(where, 'kernelSize', kernel, 1);
  checkInteger(where, 'stride', stride, 1);
  checkInteger(where, 'padding', padding, 0);
  checkInteger(where, 'dilation', dilation, 1);
  const room = size + padding - effectiveKernelSize(kernel, dilation);
  if (room < 0) {
    throw shapeError(
      where,
      `a window of ${effectiveKernelSize(kernel, dilation)} is larger than the padded input of ${size + padding}`,
    );
  }
  if (strict && room % stride !== 0) {
    throw shapeError(
      where,
      `a window of ${effectiveKernelSize(kernel, dilation)} with stride ${stride} leaves ${room % stride} of ${size + padding} cells over`,
    );
  }
  return Math.floor(room / stride) + 1;
}

function samePadding(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  flipKernel: boolean,
): Pair {
  const output = Math.ceil(size / stride);
  const total = Math.max(0, (output - 1) * stride + effectiveKernelSize(kernel, dilation) - size);
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return flipKernel && stride === 1 ? [more, less] : [less, more];
}

/**
 * [top, bottom, left, right] from a padding as users say it. `size` is the input's [H, W].
 * With `flipKernel` and stride 1, 'same' puts the odd cell at the start: that is the centred crop
 * of the full convolution which SciPy's `convolve2d` makes.
 * Throws ERR_ARGUMENT for anything else than PaddingOption allows.
 */
export function resolvePadding(
  where: string,
  option: unknown,
  geometry: {
    size: Pair;
    kernelSize: Pair;
    stride: Pair;
    dilation: Pair;
    flipKernel?: boolean;
  },
): Padding {
  const { size, kernelSize, stride, dilation, flipKernel = false } = geometry;
  if (option === 'valid') return [0, 0, 0, 0];
  if (option === 'full') {
    const [vertical, horizontal] = [0, 1].map(
      (axis) => effectiveKernelSize(kernelSize[axis] as number, dilation[axis] as number) - 1,
    ) as [number, number];
    return [vertical, vertical, horizontal, horizontal];
  }
  if (option === 'same') {
    const [top, bottom] = samePadding(size[0], kernelSize[0], stride[0], dilation[0], flipKernel);
    const [left, right] = samePadding(size[1], kernelSize[1], stride[1], dilation[1], flipKernel);
    return [top, bottom, left, right];
  }
  if (typeof option === 'string') {
    throw argumentError(where, "padding to be 'valid', 'same', 'full', a number or a pair", option);
  }
  if (Array.isArray(option) && option.length === 2 && option.every(Array.isArray)) {
    const [top, bottom] = checkPair(where, 'padding[0]', option[0], 0);
    const [left, right] = checkPair(where, 'padding[1]', option[1], 0);
    return [top, bottom, left, right];
  }
  const [vertical, horizontal] = checkPair(where, 'padding', option, 0);
  return [vertical, vertical, horizontal, horizontal];
}
