import { createHash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { chunksOf } from '../../data/atomicFile.ts';
import { safetensorsParts } from '../../data/safetensors.ts';
import { SafetensorsFile } from '../../data/safetensorsFile.ts';
import { StridenetError } from '../../errors.ts';
import type { Tensor } from '../../tensor.ts';
import { version as library } from '../../version.ts';
import type { Description } from '../description.ts';
import type { Cursor } from '../trainer.ts';
import { countAt, fromJson, objectAt, toJson } from './json.ts';

const format = 'stridenet checkpoint';
const formatVersion = '1';

/** Bytes that are read at a time to be hashed. */
const pieceBytes = 1 << 20;

/** What a checkpoint knows of its training besides tensors. */
export interface TrainingRecord {
  /** Where the next step is. */
  readonly cursor: Cursor;
  /** What a training must agree in to go on from it: plain data by option. */
  readonly settings: ReadonlyMap<string, unknown>;
  /** What parts of the training keep: plain data by their names. */
  readonly parts: ReadonlyMap<string, unknown>;
}

const unknownDigest = '0'.repeat(64);
/** What the header of every checkpoint begins with, up to the digest. */
const prefix = '{"__metadata__":{"sha256":"';
const digestStart = 8 + prefix.length;
const digestEnd = digestStart + unknownDigest.length;

/** Adds bytes piece by piece, with other work in between. Throws when the signal fires. */
async function hashing(
  hash: Hash,
  parts: Iterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  for (const chunk of chunksOf(parts)) {
    signal?.throwIfAborted();
    hash.update(chunk);
    await setImmediate();
  }
}

/**
 * The bytes of a checkpoint, in parts: safetensors whose metadata hold, before anything else, the
 * SHA-256 of the file as it is with zeros in that place, in hexadecimal digits. Throws when the signal fires.
 */
export async function checkpointParts(
  tensors: ReadonlyMap<string, Tensor>,
  description: Description,
  { cursor, settings, parts }: TrainingRecord,
  signal?: AbortSignal,
): Promise<Uint8Array[]> {
  const metadata = new Map([
    ['sha256', unknownDigest],
    ['format', format],
    ['version', formatVersion],
    ['library', library],
    ['architecture', toJson(description)],
    [
      'training',
      toJson({
        cursor,
        settings: Object.fromEntries(settings),
        parts: Object.fromEntries(parts),
      }),
    ],
  ]);
  const file = safetensorsParts(tensors, metadata);
  const hash = createHash('sha256');
  await hashing(hash, file, signal);
  (file[0] as Uint8Array).set(Buffer.from(hash.digest('hex'), 'latin1'), digestStart);
  return file;
}

function fail(path: string, reason: string, cause?: unknown): never {
  const message = `[checkpoint] ${path}: ${reason}`;
  throw new StridenetError('ERR_FILE_FORMAT', message, cause === undefined ? {} : { cause });
}

/** Whether the file says that it is a checkpoint. */
export function isCheckpoint({ metadata }: SafetensorsFile): boolean {
  return metadata.get('format') === format;
}

/** Throws ERR_FILE_FORMAT unless the file is one of this format and version. */
function checkKind(file: SafetensorsFile): void {
  const { path, metadata } = file;
  const [kind, version] = [metadata.get('format'), metadata.get('version')];
  if (!isCheckpoint(file)) {
    const what = kind === 'stridenet' ? 'a model (sn.load reads it)' : 'another safetensors file';
    fail(path, `this is no stridenet checkpoint but ${what}`);
  }
  if (version === formatVersion) return;
  const by = metadata.get('library') ?? 'unknown';
  fail(
    path,
    `the checkpoint is of version ${version} (by stridenet ${by}), this library reads version ${formatVersion}`,
  );
}

/** Throws ERR_FILE_FORMAT unless it is a checkpoint of this version whose bytes are as written. */
export async function checkCheckpoint(file: SafetensorsFile): Promise<void> {
  checkKind(file);
  const { path, dataStart, size } = file;
  const header = await file.bytes(0, dataStart);
  const text = Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  if (text.toString('latin1', 8, digestStart) !== prefix) fail(path, 'the digest is not first');
  const digest = text.toString('latin1', digestStart, digestEnd);
  text.write(unknownDigest, digestStart, 'latin1');
  const hash = createHash('sha256');
  await hashing(hash, [header]);
  for (let at = dataStart; at < size; at += pieceBytes) {
    hash.update(await file.bytes(at, Math.min(pieceBytes, size - at)));
  }
  const found = hash.digest('hex');
  if (found === digest) return;
  fail(path, `the file is damaged: its SHA-256 is ${found} and not ${digest}`);
}

/** A checkpoint that is whole; its tensors are read when they are asked for. */
export interface OpenCheckpoint {
  readonly file: SafetensorsFile;
  /** The version of the library that wrote it. */
  readonly library: string;
  /** The architecture, as its description was. */
  readonly description: unknown;
  readonly record: TrainingRecord;
}

/** What `body` gives; what it throws is the file's fault. */
export function reading<T>(path: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    return fail(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function cursorAt(value: unknown): Cursor {
  const cursor = objectAt('cursor', value);
  return {
    step: countAt('cursor.step', cursor.get('step')),
    epoch: countAt('cursor.epoch', cursor.get('epoch'), 1),
    stepInEpoch: countAt('cursor.stepInEpoch', cursor.get('stepInEpoch')),
  };
}

/**
 * Opens a checkpoint, every byte of which is as it was written. The caller closes `file`.
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, or ERR_FILE_FORMAT with the reason
 */
export async function openCheckpoint(path: string): Promise<OpenCheckpoint> {
  const file = await SafetensorsFile.open(path);
  try {
    await checkCheckpoint(file);
    return reading(path, () => {
      const training = objectAt('training', fromJson(file.metadata.get('training') ?? ''));
      const record = {
        cursor: cursorAt(training.get('cursor')),
        settings: objectAt('settings', training.get('settings')),
        parts: objectAt('parts', training.get('parts')),
      };
      const description = fromJson(file.metadata.get('architecture') ?? '');
      return { file, library: file.metadata.get('library') ?? 'unknown', description, record };
    });
  } catch (error) {
    await file.close();
    throw error;
  }
}
