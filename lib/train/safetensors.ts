import { StridenetError } from '../errors.ts';
import { elementCount, maxElements } from '../shape.ts';
import { allocate, type DType, elementBytes, Tensor } from '../tensor.ts';
import { type Widened, widened } from './widened.ts';

const codes = { float32: 'F32', float64: 'F64', int32: 'I32', uint8: 'U8' } as const;
const maxHeaderBytes = 100_000_000;
const maxTensors = 100_000;

/**
 * A safetensors file in parts: 8 bytes of header length, a JSON header, padded to 8 bytes, and the
 * bytes of each tensor, which are views of its memory. Metadata come first and in their order.
 */
export function safetensorsParts(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: ReadonlyMap<string, string>,
): Uint8Array[] {
  let offset = 0;
  const entries: [string, unknown][] = [['__metadata__', Object.fromEntries(metadata)]];
  for (const [key, { dtype, shape, data }] of tensors) {
    const end = offset + data.byteLength;
    entries.push([key, { dtype: codes[dtype], shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const header = new Uint8Array(8 + headerBytes).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(headerBytes), true);
  header.set(json, 8);
  return [header, ...[...tensors.values()].map(bytesOf)];
}

/** The memory of a tensor. */
export function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** A tensor as the header of a file declares it. */
export interface TensorEntry {
  readonly key: string;
  readonly dtype: DType;
  /** How its values are read; null where the bytes are those of the dtype. */
  readonly widening: Widened | null;
  readonly shape: number[];
  /** Where its bytes are, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

function fail(path: string, offset: number, reason: string): never {
  throw new StridenetError('ERR_FILE_FORMAT', `[safetensors] ${path}, byte ${offset}: ${reason}`);
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isShape(sizes: readonly number[]): boolean {
  return sizes.length <= 8 && elementCount(sizes.filter((size) => size !== 0)) <= maxElements;
}

function readEntry(path: string, key: string, value: unknown): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const own = (Object.keys(codes) as DType[]).find((name) => codes[name] === dtype);
  const isWidened = typeof dtype === 'string' && Object.hasOwn(widened, dtype);
  const widening = isWidened ? (widened[dtype] as Widened) : null;
  const type = own ?? widening?.dtype;
  if (type === undefined) fail(path, 8, `tensor '${key}' has dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isIndex) || !isShape(shape)) {
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

/** The tensor whose bytes, as the file has them, start at `offset` of the file. */
export function widen(
  path: string,
  entry: TensorEntry,
  widening: Widened,
  bytes: Uint8Array,
  offset: number,
): Tensor {
  const { key, dtype, shape } = entry;
  const data = allocate(dtype, elementCount(shape));
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

/** What the header of a safetensors file says, checked against the size of the file. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes, which follow each other up to the end of the file. */
  readonly entries: readonly TensorEntry[];
  /** Where the bytes of tensors begin. */
  readonly dataStart: number;
}

function headerObject(path: string, bytes: Uint8Array): object {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) return header;
  } catch (cause) {
    throw new StridenetError(
      'ERR_FILE_FORMAT',
      `[safetensors] ${path}, byte 8: the header is no JSON`,
      { cause },
    );
  }
  return fail(path, 8, 'the header is no JSON object');
}

/** Where the tensors of a file begin, from its first 8 bytes or what it has of them. */
export function dataStartOf(path: string, first: Uint8Array, fileBytes: number): number {
  if (first.length < 8) fail(path, first.length, 'ends within the length of its header');
  const length = new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeaderBytes) || Number(length) + 8 > fileBytes) {
    fail(
      path,
      0,
      `declares a header of ${length} bytes in a file of ${fileBytes}: this is no safetensors file, or a part of one`,
    );
  }
  return 8 + Number(length);
}

/**
 * The header of a file of so many bytes, from the header's bytes.
 * @throws ERR_FILE_FORMAT with the path, a byte offset and the reason
 */
export function parseHeader(path: string, bytes: Uint8Array, fileBytes: number): SafetensorsHeader {
  const dataStart = 8 + bytes.length;
  const metadata = new Map<string, string>();
  const entries: TensorEntry[] = [];
  for (const [key, value] of Object.entries(headerObject(path, bytes))) {
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
  for (const { key, begin, end } of entries) {
    if (begin !== position) {
      fail(path, dataStart + position, `tensor '${key}' leaves a hole or overlaps`);
    }
    if (dataStart + end > fileBytes) fail(path, fileBytes, `ends within tensor '${key}'`);
    position = end;
  }
  const left = fileBytes - dataStart - position;
  if (left !== 0) fail(path, dataStart + position, `${left} bytes belong to no tensor`);
  return { metadata, entries, dataStart };
}
