/**
 * Sizes, numbers of parameters and costs of layers, computed from shapes alone.
 * @module
 */
import { checkOptions, shapeError } from './errors.ts';
import { convolutionMultiplyAdds } from './ops/conv2d.ts';
import { convTranspose2dAttributes } from './ops/convTranspose2d.ts';
import type { Padding1dOption } from './ops/oneDimension.ts';
import { poolOutputSize as poolSize, resolveGeometry } from './ops/pooling.ts';
import {
  checkInteger,
  checkPair,
  elementCount,
  type Padding,
  type PaddingOption,
  type Pair,
  resolvePadding,
  convOutputSize as sizeAlong,
} from './shape.ts';

export { elementCount, formatShape, type PaddingOption, type Pair, type Shape } from './shape.ts';

/** How windows lie along one axis. */
export interface WindowOptions1d {
  /** Step of the window; default 1, of pooling the window's size. */
  stride?: number;
  /** Cells on each side, [before, after], or a rule; default 0. */
  padding?: Padding1dOption;
  /** Distance of the window's cells; default 1. */
  dilation?: number;
  /** Make cells that no window reaches an error (ERR_SHAPE) instead of leaving them out. */
  strict?: boolean;
}

/** How windows lie on an image; numbers hold for both axes. */
export interface WindowOptions {
  /** Step of the window; default 1, of pooling the window's size. */
  stride?: number | Pair;
  /** Cells on each side, [vertical, horizontal], each side, or a rule; default 0. */
  padding?: PaddingOption;
  /** Distance of the window's cells; default 1. */
  dilation?: number | Pair;
  /** Make cells that no window reaches an error (ERR_SHAPE) instead of leaving them out. */
  strict?: boolean;
}

/** What a window of pooling may have besides. */
export interface CeilOption {
  /** Also windows that run past the end, as long as they start inside; default false. */
  ceilMode?: boolean;
}

/** What a transposed convolution may have besides. */
export interface OutputPaddingOption {
  /** Added to the output at its end, below the stride; default 0. */
  outputPadding?: number | Pair;
}

const windowNames = ['stride', 'padding', 'dilation', 'strict'] as const;
const axes = ['vertical', 'horizontal'] as const;

type AnyOptions = WindowOptions & CeilOption & OutputPaddingOption;

/** A call with pairs alone; one axis is an image of height 1. */
interface Canonical {
  readonly single: boolean;
  readonly size: Pair;
  readonly kernelSize: Pair;
  readonly options: AnyOptions;
}

function canonical(
  where: string,
  size: number | Pair,
  kernelSize: number | Pair,
  options: object,
  known: readonly string[],
): Canonical {
  checkOptions(where, options, [...windowNames, ...known]);
  const given = options as AnyOptions;
  if (typeof size !== 'number') {
    return {
      single: false,
      size: checkPair(where, 'size', size, 0),
      kernelSize: checkPair(where, 'kernelSize', kernelSize, 1),
      options: given,
    };
  }
  const along = (name: string, value: unknown, low: number, other: number): Pair => {
    return [other, checkInteger(where, name, value, low)];
  };
  const { stride, padding, dilation, outputPadding, ...rest } = given;
  return {
    single: true,
    size: along('size', size, 0, 1),
    kernelSize: along('kernelSize', kernelSize, 1, 1),
    options: {
      ...rest,
      ...(stride === undefined ? {} : { stride: along('stride', stride, 1, 1) }),
      ...(dilation === undefined ? {} : { dilation: along('dilation', dilation, 1, 1) }),
      ...(outputPadding === undefined
        ? {}
        : { outputPadding: along('outputPadding', outputPadding, 0, 0) }),
      padding:
        typeof padding === 'string'
          ? padding
          : [[0, 0], checkPair(where, 'padding', padding ?? 0, 0)],
    },
  };
}

/** The window's stride and dilation, and the padding of each side. */
function geometryOf(
  where: string,
  { size, kernelSize, options }: Canonical,
): { stride: Pair; dilation: Pair; padding: Padding } {
  const stride = checkPair(where, 'stride', options.stride ?? 1, 1);
  const dilation = checkPair(where, 'dilation', options.dilation ?? 1, 1);
  const geometry = { size, kernelSize, stride, dilation };
  return { stride, dilation, padding: resolvePadding(where, options.padding ?? 0, geometry) };
}

