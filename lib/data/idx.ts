import { createReadStream } from 'node:fs';
import { endianness } from 'node:os';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { argumentError, StridenetError } from '../errors.ts';
import { elementCount, formatShape, maxElements } from '../shape.ts';
import { allocate, type DType, elementBytes, Tensor, type TypedArray } from '../tensor.ts';
import { fileSize, formatError, unreadable } from './files.ts';

const where = 'readIdx';

/** The element types of the format that are dtypes, by the third byte of the file. */
const elementTypes = new Map<number, DType>([
  [0x08, 'uint8'],
  [0x0c, 'int32'],
  [0x0d, 'float32'],
  [0x0e, 'float64'],
]);

/** Types that the format has and this reader has not. */
const otherTypes = new Map([
  [0x09, 'int8'],
  [0x0b, 'int16'],
]);

const maxRank = 8;

/** No byte of a deflate stream stands for more than this many. */
const maxDeflateRatio = 1032;

/** Takes a file's bytes piece by piece; knows nothing of where they come from. */
class IdxParser {
  readonly #file: string;
  /** The most bytes that can come after the header: exact for a plain file. */
  readonly #limit: number;
  readonly #exact: boolean;
  #header: Buffer = Buffer.alloc(0);
  #received = 0;
  #dtype: DType = 'uint8';
  #shape: number[] = [];
  #data: TypedArray | null = null;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(file: string, limit: number, exact: boolean) {
    this.#file = file;
    this.#limit = limit;
    this.#exact = exact;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    if (this.#data === null) {
      const needed = this.#headerBytes() - this.#header.length;
      this.#header = Buffer.concat([this.#header, rest.subarray(0, needed)]);
      this.#received += Math.min(needed, rest.length);
      rest = rest.subarray(needed);
      if (this.#header.length < this.#headerBytes()) {
        if (rest.length > 0) this.push(rest);
        return;
      }
      this.#begin();
    }
    const at = this.#received - this.#header.length;
    if (at + rest.length > this.#bytes.length) {
      this.#fail(
        this.#header.length + this.#bytes.length,
        `more data than the ${this.#bytes.length} bytes that shape ${formatShape(this.#shape)} needs`,
      );
    }
    rest.copy(this.#bytes, at);
    this.#received += rest.length;
  }

  finish(): Tensor {
    if (this.#data === null) this.#fail(this.#received, 'the file ends within the header');
    const missing = this.#header.length + this.#bytes.length - this.#received;
    if (missing > 0) this.#fail(this.#received, `the file ends ${missing} bytes too early`);
    if (endianness() === 'LE') {
      if (elementBytes(this.#dtype) === 4) this.#bytes.swap32();
      if (elementBytes(this.#dtype) === 8) this.#bytes.swap64();
    }
    return new Tensor(this.#data, this.#shape, this.#dtype);
  }

  /** Bytes of the header as far as it is known: the rank is its fourth byte. */
  #headerBytes(): number {
    if (this.#header.length < 4) return 4;
    const [zero0, zero1, type, rank] = this.#header as unknown as [number, number, number, number];
    if (zero0 !== 0 || zero1 !== 0) {
      const start = this.#header.toString('hex', 0, 4);
      this.#fail(0, `an IDX file starts with two zero bytes, this one with ${start}`);
    }
    if (!elementTypes.has(type)) {
      const name = otherTypes.get(type);
      const reason = name === undefined ? 'is none of the format' : `(${name}) is not supported`;
      this.#fail(2, `element type 0x${type.toString(16).padStart(2, '0')} ${reason}`);
    }
    if (rank < 1 || rank > maxRank) this.#fail(3, `rank ${rank} is not within 1 to ${maxRank}`);
    return 4 + 4 * rank;
  }

  /** Reads the header, checks that the data can be there, and only then makes room for it. */
  #begin(): void {
    const rank = this.#header[3] as number;
    this.#dtype = elementTypes.get(this.#header[2] as number) as DType;
    this.#shape = Array.from({ length: rank }, (_, i) => this.#header.readUInt32BE(4 + 4 * i));
    const sizes = formatShape(this.#shape);
    if (elementCount(this.#shape.filter((size) => size > 0)) > maxElements) {
      this.#fail(4, `shape ${sizes} has more elements than an array holds`);
    }
    const count = elementCount(this.#shape);
    const bytes = count * elementBytes(this.#dtype);
    const possible = this.#limit - this.#header.length;
    if (bytes > possible || (this.#exact && bytes !== possible)) {
      const there = this.#exact ? `${possible} follow` : `at most ${possible} can follow`;
      this.#fail(4, `shape ${sizes} of ${this.#dtype} needs ${bytes} bytes of data but ${there}`);
    }
    try {
      this.#data = allocate(this.#dtype, count);
    } catch (cause) {
      throw new StridenetError('ERR_MEMORY', `[${where}] no memory for ${bytes} bytes`, { cause });
    }
    this.#bytes = Buffer.from(this.#data.buffer);
  }

  #fail(offset: number, reason: string): never {
    throw formatError(where, this.#file, offset, reason);
  }

  /** What the decompressor says of bytes that it cannot read. */
  corrupt(cause: Error): StridenetError {
    const reason = `the gzip stream is broken after this byte of its contents: ${cause.message}`;
    return formatError(where, this.#file, this.#received, reason, cause);
  }
}

async function firstBytes(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: 1 })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Reads an IDX file (the format of the MNIST files), plain or gzipped; its contents decide which.
 * Big-endian numbers are converted. Nothing is allocated before the sizes in the header agree with
 * the size of the file; of a gzipped one no more is unpacked than the header declares.
 *
 * @param file a path
 * @returns a tensor of uint8, int32, float32 or float64 in the file's shape
 * @throws ERR_FILE_NOT_FOUND when it cannot be opened; ERR_FILE_FORMAT, with file, byte and reason,
 *   when it is truncated, lies about its size, or is of another kind
 */
export async function readIdx(file: string): Promise<Tensor> {
  if (typeof file !== 'string') throw argumentError(where, 'the path of a file', file);
  const size = await fileSize(where, file);
  let gzipped = false;
  try {
    const magic = await firstBytes(file);
    gzipped = magic[0] === 0x1f && magic[1] === 0x8b;
  } catch (cause) {
    throw unreadable(where, file, cause);
  }
  const parser = new IdxParser(file, gzipped ? size * maxDeflateRatio : size, !gzipped);
  // The pipeline may report its own abortion instead of what the parser threw.
  let refused: unknown = null;
  const consume = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
    try {
      for await (const chunk of chunks) parser.push(chunk);
    } catch (error) {
      if (error instanceof StridenetError) refused = error;
      throw error;
    }
  };
  try {
    const source = createReadStream(file, { highWaterMark: 2 ** 18 });
    if (gzipped) await pipeline(source, createGunzip({ chunkSize: 2 ** 18 }), consume);
    else await pipeline(source, consume);
  } catch (error) {
    if (refused !== null) throw refused;
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code.startsWith('Z_')) throw parser.corrupt(error as Error);
    throw unreadable(where, file, error);
  }
  return parser.finish();
}
