import { argumentError } from '../errors.ts';
import type { Generator } from '../random.ts';
import { elementCount, type Shape } from '../shape.ts';
import { allocate, type FloatDType, Tensor } from '../tensor.ts';

/** What an initializer may depend on. */
export interface Fan {
  /** Products that make one output: channels/groups · R · S, or features. */
  readonly fanIn: number;
  /** Outputs that one input goes into. */
  readonly fanOut: number;
}

/** Settings of an initializer as a file keeps them. */
export type InitializerOptions = Readonly<Record<string, number | string>>;

/** A way to draw a parameter; `kind` and `options` are what a file keeps of it. */
export interface Initializer {
  readonly kind: string;
  readonly options: InitializerOptions;
  /** One value; called for every entry in row-major order. */
  draw(fan: Fan, random: Generator): number;
  /** All values at once, where they depend on each other; then `draw` is not called. */
  fill?(shape: Shape, random: Generator): Float64Array;
}

/** `value` if it is a finite number; else throws ERR_ARGUMENT. */
export function checkFinite(where: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw argumentError(where, `${name} to be a finite number`, value);
}

/** A parameter drawn by `initializer`; its values are drawn in float64, then rounded. */
export function drawTensor(
  initializer: Initializer,
  shape: Shape,
  dtype: FloatDType,
  fan: Fan,
  random: Generator,
): Tensor {
  const data = allocate(dtype, elementCount(shape));
  if (initializer.fill !== undefined) data.set(initializer.fill(shape, random));
  else for (let i = 0; i < data.length; i++) data[i] = initializer.draw(fan, random);
  return new Tensor(data, shape, dtype);
}
