import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { Entry, ZipFile } from 'yauzl';
import { argumentError, checkBoolean, checkOptions, StridenetError } from '../errors.ts';
import { checkMemory, Tensor } from '../tensor.ts';
import { writeAtomically } from './atomicFile.ts';
import { checkPath, fileSize, formatError, someOf, systemError } from './files.ts';
import { checkMaxBytes, npyFormat, npyHeader, type ReadOptions } from './npy.ts';
import { type Layout, MemoryLimit, maxDeflateRatio, TensorParser } from './tensorParser.ts';

const maxTensors = 100_000;
const ending = '.npy';

/** What to read of a file of tensors by name. */
export interface ReadTensorsOptions extends ReadOptions {
  /** The names of the tensors that are wanted; others are not touched. Default: all. */
  names?: readonly string[];
}

/** An array of a file. */
export interface Stored {
  readonly tensor: Tensor;
  /** Where its elements begin in its unpacked bytes, and the bytes of one. */
  readonly dataAt: number;
  readonly width: number;
}

/** One .npz file that is being read. */
class Archive {
  readonly #where: string;
  readonly #file: string;
  readonly #zip: ZipFile;
  readonly #memory: MemoryLimit;

  constructor(where: string, file: string, zip: ZipFile, memory: MemoryLimit) {
    this.#where = where;
    this.#file = file;
    this.#zip = zip;
    this.#memory = memory;
  }

  /** What `take` makes of each array that is wanted, null for all, by name. */
  async each<T>(
    wanted: ReadonlySet<string> | null,
    take: (archive: Archive, entry: Entry) => Promise<T>,
  ): Promise<Map<string, T>> {
    const { entryCount } = this.#zip;
    if (entryCount > maxTensors) this.#fail(0, `declares ${entryCount} arrays`);
    const seen = new Set<string>();
    const found = new Map<string, T>();
    for await (const entry of this.#entries()) {
      const { fileName, relativeOffsetOfLocalHeader: at } = entry;
      if (seen.has(fileName)) this.#fail(at, `'${fileName}' occurs twice`);
      seen.add(fileName);
      const isArray = fileName.endsWith(ending);
      const name = isArray ? fileName.slice(0, -ending.length) : fileName;
      if (wanted !== null && !wanted.has(name)) continue;
      if (!isArray) this.#fail(at, `'${fileName}' is no ${ending}`);
      found.set(name, await take(this, entry));
    }
    for (const name of wanted ?? []) {
      if (!found.has(name)) this.#fail(0, `there is no '${name}' but ${someOf([...seen])}`);
    }
    return found;
  }

  async array(entry: Entry): Promise<Stored> {
    const { fileName, uncompressedSize: size, relativeOffsetOfLocalHeader: at } = entry;
    const parser = this.#parser(entry);
    let sum = 0;
    for await (const chunk of this.#unpacked(entry, parser)) sum = crc32(chunk, sum);
    const tensor = parser.finish();
    if (sum !== entry.crc32) this.#fail(at, `the checksum of '${fileName}' is another`);
    const dataAt = parser.headerBytes;
    return { tensor, dataAt, width: (size - dataAt) / Math.max(1, tensor.size) };
  }

  /** What an array is, by its header. */
  async layout(entry: Entry): Promise<Layout> {
    const parser = this.#parser(entry, true);
    for await (const _ of this.#unpacked(entry, parser)) {
      if (parser.layout !== null) return parser.layout;
    }
    return this.#fail(entry.relativeOffsetOfLocalHeader, `'${entry.fileName}' has no whole header`);
  }

  /** The directory of the file; what the package refuses of it is ERR_FILE_FORMAT. */
  async *#entries(): AsyncGenerator<Entry> {
    const entries = this.#zip.eachEntry();
    for (;;) {
      const next = await entries.next().catch((error: unknown) => {
        // Its place in the directory, a number whatever its type says.
        throw this.#refusal(error, Number(this.#zip.readEntryCursor));
      });
      if (next.done === true) return;
      yield next.value;
    }
  }

