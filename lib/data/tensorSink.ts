import { endianness } from 'node:os';
import { elementCount } from '../shape.ts';
import { allocate, Tensor, type TypedArray } from '../tensor.ts';
import { type ElementType, elementTypes, ownCodes } from './elements.ts';
import { formatError } from './files.ts';

/** How a file holds a tensor. Its sizes were checked against the file. */
export interface StoredTensor {
  /** What is being read, in messages. */
  readonly where: string;
  readonly file: string;
  /** The name of the tensor within the file; '' for the only one. */
  readonly name: string;
  /** Where its first byte stands: in the file, or in the unpacked contents of `name`. */
  readonly offset: number;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly littleEndian: boolean;
  /** Whether the first axis runs fastest, as Fortran has it; else the last. */
  readonly fortranOrder: boolean;
}

const hostIsLittle = endianness() === 'LE';

/** The bytes that a stored tensor takes. */
export function storedBytes({ type, shape }: Pick<StoredTensor, 'type' | 'shape'>): number {
  return elementCount(shape) * type.bytes;
}

/** Takes a stored tensor's bytes piece by piece and makes the tensor; allocates it when made. */
export class TensorSink {
  readonly #stored: StoredTensor;
  readonly #data: TypedArray;
  readonly #put: (chunk: Uint8Array) => void;
  #received = 0;

  /** Throws ERR_MEMORY when there is not so much memory. */
  constructor(stored: StoredTensor) {
    const { type, shape, fortranOrder } = stored;
    this.#stored = stored;
    this.#data = allocate(type.dtype, elementCount(shape));
    const direct = type === elementTypes[ownCodes[type.dtype]];
    this.#put = direct && !fortranOrder ? this.#copier() : this.#converter();
  }

  /** How many bytes are still to come. */
  get missing(): number {
    return storedBytes(this.#stored) - this.#received;
  }

  /**
   * Takes the next bytes, at most `missing` of them.
   * @throws ERR_FILE_FORMAT for an integer that is no int32
   */
  push(chunk: Uint8Array): void {
    this.#put(chunk);
    this.#received += chunk.length;
  }

  /** The tensor, when nothing is missing. */
  finish(): Tensor {
    const { type, shape, littleEndian, fortranOrder } = this.#stored;
    const copied = type === elementTypes[ownCodes[type.dtype]] && !fortranOrder;
    if (copied && littleEndian !== hostIsLittle) {
      const bytes = Buffer.from(this.#data.buffer);
      if (type.bytes === 4) bytes.swap32();
      if (type.bytes === 8) bytes.swap64();
    }
    return new Tensor(this.#data, shape, type.dtype);
  }

  #copier(): (chunk: Uint8Array) => void {
    const bytes = new Uint8Array(this.#data.buffer);
    return (chunk) => bytes.set(chunk, this.#received);
  }

  /** Converts element by element; one may begin in a chunk and end in the next. */
  #converter(): (chunk: Uint8Array) => void {
    const { type, shape, fortranOrder } = this.#stored;
    const place = fortranOrder ? fortranPlaces(shape) : (index: number): number => index;
    const halves = new Uint8Array(type.bytes);
    let held = 0;
    let index = 0;
    const put = (view: DataView, at: number): void => {
      this.#set(place(index), index, view, at);
      index++;
    };
    return (chunk) => {
      let start = 0;
      if (held > 0) {
        start = Math.min(type.bytes - held, chunk.length);
        halves.set(chunk.subarray(0, start), held);
        held += start;
        if (held < type.bytes) return;
        put(new DataView(halves.buffer), 0);
      }
      const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      const end = chunk.length - ((chunk.length - start) % type.bytes);
      for (let at = start; at < end; at += type.bytes) put(view, at);
      halves.set(chunk.subarray(end));
      held = chunk.length - end;
    };
  }

  #set(place: number, index: number, view: DataView, at: number): void {
    const { where, file, name, offset, type, littleEndian } = this.#stored;
    const value = type.read(view, at, littleEndian);
    this.#data[place] = value;
    if (type.dtype !== 'int32' || this.#data[place] === value) return;
    const of = name === '' ? 'the array' : `'${name}'`;
    const reason = `${of} holds ${value}, which is no int32`;
    throw formatError(where, file, offset + index * type.bytes, reason);
  }
}

/** The row-major places of elements that are asked for in Fortran's order, one after the other. */
function fortranPlaces(shape: readonly number[]): () => number {
  const strides = shape.map((_, axis) => elementCount(shape.slice(axis + 1)));
  const position = shape.map(() => 0);
  let next = 0;
  return () => {
    const place = next;
    for (let axis = 0; axis < shape.length; axis++) {
      const [size, stride] = [shape[axis] as number, strides[axis] as number];
      next += stride;
      position[axis] = (position[axis] as number) + 1;
      if ((position[axis] as number) < size) break;
      next -= size * stride;
      position[axis] = 0;
    }
    return place;
  };
}
