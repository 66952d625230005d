import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { StridenetError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { type ElementType, elementTypes } from './elements.ts';
import { checkPath, fileSize, formatError, systemError } from './files.ts';
import {
  defaultMaxBytes,
  MemoryLimit,
  maxDeflateRatio,
  type TensorFormat,
  TensorParser,
} from './tensorParser.ts';

const where = 'readIdx';

/** The element types of the format, by the third byte of the file. */
const types = new Map([
  [0x08, elementTypes.U8],
  [0x09, elementTypes.I8],
  [0x0b, elementTypes.I16],
  [0x0c, elementTypes.I32],
  [0x0d, elementTypes.F32],
  [0x0e, elementTypes.F64],
]);

const maxRank = 8;

/** Two zero bytes, a type, a rank, and as many sizes of four bytes: all numbers big-endian. */
const format: TensorFormat = {
  headerBytes(header, fail) {
    if (header.length < 4) return 4;
    const [zero0, zero1, type, rank] = header as unknown as [number, number, number, number];
    if (zero0 !== 0 || zero1 !== 0) {
      const start = header.toString('hex', 0, 4);
      fail(0, `an IDX file starts with two zero bytes, this one with ${start}`);
    }
    if (!types.has(type)) {
      fail(2, `element type 0x${type.toString(16).padStart(2, '0')} is none of the format`);
    }
    if (rank < 1 || rank > maxRank) fail(3, `rank ${rank} is not within 1 to ${maxRank}`);
    return 4 + 4 * rank;
  },
  layout(header) {
    const shape = Array.from({ length: header[3] as number }, (_, i) =>
      header.readUInt32BE(4 + 4 * i),
    );
    const type = types.get(header[2] as number) as ElementType;
    return { type, shape, littleEndian: false, fortranOrder: false, shapeAt: 4 };
  },
};

async function firstBytes(file: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of createReadStream(file, { end: 1 })) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/**
 * Reads an IDX file (the format of the MNIST files), plain or gzipped; its contents decide which.
 * Big-endian numbers are converted. Nothing is allocated before the sizes in the header agree with
 * the size of the file; of a gzipped one no more is unpacked than the header declares, and no tensor
 * has more than 4 GiB.
 *
 * @param path a path or file: URL
 * @returns a tensor in the file's shape: uint8, int32, float32 or float64, as the file has it, and
 *   int32 of int8 and int16
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS when it cannot be opened; ERR_FILE_FORMAT, with file,
 *   byte and reason, when it is truncated, lies about its size, or is of another kind; ERR_MEMORY
 */
export async function readIdx(path: string | URL): Promise<Tensor> {
  const file = checkPath(where, path);
  const size = await fileSize(where, file);
  let gzipped = false;
  try {
    const magic = await firstBytes(file);
    gzipped = magic[0] === 0x1f && magic[1] === 0x8b;
  } catch (cause) {
    throw systemError(where, file, cause);
  }
  const parser = new TensorParser(format, {
    where,
    file,
    size: gzipped ? size * maxDeflateRatio : size,
    exact: !gzipped,
    memory: new MemoryLimit(defaultMaxBytes),
  });
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
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!code.startsWith('Z_')) throw systemError(where, file, error);
    const reason = `the gzip stream is broken after this byte of its contents: ${message}`;
    throw formatError(where, file, parser.received, reason, error);
  }
  return parser.finish();
}