  #parser(entry: Entry, headerOnly = false): TensorParser {
    const { fileName, uncompressedSize: size } = entry;
    const file = `${this.#file}, '${fileName}'`;
    const source = { where: this.#where, file, size, exact: true, memory: this.#memory };
    return new TensorParser(npyFormat, source, headerOnly);
  }

  /** The bytes of an array, which the parser has taken. */
  async *#unpacked(entry: Entry, parser: TensorParser): AsyncGenerator<Buffer> {
    const { fileName, compressionMethod, compressedSize, uncompressedSize: size } = entry;
    const at = entry.relativeOffsetOfLocalHeader;
    if (!entry.canDecodeFileData()) {
      this.#fail(at, `'${fileName}' is encrypted, or compressed by method ${compressionMethod}`);
    }
    if (size > compressedSize * maxDeflateRatio) {
      this.#fail(at, `'${fileName}' declares ${size} bytes, packed in ${compressedSize}`);
    }
    try {
      const local = await this.#zip.readLocalFileHeaderPromise(entry, {});
      if (!local.fileName.equals(entry.fileNameRaw)) {
        this.#fail(at, `'${fileName}' has another name where its bytes are`);
      }
      for await (const chunk of await this.#zip.openReadStreamPromise(entry)) {
        parser.push(chunk as Buffer);
        yield chunk as Buffer;
      }
    } catch (error) {
      throw this.#refusal(error, at, `'${fileName}': `);
    }
  }

  /** What failed, as ours: at byte `at`, unless it is so already. */
  #refusal(error: unknown, at: number, of = ''): StridenetError {
    return refusal(this.#where, this.#file, error, at, of);
  }

  #fail(at: number, reason: string): never {
    throw formatError(this.#where, this.#file, at, reason);
  }
}

function refusal(where: string, file: string, error: unknown, at: number, of = ''): StridenetError {
  if (error instanceof StridenetError) return error;
  if ((error as NodeJS.ErrnoException).syscall !== undefined)
    return systemError(where, file, error);
  const reason = error instanceof Error ? error.message : String(error);
  return formatError(where, file, at, of + reason, error);
}

/** Opens an archive for `body`. Messages name the reader `where`. */
async function readingArchive<T>(
  where: string,
  file: string,
  maxBytes: number,
  body: (archive: Archive) => Promise<T>,
): Promise<T> {
  const size = await fileSize(where, file);
  const { default: yauzl } = await import('yauzl');
  const zip = await yauzl
    .openPromise(file, { autoClose: false, strictFileNames: true })
    .catch((error: unknown) => {
      throw refusal(where, file, error, size);
    });
  try {
    return await body(new Archive(where, file, zip, new MemoryLimit(maxBytes)));
  } finally {
    zip.close();
  }
}

/** `readNpz` for another reader, which messages name. */
export function readArchive(
  where: string,
  file: string,
  maxBytes: number,
  names?: readonly string[],
): Promise<Map<string, Stored>> {
  const wanted = names === undefined ? null : new Set(names);
  return readingArchive(where, file, maxBytes, (archive) =>
    archive.each(wanted, (from, entry) => from.array(entry)),
  );
}

/** What the arrays of a .npz file are, by their headers; no memory is taken for elements. */
export function listArchive(where: string, file: string): Promise<Map<string, Layout>> {
  return readingArchive(where, file, 0, (archive) =>
    archive.each(null, (from, entry) => from.layout(entry)),
  );
}

/** `names` if it is a list of texts or undefined; else throws ERR_ARGUMENT. */
export function checkNames(where: string, names: unknown): readonly string[] | undefined {
  const isList = Array.isArray(names) && names.every((name) => typeof name === 'string');
  if (names !== undefined && !isList) throw argumentError(where, 'names to be a list', names);
  return names as readonly string[] | undefined;
}

