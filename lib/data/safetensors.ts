import { show } from '../errors.ts';
import { elementCount, maxElements } from '../shape.ts';
import type { DType, Tensor } from '../tensor.ts';
import { type ElementType, elementTypes, ownCodes } from './elements.ts';
import { formatError } from './files.ts';

const where = 'safetensors';
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
    entries.push([key, { dtype: ownCodes[dtype], shape, data_offsets: [offset, end] }]);
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
  readonly widening: ElementType | null;
  readonly shape: number[];
  /** Where its bytes are, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

function fail(path: string, offset: number, reason: string): never {
  throw formatError(where, path, offset, reason);
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isShape(sizes: readonly number[]): boolean {
  return sizes.length <= 8 && elementCount(sizes.filter((size) => size !== 0)) <= maxElements;
}

function readEntry(path: string, key: string, value: unknown): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = (value ?? {}) as Record<string, unknown>;
  const known = typeof dtype === 'string' && Object.hasOwn(elementTypes, dtype);
  const type = known ? elementTypes[dtype] : undefined;
  if (type === undefined) fail(path, 8, `tensor '${key}' has dtype ${show(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isIndex) || !isShape(shape)) {
    fail(path, 8, `tensor '${key}' has shape ${show(shape)}`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isIndex)) {
    fail(path, 8, `tensor '${key}' has offsets ${show(offsets)}`);
  }
  const [begin, end] = offsets as [number, number];
  if (elementCount(shape) * type.bytes !== end - begin) {
    fail(path, 8, `tensor '${key}' of shape (${shape.join(', ')}) has ${end - begin} bytes`);
  }
  const widening = ownCodes[type.dtype] === dtype ? null : type;
  return { key, dtype: type.dtype, widening, shape, begin, end };
}

/** What the header of a safetensors file says, checked against the size of the file. */
export interface SafetensorsHeader {
  readonly metadata: ReadonlyMap<string, string>;
  /** In the order of their bytes, which follow each other up to the end of the file. */
  readonly entries: readonly TensorEntry[];
  /** Where the bytes of tensors begin. */
  readonly dataStart: number;
}

/** What follows a text that is a name. */
const afterName = /[ \t\r\n]*:/y;

/** A name that one object has twice within a text that is JSON, or null. */
function repeatedName(json: string): string | null {
  const open: Set<string>[] = [];
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') open.push(new Set());
    else if (character === '}' || character === ']') open.pop();
    if (character !== '"') continue;
    const start = at++;
    while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
    afterName.lastIndex = at + 1;
    if (!afterName.test(json)) continue;
    const name = JSON.parse(json.slice(start, at + 1)) as string;
    const names = open.at(-1) as Set<string>;
    if (names.has(name)) return name;
    names.add(name);
  }
  return null;
}

function headerObject(path: string, bytes: Uint8Array): object {
  let text: string;
  let header: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    throw formatError(where, path, 8, 'the header is no JSON', cause);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) {
    fail(path, 8, 'the header is no JSON object');
  }
  const repeated = repeatedName(text);
  if (repeated !== null) fail(path, 8, `the header has '${repeated}' twice`);
  return header;
}

function readMetadata(path: string, value: unknown): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    fail(path, 8, 'the metadata is no JSON object');
  }
  const metadata = new Map<string, string>();
  for (const [name, text] of Object.entries(value)) {
    if (typeof text !== 'string') fail(path, 8, `metadata '${name}' is no text`);
    metadata.set(name, text);
  }
  return metadata;
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
  let metadata = new Map<string, string>();
  const entries: TensorEntry[] = [];
  for (const [key, value] of Object.entries(headerObject(path, bytes))) {
    if (key === '__metadata__') metadata = readMetadata(path, value);
    else entries.push(readEntry(path, key, value));
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
