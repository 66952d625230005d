import { inspect } from 'node:util';
import { argumentError, dtypeError, StridenetError, shapeError, show } from './errors.ts';
import { checkShape, elementCount, formatShape, type Shape } from './shape.ts';

/** Element types. There is no promotion: operands of an operator share one. */
export type DType = 'float32' | 'float64' | 'int32' | 'uint8';

/** The element types that have gradients. */
export type FloatDType = 'float32' | 'float64';

/** The arrays that hold a tensor's elements. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint8: Uint8Array,
} as const;

/** Bytes of one element. */
export function elementBytes(dtype: DType): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/** Whether `value` names a dtype. */
export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(arrays, value);
}

/** Throws ERR_ARGUMENT unless `value` names a dtype. */
export function checkDType(where: string, value: unknown): asserts value is DType {
  if (!isDType(value)) {
    throw argumentError(where, "a dtype of 'float32', 'float64', 'int32', 'uint8'", value);
  }
}

/** Throws ERR_ARGUMENT unless `value` names a floating dtype. */
export function checkFloatDType(where: string, value: unknown): asserts value is FloatDType {
  if (value !== 'float32' && value !== 'float64') {
    throw argumentError(where, "a dtype of 'float32' or 'float64'", value);
  }
}

/** A new array of zeros. Throws ERR_MEMORY when there is not so much memory. */
export function allocate(dtype: DType, size: number): TypedArray {
  try {
    return new arrays[dtype](size);
  } catch (cause) {
    const bytes = size * elementBytes(dtype);
    throw new StridenetError(
      'ERR_MEMORY',
      `[allocate] no memory for ${size} ${dtype} (${bytes} bytes)`,
      {
        cause,
      },
    );
  }
}

/** The dtype whose elements `array` holds, or null. */
export function dtypeOfArray(array: unknown): DType | null {
  for (const dtype of ['float32', 'float64', 'int32', 'uint8'] as const) {
    if (array instanceof arrays[dtype]) return dtype;
  }
  return array instanceof Uint8ClampedArray ? 'uint8' : null;
}

/** Throws ERR_ARGUMENT, ERR_DTYPE unless `data` is the typed array of the dtype. */
function checkArray(data: unknown, dtype: unknown): void {
  const own = dtypeOfArray(data);
  if (own === null) {
    throw argumentError('Tensor', 'the typed array of a dtype (sn.tensor takes lists)', data);
  }
  checkDType('Tensor', dtype);
  if (own === dtype) return;
  throw dtypeError('Tensor', `${dtype} needs a ${arrays[dtype].name}, not ${show(data)}`);
}

/**
 * A dense array of numbers in row-major order. `data` belongs to JavaScript: it may be read and
 * written between calls, and every asynchronous call copies what it needs before it returns.
 */
export class Tensor<D extends DType = DType> {
  /** Sizes; () for a single number. Frozen. */
  readonly shape: Shape;
  /** Of its elements. */
  readonly dtype: D;
  /** The elements in row-major order: the Tensor's memory, not a copy. */
  readonly data: TypedArray;

  /**
   * Wraps `data` without a copy; `tensor()` is the checked way in.
   * Throws ERR_SHAPE when the shape and the number of elements differ, ERR_DTYPE when `data` is
   * the array of another dtype, ERR_ARGUMENT for what is no such array, no dtype, or memory that is
   * shared between threads.
   * @param data the elements in row-major order; stays the Tensor's memory
   * @param shape sizes, none of them negative; copied
   * @param dtype that of the array's elements
   */
  constructor(data: TypedArray, shape: readonly number[], dtype: D) {
    checkShape('Tensor', shape);
    checkArray(data, dtype);
    if (data.buffer instanceof SharedArrayBuffer) {
      throw argumentError('Tensor', 'memory of its own', data.buffer);
    }
    if (elementCount(shape) !== data.length) {
      throw shapeError(
        'Tensor',
        `shape ${formatShape(shape)} needs ${elementCount(shape)} elements but received ${data.length}`,
      );
    }
    this.shape = Object.freeze([...shape]);
    this.dtype = dtype;
    this.data = data;
  }

  /** The number of elements. */
  get size(): number {
    return this.data.length;
  }

  /** The one element of a tensor of size 1. Throws ERR_SHAPE for another size. */
  item(): number {
    if (this.size !== 1) {
      throw shapeError('item', `a tensor of one element is needed, this one is ${describe(this)}`);
    }
    return this.data[0] as number;
  }

  /** A tensor of its own memory. Throws ERR_ARGUMENT when this one's memory was detached. */
  clone(): Tensor<D> {
    checkMemory('Tensor', 'the tensor', this);
    return new Tensor(this.data.slice(), this.shape, this.dtype);
  }