/**
 * Reads the arrays that NumPy's `savez` or `savez_compressed` wrote, as `readNpy` reads one. Sizes
 * are checked before anything is allocated, checksums at the end of each array; nothing is written
 * to a disk.
 *
 * @param path a .npz file
 * @returns the tensors by their names, without '.npy', in the order of the file
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS; ERR_FILE_FORMAT, with file, byte (of an array: of its
 *   unpacked bytes) and reason, as `readNpy` does and for names that occur twice, are missing or
 *   leave the folder; ERR_MEMORY when all arrays together take more than `maxBytes`
 */
export async function readNpz(
  path: string | URL,
  options: ReadTensorsOptions = {},
): Promise<Map<string, Tensor>> {
  const where = 'readNpz';
  checkOptions(where, options, ['maxBytes', 'names']);
  const names = checkNames(where, options.names);
  const file = checkPath(where, path);
  const found = await readArchive(where, file, checkMaxBytes(where, options.maxBytes), names);
  return new Map([...found].map(([name, { tensor }]) => [name, tensor]));
}

/** How a .npz file is written. */
export interface WriteNpzOptions {
  /** Whether arrays are compressed (deflate), as `savez_compressed` does; default false. */
  compress?: boolean;
}

/** Throws ERR_ARGUMENT unless `name` can be that of a file in a .npz. */
function checkName(name: unknown): asserts name is string {
  const fits =
    typeof name === 'string' &&
    name !== '' &&
    Buffer.from(name).toString() === name &&
    Buffer.byteLength(name) <= 60_000 &&
    !/^\/|^[A-Za-z]:|\\|\0|(^|\/)\.\.(\/|$)/.test(name);
  if (!fits) throw argumentError('writeNpz', 'names of files, with / between folders', name);
}

function bytesOf({ data }: Tensor): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

function entriesOf(tensors: unknown): [string, Tensor][] {
  const isObject = typeof tensors === 'object' && tensors !== null && !Array.isArray(tensors);
  if (!isObject || tensors instanceof Tensor) {
    throw argumentError('writeNpz', 'a Map or an object of tensors by name', tensors);
  }
  const entries = tensors instanceof Map ? [...tensors] : Object.entries(tensors);
  return entries.map(([name, tensor]: [unknown, unknown]) => {
    checkName(name);
    if (!(tensor instanceof Tensor)) {
      throw argumentError('writeNpz', `'${name}' to be a Tensor`, tensor);
    }
    checkMemory('writeNpz', `'${name}'`, tensor);
    return [name, tensor.clone()];
  });
}

/**
 * Writes tensors as a .npz file, which NumPy's `load` reads. The path holds the old file or the new
 * one, whatever happens; equal tensors give equal bytes. The tensors may change once it has returned.
 *
 * @param path a path or file: URL; replaced whole
 * @param tensors by name; '/' makes folders within the file
 * @throws ERR_ARGUMENT for names that no file has; ERR_FILE_NOT_FOUND when the folder is not there;
 *   ERR_FILE_ACCESS
 */
export async function writeNpz(
  path: string | URL,
  tensors: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
  options: WriteNpzOptions = {},
): Promise<void> {
  const where = 'writeNpz';
  const file = checkPath(where, path);
  checkOptions(where, options, ['compress']);
  const compress = checkBoolean(where, 'compress', options.compress ?? false);
  const entries = entriesOf(tensors);
  const { default: yazl } = await import('yazl');
  const zip = new yazl.ZipFile();
  const output = zip.outputStream as Readable;
  zip.on('error', (error: Error) => output.destroy(error));
  // The second day that the format has, in whatever zone: files of equal tensors are equal.
  const shared = { compress, mtime: new Date(1980, 0, 2), forceDosTimestamp: true };
  for (const [name, tensor] of entries) {
    const parts = [npyHeader(tensor), bytesOf(tensor)];
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    zip.addReadStreamLazy(name + ending, { ...shared, size }, (give) =>
      give(null, Readable.from(parts)),
    );
  }
  zip.end();
  await writeAtomically(where, file, output);
}
