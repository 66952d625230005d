import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { StridenetError } from '../errors.ts';

function refuse(message: string, cause?: unknown): StridenetError {
  return new StridenetError('ERR_FILE_ACCESS', message, { cause });
}

/** What lies at `path`, or null when nothing does. */
async function found(path: string): Promise<Stats | null> {
  try {
    return await stat(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw refuse(`${path} cannot be reached (${code})`, cause);
  }
}

/**
 * Makes sure that a file can be written at `path`, before work is put into its contents: creates
 * its folder where it may, and leaves a file that is there as it is.
 * @param option that names the path, for messages
 * @returns the absolute path
 * @throws ERR_FILE_ACCESS with one line that says what is in the way
 */
export async function prepareSave(path: string, option = '--save'): Promise<string> {
  try {
    return await prepare(path);
  } catch (error) {
    if (!(error instanceof StridenetError)) throw error;
    throw refuse(`${option} needs a file, but ${error.message}`, error.cause);
  }
}

async function prepare(path: string): Promise<string> {
  const file = resolve(path);
  const there = await found(file);
  if (there?.isDirectory() || path.endsWith('/') || path.endsWith(sep)) {
    throw refuse(`${path} is a folder`);
  }
  if (there !== null && !there.isFile()) throw refuse(`${path} is no regular file`);

  const absent: string[] = [];
  let parent = dirname(file);
  let kind = await found(parent);
  while (kind === null && dirname(parent) !== parent) {
    absent.unshift(parent);
    parent = dirname(parent);
    kind = await found(parent);
  }
  if (!kind?.isDirectory()) throw refuse(`${parent} is no folder`);
  try {
    await access(parent, constants.W_OK | constants.X_OK);
    // One by one: Node's recursive mkdir does not end below /proc.
    for (const folder of absent) await mkdir(folder);
    // Root may do all that access asks for, and still not write to a file system like /proc.
    const probe = `${file}.${randomUUID()}.tmp`;
    await writeFile(probe, '', { flag: 'wx' });
    await rm(probe);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw refuse(`${file} cannot be written: no file can be made in ${parent} (${code})`, cause);
  }
  return file;
}
