import { stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { argumentError, StridenetError } from '../errors.ts';

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
 * Throws ERR_FILE_NOT_FOUND; ERR_FILE_ACCESS, also for what is no regular file.
 */
export async function fileSize(where: string, file: string): Promise<number> {
  let found: Awaited<ReturnType<typeof stat>>;
  try {
    found = await stat(file);
  } catch (cause) {
    throw systemError(where, file, cause);
  }
  if (!found.isFile()) throw notRegular(where, file);
  return found.size;
}

/** ERR_FILE_ACCESS for a folder, a pipe or a device. */
export function notRegular(where: string, file: string): StridenetError {
  return new StridenetError('ERR_FILE_ACCESS', `[${where}] ${file}: this is no regular file`);
}

/** What the system says when nothing of that name is there, or can be. */
const absent = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE']);

function systemCode(cause: unknown): string {
  return (cause as Partial<NodeJS.ErrnoException> | null)?.code ?? '';
}

/** The system's error as ours: ERR_FILE_NOT_FOUND or ERR_FILE_ACCESS, with the file and the reason. */
export function systemError(where: string, file: string, cause: unknown): StridenetError {
  const code = absent.has(systemCode(cause)) ? 'ERR_FILE_NOT_FOUND' : 'ERR_FILE_ACCESS';
  const message = cause instanceof Error ? cause.message : String(cause);
  const reason = systemCode(cause) === 'ENOENT' ? 'no such file or folder' : message;
  return new StridenetError(code, `[${where}] ${file}: ${reason}`, { cause });
}

/** The path that a text or a file: URL gives; throws ERR_ARGUMENT for anything else. */
export function checkPath(where: string, path: unknown): string {
  if (path instanceof URL) {
    try {
      return fileURLToPath(path);
    } catch {
      throw argumentError(where, 'a path or a file: URL', path.href);
    }
  }
  if (typeof path !== 'string' || path === '') throw argumentError(where, 'a path', path);
  return path;
}

/** The first names of a list, for messages. */
export function someOf(names: readonly string[]): string {
  return names.length > 8 ? `${names.slice(0, 8).join(', ')}, …` : names.join(', ');
}
