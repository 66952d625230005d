import { argumentError, ownFunction, within } from '../errors.ts';
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
  /** The constructor's name in `initializers`. */
  readonly kind: string;
  /** Its settings as plain data, of which files make it again. */
  readonly options: InitializerOptions;
  /**
   * One value; called for every entry in row-major order.
   * @param fan of the parameter
   * @param random the parameter's own stream
   */
  draw(fan: Fan, random: Generator): number;
  /**
   * All values at once, where they depend on each other; then `draw` is not called.
   * @param shape of the parameter
   * @param random the parameter's own stream
   */
  fill?(shape: Shape, random: Generator): Float64Array;
}

/** `value` if it is a finite number; else throws ERR_ARGUMENT. */
export function checkFinite(where: string, name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw argumentError(where, `${name} to be a finite number`, value);
}

/** `filled` if it is finite numbers, one for each value; else throws ERR_ARGUMENT. */
function checkFilled(where: string, filled: unknown, size: number): Float64Array {
  if (!(filled instanceof Float64Array) || filled.length !== size) {
    const expected = `fill of its initializer to give a Float64Array of ${size} values`;
    throw argumentError(where, expected, filled);
  }
  for (const value of filled) checkFinite(where, 'each value of fill of its initializer', value);
  return filled;
}

/**
 * A parameter drawn by `initializer`; its values are drawn in float64, then rounded.
 * @param key of the parameter, for messages
 * @throws ERR_ARGUMENT when the initializer throws or gives something else than finite numbers
 */
export function drawTensor(
  key: string,
  initializer: Initializer,
  shape: Shape,
  dtype: FloatDType,
  fan: Fan,
  random: Generator,
): Tensor {
  const data = allocate(dtype, elementCount(shape));
  const where = `parameter ${key}`;
  // Once around all draws: there may be a hundred million of them.
  const draw = ownFunction(where, 'its initializer', () => {
    if (initializer.fill !== undefined) {
      data.set(checkFilled(where, initializer.fill([...shape], random), data.length));
      return;
    }
    for (let i = 0; i < data.length; i++) {
      data[i] = checkFinite(where, 'draw of its initializer', initializer.draw(fan, random));
    }
  });
  within(where, draw);
  return new Tensor(data, shape, dtype);
}
