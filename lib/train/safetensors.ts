import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StridenetError } from '../errors.ts';
import { elementCount } from '../shape.ts';
import { allocate, type DType, elementBytes, Tensor } from '../tensor.ts';
import { type Widened, widened } from './widened.ts';

const codes = { float32: 'F32', float64: 'F64', int32: 'I32', uint8: 'U8' } as const;
const maxHeaderBytes = 100_000_000;
const maxTensors = 100_000;

/** What a safetensors file holds. */
export interface SafetensorsFile {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** The bytes of a safetensors file: 8 bytes of header length, a JSON header, the tensors' bytes. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  let offset = 0;
  const entries: [string, unknown][] = [['__metadata__', Object.fromEntries(metadata)]];
  for (const [key, { dtype, shape, data }] of tensors) {
    const end = offset + data.byteLength;
    entries.push([key, { dtype: codes[dtype], shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let position = 8 + headerBytes;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return file;
}

interface Entry {
  readonly key: string;
  readonly dtype: DType;
  /** How its values are read; null where the bytes are those of the dtype. */
  readonly widening: Widened | null;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

function fail(path: string, offset: number, reason: string): never {
  throw new StridenetError('ERR_FILE_FORMAT', `[safetensors] ${path}, byte ${offset}: ${reason}`);
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readEntry(path: string, key: string, value: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const own = (Object.keys(codes) as DType[]).find((name) => codes[name] === dtype);
  const isWidened = typeof dtype === 'string' && Object.hasOwn(widened, dtype);
  const widening = isWidened ? (widened[dtype] as Widened) : null;
  const type = own ?? widening?.dtype;
  if (type === undefined) fail(path, 8, `tensor '${key}' has dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every(isIndex)) {
    fail(path, 8, `tensor '${key}' has shape ${JSON.stringify(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex)) {
    fail(path, 8, `tensor '${key}' has offsets ${JSON.stringify(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  if (elementCount(shape) * (widening?.bytes ?? elementBytes(type)) !== end - begin) {
    fail(path, 8, `tensor '${key}' of shape (${shape.join(', ')}) has ${end - begin} bytes`);
  }
  return { key, dtype: type, widening, shape, begin, end };
}

/** The tensor of `bytes`, which start at `offset` of the file. */
function readTensor(path: string, entry: Entry, bytes: Uint8Array, offset: number): Tensor {
  const { key, dtype, shape, widening } = entry;
  const data = allocate(dtype, elementCount(shape));
  if (widening === null) {
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength).set(bytes);
    return new Tensor(data, shape, dtype);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < data.length; i++) {
    const value = widening.read(view, i * widening.bytes);
    data[i] = value;
    if (dtype === 'int32' && data[i] !== value) {
      fail(path, offset + i * widening.bytes, `tensor '${key}' holds ${value}, which is no int32`);
    }
  }
  return new Tensor(data, shape, dtype);
}

function readHeader(path: string, file: Uint8Array): { header: object; dataStart: number } {
  if (file.length < 8) fail(path, file.length, 'ends within the length of its header');
  const length = new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes) || Number(length) + 8 > file.length) {
    fail(
      path,
      0,
      `declares a header of ${length} bytes in a file of ${file.length}: this is no safetensors file, or a part of one`,
    );
  }
  const dataStart = 8 + Number(length);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(file.subarray(8, dataStart));
    const header: unknown = JSON.parse(text);
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) {
      return { header, dataStart };
    }
  } catch (cause) {
    throw new StridenetError(
      'ERR_FILE_FORMAT',
      `[safetensors] ${path}, byte 8: the header is no JSON`,
      {
        cause,
      },
    );
  }
  return fail(path, 8, 'the header is no JSON object');
}

/**
 * Reads the bytes of a safetensors file. Every size is checked against the file before it is used.
 * @throws ERR_FILE_FORMAT with the path, a byte offset and the reason
 */
export function decodeSafetensors(path: string, file: Uint8Array): SafetensorsFile {
  const { header, dataStart } = readHeader(path, file);
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const [key, value] of Object.entries(header)) {
    if (key !== '__metadata__') {
      entries.push(readEntry(path, key, value));
      continue;
    }
    for (const [name, text] of Object.entries((value ?? {}) as Record<string, unknown>)) {
      if (typeof text !== 'string') fail(path, 8, `metadata '${name}' is no text`);
      metadata.set(name, text);
    }
  }
  if (entries.length > maxTensors) fail(path, 8, `declares ${entries.length} tensors`);
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  const tensors = new Map<string, Tensor>();
  for (const entry of entries) {
    const { key, begin, end } = entry;
    if (begin !== position)
      fail(path, dataStart + position, `tensor '${key}' leaves a hole or overlaps`);
    if (dataStart + end > file.length) fail(path, file.length, `ends within tensor '${key}'`);
    const bytes = file.subarray(dataStart + begin, dataStart + end);
    tensors.set(key, readTensor(path, entry, bytes, dataStart + begin));
    position = end;
  }
  if (dataStart + position !== file.length) {
    fail(
      path,
      dataStart + position,
      `${file.length - dataStart - position} bytes belong to no tensor`,
    );
  }
  return { tensors, metadata };
}

/** The system's error as ours, with the path. */
function systemError(path: string, cause: unknown): StridenetError {
  const isMissing = (cause as { code?: string }).code === 'ENOENT';
  const reason = isMissing ? 'no such file or folder' : (cause as Error).message;
  return new StridenetError(
    isMissing ? 'ERR_FILE_NOT_FOUND' : 'ERR_FILE_ACCESS',
    `[safetensors] ${path}: ${reason}`,
    { cause },
  );
}

/** Reads a safetensors file. Throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS or ERR_FILE_FORMAT. */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await readFile(path).catch((cause) => {
    throw systemError(path, cause);
  });
  return decodeSafetensors(path, file);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Writes a file so that the path holds the old bytes or the new ones, whatever happens.
 * @throws ERR_FILE_NOT_FOUND when the folder is not there; ERR_FILE_ACCESS
 */
export async function writeAtomically(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeSynced(temporary, bytes);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw systemError(path, cause);
  }
}
