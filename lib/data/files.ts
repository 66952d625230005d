import { stat } from 'node:fs/promises';
import { StridenetError } from '../errors.ts';

/** ERR_FILE_FORMAT in the one form `[where] file, byte offset: reason`. */
export function formatError(
  where: string,
  file: string,
  offset: number,
  reason: string,
  cause?: unknown,
): StridenetError {
  const message = `[${where}] ${file}, byte ${offset}: ${reason}`;
  return new StridenetError('ERR_FILE_FORMAT', message, cause === undefined ? {} : { cause });
}

/**
 * The bytes of a regular file. Asked before it is opened, since opening a pipe may wait forever.
 * Throws ERR_FILE_NOT_FOUND, or ERR_FILE_FORMAT for what is no regular file.
 */
export async function fileSize(where: string, file: string): Promise<number> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(file);
  } catch (cause) {
    throw unreadable(where, file, cause);
  }
  if (!found.isFile()) throw formatError(where, file, 0, 'this is no regular file');
  return found.size;
}

/** ERR_FILE_NOT_FOUND with the system's reason. */
export function unreadable(where: string, file: string, cause: unknown): StridenetError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StridenetError('ERR_FILE_NOT_FOUND', `[${where}] ${file} cannot be read: ${reason}`, {
    cause,
  });
}