  /**
   * The elements in another dtype, rounded as typed arrays round. Throws ERR_ARGUMENT when the
   * memory was detached.
   * @param dtype one of the dtypes
   */
  to<E extends DType>(dtype: E): Tensor<E> {
    checkDType('Tensor.to', dtype);
    checkMemory('Tensor.to', 'the tensor', this);
    const data = allocate(dtype, this.size);
    data.set(this.data);
    return new Tensor(data, this.shape, dtype);
  }

  /** The elements as nested arrays, in the shape of the tensor. */
  toArray(): NestedNumbers {
    let level: NestedNumbers[] = Array.from(this.data);
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      const size = this.shape[axis] as number;
      const count = elementCount(this.shape.slice(0, axis));
      level = Array.from({ length: count }, (_, i) => level.slice(i * size, (i + 1) * size));
    }
    return level[0] as NestedNumbers;
  }

  /** "Tensor float32 (2, 3)" and the elements, those in the middle of long axes left out. */
  toString(): string {
    return `Tensor ${describe(this)}${shownElements(this)}`;
  }

  /** What JSON.stringify writes. Throws ERR_ARGUMENT when the memory was detached. */
  toJSON(): TensorJson {
    checkMemory('Tensor', 'the tensor', this);
    return { dtype: this.dtype, shape: [...this.shape], data: Array.from(this.data) };
  }

  /**
   * In text `toString()`; throws ERR_ARGUMENT where a number is wanted, as by `+`, `<` and Math.
   * @param hint what JavaScript wants: 'string', 'number' or 'default'
   */
  [Symbol.toPrimitive](hint: string): string {
    if (hint === 'string') return this.toString();
    const advice = 'the number in a Tensor of one element is t.item(), its text is String(t)';
    throw noNumber(`a Tensor ${describe(this)}`, advice);
  }

  /**
   * What console.log shows.
   * @param depth how many levels are still shown; below 0 the elements are left out
   */
  [inspect.custom](depth: number): string {
    return depth < 0 ? `[Tensor ${describe(this)}]` : this.toString();
  }
}

/** What JSON.stringify makes of a Tensor: `tensor(data, shape, dtype)` makes it a Tensor again. */
export interface TensorJson {
  /** Of its elements. */
  dtype: DType;
  /** Sizes. */
  shape: number[];
  /** The elements in row-major order; JSON has null for NaN and for infinities. */
  data: number[];
}

/** ERR_ARGUMENT for a Tensor or a traced value where JavaScript computes with numbers. */
export function noNumber(what: string, advice: string): StridenetError {
  return new StridenetError(
    'ERR_ARGUMENT',
    `[operators] JavaScript cannot compute with ${what}: use sn.ops.add(a, b) instead of a + b, sn.ops.less(a, b) instead of a < b, sn.ops.sin(x) instead of Math.sin(x); ${advice}`,
  );
}

/** The elements as nested lists, of six significant digits, one line a row. */
function shownElements({ shape, data }: Tensor): string {
  if (data.length !== elementCount(shape)) return ' (memory detached)';
  const rank = shape.length;
  const level = (axis: number, start: number, stride: number): string => {
    if (axis === rank) return String(Number((data[start] as number).toPrecision(6)));
    const size = shape[axis] as number;
    const edge = axis < rank - 2 ? 1 : 3;
    const step = size === 0 ? 0 : stride / size;
    const entry = (i: number): string => level(axis + 1, start + i * step, step);
    const entries =
      size <= 2 * edge
        ? Array.from({ length: size }, (_, i) => entry(i))
        : [
            ...Array.from({ length: edge }, (_, i) => entry(i)),
            '…',
            ...Array.from({ length: edge }, (_, i) => entry(size - edge + i)),
          ];
    return `[${entries.join(axis === rank - 1 ? ', ' : `,\n${' '.repeat(axis + 1)}`)}]`;
  };
  return `${rank > 1 ? '\n' : ' '}${level(0, 0, data.length)}`;
}

/**
 * Throws ERR_ARGUMENT when the elements are gone: their ArrayBuffer was transferred to another thread,
 * or resized.
 */
export function checkMemory(where: string, name: string, { data, shape }: Tensor): void {
  if (data.length === elementCount(shape)) return;
  const expected = `${name} to have memory that was not detached or resized`;
  throw argumentError(where, expected, data.buffer);
}

/** Numbers in arrays in arrays. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** "float32 (2, 3)", for messages. */
export function describe(value: {
  readonly dtype: DType;
  readonly shape: readonly number[];
}): string {
  return `${value.dtype} ${formatShape(value.shape)}`;
}

function flatten(values: NestedNumbers, shape: number[], depth: number, into: number[]): void {
  if (!Array.isArray(values)) {
    if (typeof values !== 'number' || depth !== shape.length) {
      throw argumentError('tensor', 'numbers nested to one depth', values);
    }
    into.push(values);
    return;
  }
  if (values.length !== shape[depth]) {
    throw shapeError(
      'tensor',
      `ragged values: ${values.length} entries at depth ${depth} where the first has ${shape[depth] ?? 'none'}`,
    );
  }
  for (const value of values) flatten(value, shape, depth + 1, into);
}