function answer({ single }: Canonical, result: Pair): number | Pair {
  return single ? result[1] : result;
}

/**
 * The size of a convolution's output, ⌊(size + padding − dilation·(kernel − 1) − 1)/stride⌋ + 1
 * along each axis, padding being the sum of both sides.
 *
 * @param size along one axis, or [H, W]
 * @param kernelSize along one axis, or [R, S]; one number for both
 * @returns a number for a number, [P, Q] for [H, W]
 * @throws ERR_SHAPE when the window is larger than the padded input; with `strict`, when windows do
 *   not reach all of it; ERR_ARGUMENT for an option out of range
 */
export function convOutputSize(size: number, kernelSize: number, options?: WindowOptions1d): number;
export function convOutputSize(
  size: Pair,
  kernelSize: number | Pair,
  options?: WindowOptions,
): Pair;
export function convOutputSize(
  size: number | Pair,
  kernelSize: number | Pair,
  options: WindowOptions | WindowOptions1d = {},
): number | Pair {
  const where = 'convOutputSize';
  const call = canonical(where, size, kernelSize, options, []);
  const { stride, dilation, padding } = geometryOf(where, call);
  const along = (axis: 0 | 1): number =>
    sizeAlong(
      call.size[axis],
      call.kernelSize[axis],
      {
        ...{ stride: stride[axis], dilation: dilation[axis], strict: options.strict ?? false },
        padding: (padding[2 * axis] as number) + (padding[2 * axis + 1] as number),
      },
      call.single ? where : `${where}, ${axes[axis]}`,
    );
  return answer(call, [along(0), along(1)]);
}

/**
 * The size of pooling's output: as a convolution's with the window's size as stride; with `ceilMode`
 * also windows that run past the end. See `convOutputSize`.
 * @param size along one axis, or [H, W]
 * @param kernelSize along one axis, or [R, S]; one number for both
 * @throws ERR_SHAPE, besides, for padding of more than half the window
 */
export function poolOutputSize(
  size: number,
  kernelSize: number,
  options?: WindowOptions1d & CeilOption,
): number;
export function poolOutputSize(
  size: Pair,
  kernelSize: number | Pair,
  options?: WindowOptions & CeilOption,
): Pair;
export function poolOutputSize(
  size: number | Pair,
  kernelSize: number | Pair,
  options: (WindowOptions | WindowOptions1d) & CeilOption = {},
): number | Pair {
  const where = 'poolOutputSize';
  const call = canonical(where, size, kernelSize, options, ['ceilMode']);
  const { strict = false, ...rest } = call.options;
  const geometry = resolveGeometry(where, { ...rest, kernelSize: call.kernelSize }, call.size);
  const result = poolSize(where, call.size, geometry);
  const { stride, dilation, padding, kernelSize: window } = geometry;
  for (const axis of strict ? ([0, 1] as const) : []) {
    const covered = (result[axis] - 1) * stride[axis] + dilation[axis] * (window[axis] - 1) + 1;
    const cells =
      call.size[axis] + (padding[2 * axis] as number) + (padding[2 * axis + 1] as number);
    if (covered < cells) {
      throw shapeError(where, `the windows leave ${cells - covered} of ${cells} cells over`);
    }
  }
  return answer(call, result);
}

/**
 * The size of a transposed convolution's output, (size − 1)·stride + dilation·(kernel − 1) + 1 −
 * padding + outputPadding along each axis, padding being the sum of both sides.
 *
 * @param size along one axis, or [P, Q]
 * @param kernelSize along one axis, or [R, S]; one number for both
 * @param options stride, padding, dilation and outputPadding, as of the layer
 * @throws ERR_SHAPE when nothing is left; ERR_ARGUMENT for an option out of range
 */
export function convTransposeOutputSize(
  size: number,
  kernelSize: number,
  options?: Omit<WindowOptions1d, 'strict'> & { outputPadding?: number },
): number;
export function convTransposeOutputSize(
  size: Pair,
  kernelSize: number | Pair,
  options?: Omit<WindowOptions, 'strict'> & OutputPaddingOption,
): Pair;
export function convTransposeOutputSize(
  size: number | Pair,
  kernelSize: number | Pair,
  options: object = {},
): number | Pair {
  const where = 'convTransposeOutputSize';
  const call = canonical(where, size, kernelSize, options, ['outputPadding']);
  const { inputSize } = convTranspose2dAttributes(
    call.options as never,
    call.size,
    call.kernelSize,
  );
  return answer(call, inputSize);
}

