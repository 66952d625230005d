import { realpath } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep, win32 } from 'node:path';
import { StridenetError } from '../../errors.ts';
import { systemError } from '../files.ts';

/** Where links lead in the end. Throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS. */
export function realPath(where: string, path: string): Promise<string> {
  return realpath(path).catch((cause) => {
    throw systemError(where, path, cause);
  });
}

/**
 * Where `path` leads, which must be within `root`, itself free of links.
 * @throws ERR_FILE_ACCESS for a link that leaves the folder
 */
export async function realPathWithin(where: string, root: string, path: string): Promise<string> {
  const real = await realPath(where, path);
  if (real === root || real.startsWith(root.endsWith(sep) ? root : root + sep)) return real;
  throw new StridenetError(
    'ERR_FILE_ACCESS',
    `[${where}] ${path}: this leads to ${real}, out of ${root}`,
  );
}

/** The file of that relative name in a folder; null for a name that leaves the folder, or is none. */
export function joinWithin(root: string, name: string): string | null {
  if (name === '' || name.includes('\0') || isAbsolute(name) || win32.isAbsolute(name)) return null;
  if (/^[A-Za-z]:/.test(name)) return null;
  const inner = normalize(name);
  const leaves = inner === '.' || inner === '..' || inner.startsWith(`..${sep}`);
  return leaves || inner.endsWith(sep) ? null : join(root, inner);
}
