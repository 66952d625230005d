import { type FileHandle, open, stat } from 'node:fs/promises';
import { formatError, notRegular, systemError } from './files.ts';

/** Bytes of one read at most. */
const readBytes = 1 << 26;

/**
 * Opens a regular file for reading. Asked before it is opened, since opening a pipe may wait forever.
 * @throws ERR_FILE_NOT_FOUND; ERR_FILE_ACCESS for what the system refuses and what is no file
 */
export async function openRegular(where: string, path: string): Promise<FileHandle> {
  try {
    const found = await stat(path);
    if (found.isFile()) return await open(path, 'r');
  } catch (cause) {
    throw systemError(where, path, cause);
  }
  throw notRegular(where, path);
}

/**
 * Fills `into` with the bytes of a file from `offset` on.
 * @throws ERR_FILE_ACCESS; ERR_FILE_FORMAT when the file ends before
 */
export async function readInto(
  where: string,
  path: string,
  handle: FileHandle,
  offset: number,
  into: Uint8Array,
): Promise<void> {
  let done = 0;
  while (done < into.length) {
    const most = Math.min(readBytes, into.length - done);
    const { bytesRead } = await handle.read(into, done, most, offset + done).catch((cause) => {
      throw systemError(where, path, cause);
    });
    if (bytesRead === 0) {
      throw formatError(where, path, offset + done, 'the file ends here');
    }
    done += bytesRead;
  }
}
