import { dtypeError, shapeError } from '../errors.ts';
import { elementCount, type Shape, sameShape } from '../shape.ts';
import {
  allocate,
  type DType,
  describe,
  elementBytes,
  Tensor,
  type TypedArray,
} from '../tensor.ts';
import { checkSample, type Sample } from './sample.ts';

/** What x or y of every sample is. */
export interface RowSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What samples are like: class numbers are int32 (). */
export interface SampleSpec {
  readonly x: RowSpec;
  readonly y: RowSpec;
}

/** What a sample is like. */
export function specOf({ x, y }: Sample): SampleSpec {
  return {
    x: { shape: x.shape, dtype: x.dtype },
    y: y instanceof Tensor ? { shape: y.shape, dtype: y.dtype } : { shape: [], dtype: 'int32' },
  };
}

/** Bytes of one sample. */
export function sampleBytes({ x, y }: SampleSpec): number {
  const bytes = ({ shape, dtype }: RowSpec): number => elementCount(shape) * elementBytes(dtype);
  return bytes(x) + bytes(y);
}

/** Throws ERR_SHAPE or ERR_DTYPE unless a sample's x or y is as that of the first one. */
function checkRow(
  { where, name, index }: { where: string; name: 'x' | 'y'; index: number },
  own: RowSpec,
  expected: RowSpec,
): void {
  if (own.dtype === expected.dtype && sameShape(own.shape, expected.shape)) return;
  const message = `${name} of sample ${index} is ${describe(own)} where ${describe(expected)} is expected, as of the first sample`;
  if (!sameShape(own.shape, expected.shape)) throw shapeError(where, message);
  throw dtypeError(where, message);
}

/**
 * Room for samples, one row after the other. x and y of each must have the shape and the dtype of
 * the first one's.
 */
export class Rows {
  readonly spec: SampleSpec;
  readonly #where: string;
  #x: TypedArray;
  #y: TypedArray;
  #capacity: number;
  #count = 0;

  /** @param where what messages begin with */
  constructor(where: string, spec: SampleSpec, capacity: number) {
    this.#where = where;
    this.spec = spec;
    this.#capacity = capacity;
    this.#x = allocate(spec.x.dtype, capacity * elementCount(spec.x.shape));
    this.#y = allocate(spec.y.dtype, capacity * elementCount(spec.y.shape));
  }

  get count(): number {
    return this.#count;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /**
   * Copies a sample into the next row.
   * @param index its place in its source, for messages
   * @throws ERR_ARGUMENT, ERR_SHAPE, ERR_DTYPE for what is no sample or not like the first one
   */
  add(value: unknown, index: number): void {
    checkSample(this.#where, value, index);
    const own = specOf(value);
    const where = this.#where;
    checkRow({ where, name: 'x', index }, own.x, this.spec.x);
    checkRow({ where, name: 'y', index }, own.y, this.spec.y);
    this.#x.set(value.x.data, this.#count * value.x.size);
    if (value.y instanceof Tensor) this.#y.set(value.y.data, this.#count * value.y.size);
    else this.#y[this.#count] = value.y;
    this.#count++;
  }

  /** y of the rows that were added, in this memory. */
  get labels(): Tensor {
    const { shape, dtype } = this.spec.y;
    const data = this.#y.subarray(0, this.#count * elementCount(shape));
    return new Tensor(data, [this.#count, ...shape], dtype);
  }

  /** All of the memory, that of rows which were not added too. */
  get memory(): { x: TypedArray; y: TypedArray } {
    return { x: this.#x, y: this.#y };
  }

  /** Takes all rows out; their memory is for others. */
  clear(): void {
    this.#count = 0;
  }

  /** Makes room for `capacity` rows; those that are there stay. */
  grow(capacity: number): void {
    const larger = (old: TypedArray, { dtype, shape }: RowSpec): TypedArray => {
      const grown = allocate(dtype, capacity * elementCount(shape));
      grown.set(old.subarray(0, this.#count * elementCount(shape)));
      return grown;
    };
    this.#x = larger(this.#x, this.spec.x);
    this.#y = larger(this.#y, this.spec.y);
    this.#capacity = capacity;
  }

  /** The rows that were added, in this memory unless some of it is left over. */
  samples(): { x: Tensor; y: Tensor } {
    const tensor = (data: TypedArray, { dtype, shape }: RowSpec): Tensor => {
      const size = this.#count * elementCount(shape);
      const own = size === data.length ? data : data.slice(0, size);
      return new Tensor(own, [this.#count, ...shape], dtype);
    };
    return { x: tensor(this.#x, this.spec.x), y: tensor(this.#y, this.spec.y) };
  }
}
