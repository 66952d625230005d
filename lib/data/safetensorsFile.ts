import type { FileHandle } from 'node:fs/promises';
import { checkOptions } from '../errors.ts';
import { elementCount } from '../shape.ts';
import { allocate, elementBytes, Tensor } from '../tensor.ts';
import { checkPath, formatError, someOf } from './files.ts';
import { checkMaxBytes } from './npy.ts';
import { checkNames, type ReadTensorsOptions } from './npz.ts';
import { openRegular, readInto } from './regularFile.ts';
import {
  bytesOf,
  dataStartOf,
  parseHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors.ts';
import { MemoryLimit } from './tensorParser.ts';
import { TensorSink } from './tensorSink.ts';

const where = 'safetensors';

/** Bytes that are read at a time of tensors in other element types. */
const pieceBytes = 1 << 20;

/** Bytes of a file from an offset on, in memory of their own. */
async function readAt(
  path: string,
  handle: FileHandle,
  offset: number,
  count: number,
): Promise<Uint8Array> {
  const bytes = allocate('uint8', count) as Uint8Array;
  await readInto(where, path, handle, offset, bytes);
  return bytes;
}

/**
 * An open safetensors file. Every size that it declares was checked against its own before any
 * memory is taken; tensors are read when they are asked for.
 */
export class SafetensorsFile implements SafetensorsHeader {
  readonly path: string;
  /** Bytes of all of it. */
  readonly size: number;
  readonly metadata: ReadonlyMap<string, string>;
  readonly entries: readonly TensorEntry[];
  readonly dataStart: number;
  readonly #handle: FileHandle;

  private constructor(path: string, handle: FileHandle, size: number, header: SafetensorsHeader) {
    this.path = path;
    this.size = size;
    this.#handle = handle;
    this.metadata = header.metadata;
    this.entries = header.entries;
    this.dataStart = header.dataStart;
  }

  /** Throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, or ERR_FILE_FORMAT with a byte offset and the reason. */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await openRegular(where, path);
    try {
      const { size } = await handle.stat();
      const first = await readAt(path, handle, 0, Math.min(8, size));
      const dataStart = dataStartOf(path, first, size);
      const header = await readAt(path, handle, 8, dataStart - 8);
      return new SafetensorsFile(path, handle, size, parseHeader(path, header, size));
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Some bytes from an offset on. */
  bytes(offset: number, count: number): Promise<Uint8Array> {
    return readAt(this.path, this.#handle, offset, count);
  }

  /** The values of a tensor. Throws ERR_FILE_FORMAT for an integer that is no int32. */
  async tensor(entry: TensorEntry): Promise<Tensor> {
    const { dtype, shape, widening, begin, end } = entry;
    const offset = this.dataStart + begin;
    if (widening !== null) {
      const order = { littleEndian: true, fortranOrder: false };
      const of = { where, file: this.path, name: entry.key, offset };
      const sink = new TensorSink({ ...of, ...order, type: widening, shape });
      for (let at = begin; at < end; at += pieceBytes) {
        sink.push(await this.bytes(this.dataStart + at, Math.min(pieceBytes, end - at)));
      }
      return sink.finish();
    }
    const tensor = new Tensor(allocate(dtype, elementCount(shape)), shape, dtype);
    await readInto(where, this.path, this.#handle, offset, bytesOf(tensor));
    return tensor;
  }

  /** All tensors, or those that `wants`, by name. */
  async tensors(wants: (key: string) => boolean = () => true): Promise<Map<string, Tensor>> {
    const found = new Map<string, Tensor>();
    for (const entry of this.entries) {
      if (wants(entry.key)) found.set(entry.key, await this.tensor(entry));
    }
    return found;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Runs `body` with the open file. Throws what it throws and what SafetensorsFile.open throws. */
export async function readingSafetensors<T>(
  path: string,
  body: (file: SafetensorsFile) => T | Promise<T>,
): Promise<T> {
  const file = await SafetensorsFile.open(path);
  try {
    return await body(file);
  } finally {
    await file.close();
  }
}

/**
 * Reads the tensors of a safetensors file, whatever they are for. Half precision (F16, BF16) becomes
 * float32, BOOL uint8, and integers other than U8 int32. Nothing is allocated before the sizes in the
 * header agree with the size of the file.
 *
 * @param path a .safetensors file
 * @returns the tensors by their names, in the order of their bytes
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS; ERR_FILE_FORMAT, with file, byte and reason, when it is
 *   truncated, lies about its sizes, is of another kind or element type, has a name twice or lacks
 *   one of `names`, or holds an integer that is no int32; ERR_MEMORY above `maxBytes`
 */
export async function readSafetensors(
  path: string | URL,
  options: ReadTensorsOptions = {},
): Promise<Map<string, Tensor>> {
  const checked = checkPath('readSafetensors', path);
  checkOptions('readSafetensors', options, ['maxBytes', 'names']);
  const names = checkNames('readSafetensors', options.names);
  const memory = new MemoryLimit(checkMaxBytes('readSafetensors', options.maxBytes));
  return readingSafetensors(checked, (file) => {
    const { entries, dataStart } = file;
    const known = entries.map(({ key }) => key);
    for (const name of names ?? []) {
      if (known.includes(name)) continue;
      throw formatError(where, checked, 8, `there is no '${name}' but ${someOf(known)}`);
    }
    const wanted = new Set(names ?? known);
    for (const { key, dtype, shape, begin } of entries) {
      if (!wanted.has(key)) continue;
      const bytes = elementCount(shape) * elementBytes(dtype);
      memory.take(where, checked, dataStart + begin, bytes);
    }
    return file.tensors((key) => wanted.has(key));
  });
}
