import { createReadStream } from 'node:fs';
import { endianness } from 'node:os';
import { checkOptions, StridenetError } from '../errors.ts';
import { checkInteger, formatShape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import { type ElementType, elementTypes } from './elements.ts';
import { checkPath, fileSize, systemError } from './files.ts';
import {
  defaultMaxBytes,
  type Fail,
  MemoryLimit,
  type TensorFormat,
  TensorParser,
} from './tensorParser.ts';

/** How much a reader may make. */
export interface ReadOptions {
  /** The most bytes of tensors; default 4 GiB. A file that holds more is ERR_MEMORY. */
  maxBytes?: number;
}

/** By what NumPy calls a kind and its bytes. */
const types: Readonly<Record<string, ElementType | undefined>> = {
  f2: elementTypes.F16,
  f4: elementTypes.F32,
  f8: elementTypes.F64,
  i1: elementTypes.I8,
  i2: elementTypes.I16,
  i4: elementTypes.I32,
  i8: elementTypes.I64,
  u1: elementTypes.U8,
  u2: elementTypes.U16,
  u4: elementTypes.U32,
  u8: elementTypes.U64,
  b1: elementTypes.BOOL,
};

/** What NumPy calls the memory of tensors. */
const kinds = { float32: 'f4', float64: 'f8', int32: 'i4', uint8: 'u1' } as const;

const hostOrder = endianness() === 'LE' ? '<' : '>';
const magic = Buffer.from('\x93NUMPY', 'latin1');
const maxHeaderBytes = 65_535;
const maxRank = 8;

/** One entry of the header, a dictionary as Python writes it: `'shape': (3, 4), `. */
const entry =
  /\s*(?:'(\w+)'|"(\w+)")\s*:\s*(?:'([^'\\]*)'|"([^"\\]*)"|(True|False)|\(([\dL,\s]*)\))\s*(?:,\s*|(?=\}))/y;

/** The numbers of a tuple, or null: '3, 4', '3,', and with Python 2's endings '3L, 4L'. */
function sizesOf(tuple: string): number[] | null {
  if (tuple.trim() === '') return [];
  const items = tuple.split(',').map((item) => item.trim());
  if (items.length === 1) return null;
  if (items.at(-1) === '') items.pop();
  const sizes = items.map((item) => (/^\d{1,16}L?$/.test(item) ? Number.parseInt(item, 10) : -1));
  return sizes.every((size) => Number.isSafeInteger(size) && size >= 0) ? sizes : null;
}

