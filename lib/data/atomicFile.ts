import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemError } from './files.ts';

/** Bytes that are written, or hashed, at a time: other work has its turn in between. */
const chunkBytes = 1 << 20;

/** What a file is made of. */
type Parts = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** The same bytes in pieces of one to two MiB, but for the last; large parts are not copied. */
export function* chunksOf(parts: Iterable<Uint8Array>): Generator<Uint8Array, void, void> {
  let held: Uint8Array[] = [];
  let bytes = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += chunkBytes) {
      const slice = part.subarray(at, at + chunkBytes);
      held.push(slice);
      bytes += slice.length;
      if (bytes < chunkBytes) continue;
      yield held.length === 1 ? slice : Buffer.concat(held);
      [held, bytes] = [[], 0];
    }
  }
  if (bytes > 0) yield Buffer.concat(held);
}

async function writeSynced(path: string, parts: Parts, signal?: AbortSignal): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    const chunks = Symbol.asyncIterator in parts ? parts : chunksOf(parts);
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      await handle.writeFile(chunk);
    }
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

/** What `writeAtomically` calls a file until it is whole: the process that writes it is group 1. */
export const temporaryName = /\.(\d+)-[0-9a-f-]{36}\.tmp$/;

/**
 * Writes a file of these parts, one after the other, so that the path holds the old bytes or the new
 * ones, whatever happens. The parts must not change until it is done.
 * @param signal gives it up: the path then holds the old bytes
 * @throws ERR_FILE_NOT_FOUND when the folder is not there; ERR_FILE_ACCESS
 */
export async function writeAtomically(
  where: string,
  path: string,
  parts: Parts,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomUUID()}.tmp`;
  try {
    await writeSynced(temporary, parts, signal);
    signal?.throwIfAborted();
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw systemError(where, path, cause);
  }
}