function shapeOf(values: NestedNumbers): number[] {
  const shape: number[] = [];
  for (let level: NestedNumbers = values; Array.isArray(level); level = level[0] as NestedNumbers) {
    shape.push(level.length);
    if (shape.length > 8) throw shapeError('tensor', 'values nested more than 8 deep');
    if (level.length === 0) break;
  }
  return shape;
}

function isNumbers(values: unknown): values is ArrayLike<number> {
  return Array.isArray(values) && (values.length === 0 || typeof values[0] === 'number');
}

/**
 * Makes a tensor, copying `values`.
 *
 * @param values a number, nested arrays of numbers, or a typed array
 * @param shape the sizes; may be left out for numbers and nested arrays (then it is their nesting)
 * @param dtype default 'float32', but the dtype of a typed array that has one (Int32Array: 'int32')
 * @throws ERR_SHAPE when `shape` and the number of values differ, or a size is no integer ≥ 0
 * @throws ERR_DTYPE when a typed array and `dtype` differ in kind and a value does not fit
 */
export function tensor<D extends DType>(
  values: NestedNumbers | TypedArray,
  shape: readonly number[] | undefined,
  dtype: D,
): Tensor<D>;
export function tensor(values: Float64Array, shape?: readonly number[]): Tensor<'float64'>;
export function tensor(values: Int32Array, shape?: readonly number[]): Tensor<'int32'>;
export function tensor(values: Uint8Array, shape?: readonly number[]): Tensor<'uint8'>;
export function tensor(
  values: NestedNumbers | Float32Array,
  shape?: readonly number[],
): Tensor<'float32'>;
export function tensor(
  values: NestedNumbers | TypedArray,
  shape?: readonly number[],
  dtype?: DType,
): Tensor;
export function tensor(
  values: NestedNumbers | TypedArray,
  shape?: readonly number[],
  dtype?: DType,
): Tensor {
  const own = dtypeOfArray(values);
  const type = dtype ?? own ?? 'float32';
  checkDType('tensor', type);
  let flat: ArrayLike<number>;
  let sizes = shape;
  if (own !== null) {
    flat = values as TypedArray;
    sizes ??= [flat.length];
  } else if (isNumbers(values)) {
    flat = values;
    sizes ??= [values.length];
  } else {
    const nesting = shapeOf(values as NestedNumbers);
    const collected: number[] = [];
    flatten(values as NestedNumbers, nesting, 0, collected);
    flat = collected;
    sizes ??= nesting;
  }
  checkShape('tensor', sizes);
  const size = elementCount(sizes);
  if (size !== flat.length) {
    throw shapeError(
      'tensor',
      `shape ${formatShape(sizes)} needs ${size} values but received ${flat.length}`,
    );
  }
  const data = allocate(type, size);
  if (type === 'int32' || type === 'uint8') checkIntegers(flat, type);
  for (let i = 0; i < size; i++) {
    const value = flat[i];
    if (typeof value !== 'number') throw argumentError('tensor', 'numbers', value);
    data[i] = value;
  }
  return new Tensor(data, sizes, type);
}

function checkIntegers(values: ArrayLike<number>, dtype: 'int32' | 'uint8'): void {
  const low = dtype === 'uint8' ? 0 : -(2 ** 31);
  const high = dtype === 'uint8' ? 255 : 2 ** 31 - 1;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (!Number.isInteger(value) || value < low || value > high) {
      throw dtypeError('tensor', `${show(value)} at index ${i} is no ${dtype}`);
    }
  }
}

/**
 * A tensor of zeros, float32 unless said otherwise.
 * @param shape sizes, none of them negative
 * @param dtype default 'float32'
 */
export function zeros<D extends DType = 'float32'>(shape: readonly number[], dtype?: D): Tensor<D> {
  const type = dtype ?? 'float32';
  checkDType('zeros', type);
  checkShape('zeros', shape);
  return new Tensor(allocate(type, elementCount(shape)), shape, type) as Tensor<D>;
}

/**
 * A tensor of ones, float32 unless said otherwise.
 * @param shape sizes, none of them negative
 * @param dtype default 'float32'
 */
export function ones<D extends DType = 'float32'>(shape: readonly number[], dtype?: D): Tensor<D> {
  return full(shape, 1, dtype);
}

/**
 * A tensor of one value everywhere, float32 unless said otherwise.
 * @param shape sizes, none of them negative
 * @param value rounded to the dtype
 * @param dtype default 'float32'
 */
export function full<D extends DType = 'float32'>(
  shape: readonly number[],
  value: number,
  dtype?: D,
): Tensor<D> {
  const result = zeros(shape, dtype);
  result.data.fill(value);
  return result;
}