/** The entries of the dictionary that starts at `start` of the file, by their names. */
function parseDictionary(
  text: string,
  start: number,
  fail: Fail,
): Map<string, string | boolean | number[]> {
  const entries = new Map<string, string | boolean | number[]>();
  const failAt = (at: number): never => {
    const rest = JSON.stringify(text.slice(at, at + 40));
    return fail(start + at, `the header is no dictionary of simple values from ${rest} on`);
  };
  entry.lastIndex = /^\s*\{/.exec(text)?.[0].length ?? failAt(0);
  while (text[entry.lastIndex] !== '}') {
    const at = entry.lastIndex;
    const match = entry.exec(text);
    if (match === null) return failAt(at);
    const [, single, double, singleText, doubleText, truth, tuple] = match;
    const name = (single ?? double) as string;
    if (entries.has(name)) fail(start + at, `the header has '${name}' twice`);
    const value = singleText ?? doubleText ?? (truth === undefined ? undefined : truth === 'True');
    entries.set(name, value ?? sizesOf(tuple as string) ?? failAt(at));
  }
  if (text.slice(entry.lastIndex + 1).trim() !== '') failAt(entry.lastIndex + 1);
  return entries;
}

/** The .npy format, versions 1 to 3: a magic, a version, a length, a dictionary, the elements. */
export const npyFormat: TensorFormat = {
  headerBytes(header, fail: Fail) {
    const known = header.subarray(0, magic.length);
    if (!known.equals(magic.subarray(0, known.length))) {
      const isZip = header.toString('latin1', 0, 2) === 'PK';
      fail(
        0,
        isZip ? 'this is a zip file: readNpz reads .npz' : 'this does not start as .npy does',
      );
    }
    if (header.length < 8) return 8;
    const version = header[6] as number;
    if (version < 1 || version > 3) fail(6, `version ${version} is not within 1 to 3`);
    const start = version === 1 ? 10 : 12;
    if (header.length < start) return start;
    const length = version === 1 ? header.readUInt16LE(8) : header.readUInt32LE(8);
    if (length > maxHeaderBytes) fail(8, `declares a header of ${length} bytes`);
    return start + length;
  },
  layout(header, fail: Fail) {
    const start = header[6] === 1 ? 10 : 12;
    const entries = parseDictionary(header.toString('latin1', start), start, fail);
    const [description, fortranOrder, shape] = ['descr', 'fortran_order', 'shape'].map((name) =>
      entries.get(name),
    );
    if (typeof fortranOrder !== 'boolean') fail(start, "the header has no truth 'fortran_order'");
    if (!Array.isArray(shape)) fail(start, "the header has no tuple 'shape'");
    if (shape.length > maxRank) fail(start, `rank ${shape.length} is above ${maxRank}`);
    if (typeof description !== 'string') fail(start, "the header has no text 'descr'");
    const [, order, kind = ''] = /^([<>=|]?)([a-z]\d+)$/.exec(description) ?? [];
    const type = Object.hasOwn(types, kind) ? types[kind] : undefined;
    if (type === undefined || (order === '|' && type.bytes > 1)) {
      const which = `numbers of ${Object.keys(types).join(', ')}`;
      fail(start, `dtype '${description}' is none that is read here: ${which}`);
    }
    const littleEndian = (order === '=' || order === '' ? hostOrder : order) !== '>';
    return { type, shape, littleEndian, fortranOrder, shapeAt: start };
  },
};

/** Digits that NumPy leaves room for, so that the first size may grow in place. */
const digits = 21;

/** The bytes before the memory of a tensor: version 1, to the byte as NumPy writes it. */
export function npyHeader({ dtype, shape }: Pick<Tensor, 'dtype' | 'shape'>): Buffer {
  const sizes = shape.length === 1 ? `(${shape[0]},)` : formatShape(shape);
  const description = `${dtype === 'uint8' ? '|' : hostOrder}${kinds[dtype]}`;
  const dictionary = `{'descr': '${description}', 'fortran_order': False, 'shape': ${sizes}, }`;
  const room = shape.length === 0 ? 0 : digits - String(shape[0]).length;
  const bytes = (Math.floor((10 + dictionary.length + room + 1) / 64) + 1) * 64;
  const header = Buffer.alloc(bytes, ' ');
  magic.copy(header);
  header.writeUInt16LE(1, 6);
  header.writeUInt16LE(bytes - 10, 8);
  header.write(dictionary, 10, 'latin1');
  header[bytes - 1] = 0x0a;
  return header;
}

/** The bytes that a reader may make. Throws ERR_ARGUMENT. */
export function checkMaxBytes(where: string, maxBytes: unknown = defaultMaxBytes): number {
  return checkInteger(where, 'maxBytes', maxBytes, 0, Number.MAX_SAFE_INTEGER);
}

/**
 * Reads an array that NumPy's `save` wrote: versions 1 to 3, both byte orders, C and Fortran order.
 * float16 becomes float32, bool uint8, and integers other than uint8 int32. Nothing is allocated
 * before the sizes in the header agree with the size of the file; its dictionary is never run.
 *
 * @param path a .npy file
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS; ERR_FILE_FORMAT, with file, byte and reason, when it is
 *   truncated, lies about its size, is of another kind or dtype (objects, records, text, complex
 *   numbers), or holds an integer that is no int32; ERR_MEMORY above `maxBytes`
 */
export async function readNpy(path: string | URL, options: ReadOptions = {}): Promise<Tensor> {
  const where = 'readNpy';
  const file = checkPath(where, path);
  checkOptions(where, options, ['maxBytes']);
  const memory = new MemoryLimit(checkMaxBytes(where, options.maxBytes));
  const size = await fileSize(where, file);
  const parser = new TensorParser(npyFormat, { where, file, size, exact: true, memory });
  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 18 })) {
      parser.push(chunk as Buffer);
    }
  } catch (error) {
    throw error instanceof StridenetError ? error : systemError(where, file, error);
  }
  return parser.finish();
}