/**
 * The zeros that padding 'same' puts before and after, so that the output has ⌈size/stride⌉ cells;
 * the odd one comes after.
 * @param size along one axis, or [H, W]
 * @param kernelSize along one axis, or [R, S]; one number for both
 * @param options.stride of the windows along each axis, or one number for both; default 1
 * @param options.dilation distance of neighbouring weights, likewise; default 1
 * @returns [before, after] for a number, [[top, bottom], [left, right]] for [H, W]
 */
export function samePadding(
  size: number,
  kernelSize: number,
  options?: { stride?: number; dilation?: number },
): Pair;
export function samePadding(
  size: Pair,
  kernelSize: number | Pair,
  options?: { stride?: number | Pair; dilation?: number | Pair },
): readonly [Pair, Pair];
export function samePadding(
  size: number | Pair,
  kernelSize: number | Pair,
  options: { stride?: number | Pair; dilation?: number | Pair } = {},
): Pair | readonly [Pair, Pair] {
  checkOptions('samePadding', options, ['stride', 'dilation']);
  const call = canonical('samePadding', size, kernelSize, { ...options, padding: 'same' }, []);
  const [top, bottom, left, right] = geometryOf('samePadding', call).padding;
  const horizontal: Pair = [left, right];
  return call.single ? horizontal : [[top, bottom], horizontal];
}

/** What counts in a convolution's cost. */
export interface ConvCost {
  /** Input channels. */
  channels: number;
  /** Output channels. */
  filters: number;
  /** [R, S], or one number for both. */
  kernelSize: number | Pair;
  /** Default 1. */
  groups?: number;
  /** Default true. */
  bias?: boolean;
}

const costNames = ['channels', 'filters', 'kernelSize', 'groups', 'bias'] as const;

/** The shape of a convolution's weight. Throws ERR_ARGUMENT, ERR_SHAPE for a cost that is none. */
function weightOf(where: string, cost: ConvCost): readonly [number, number, number, number] {
  const channels = checkInteger(where, 'channels', cost.channels, 1);
  const filters = checkInteger(where, 'filters', cost.filters, 1);
  const groups = checkInteger(where, 'groups', cost.groups ?? 1, 1);
  const [r, s] = checkPair(where, 'kernelSize', cost.kernelSize, 1);
  if (channels % groups !== 0 || filters % groups !== 0) {
    throw shapeError(
      where,
      `groups ${groups} must divide both the ${channels} channels and the ${filters} filters`,
    );
  }
  return [filters, channels / groups, r, s];
}

/**
 * Learned values of a 2-D convolution: filters · channels/groups · R · S, and a bias a filter.
 * @param cost what the convolution is like
 */
export function convParameters(cost: ConvCost): number {
  checkOptions('convParameters', cost, costNames);
  const weight = weightOf('convParameters', cost);
  return elementCount(weight) + (cost.bias === false ? 0 : weight[0]);
}

/**
 * Multiply-adds of a 2-D convolution forward for one image of `size`: every weight once a
 * position of the output. Either gradient costs as much.
 * @param size [H, W] of the input, without padding
 * @param cost what the convolution is like, and its windows
 */
export function convMultiplyAdds(size: Pair, cost: ConvCost & WindowOptions): number {
  const where = 'convMultiplyAdds';
  checkOptions(where, cost, [...costNames, ...windowNames]);
  const given = windowNames.filter((name) => cost[name] !== undefined);
  const window = Object.fromEntries(given.map((name) => [name, cost[name]]));
  const output = convOutputSize(size, cost.kernelSize, window);
  return convolutionMultiplyAdds(1, weightOf(where, cost), output);
}

/**
 * Learned values of a dense layer: features · units, and a bias an output unless it is false.
 * @param cost inputs, outputs, and whether there is a bias (default true)
 */
export function denseParameters(cost: { features: number; units: number; bias?: boolean }): number {
  checkOptions('denseParameters', cost, ['features', 'units', 'bias']);
  const features = checkInteger('denseParameters', 'features', cost.features, 1);
  const units = checkInteger('denseParameters', 'units', cost.units, 1);
  return units * (features + (cost.bias === false ? 0 : 1));
}
