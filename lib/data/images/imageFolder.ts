import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { argumentError, checkOptions, StridenetError } from '../../errors.ts';
import type { Dataset } from '../dataset.ts';
import { checkPath, someOf, systemError } from '../files.ts';
import { from } from '../from.ts';
import type { Sample } from '../sample.ts';
import { byCodeUnits, checkClasses } from './classes.ts';
import { checkImageOptions, type ImageOptions, imageOptions } from './decode.ts';
import { imageSource, type LabelledFiles } from './imageSource.ts';
import { realPath, realPathWithin } from './within.ts';

/** How a folder of images becomes a data set. */
export interface ImageFolderOptions extends ImageOptions {
  /**
   * The endings of images, in any case; other files are passed over. Default: .jpg .jpeg .png .gif
   * .webp .tif .tiff .avif.
   */
  extensions?: readonly string[];
  /** The names of the classes in the order of their numbers, or how many there must be. */
  classes?: readonly string[] | number;
}

const where = 'imageFolder';
const usualExtensions = ['.jpg', '.jpeg', '.png', '.gif', '.webp', '.tif', '.tiff', '.avif'];

/** Folders within each other at most. */
const maxDepth = 64;

function checkExtensions(extensions: unknown = usualExtensions): Set<string> {
  const isList =
    Array.isArray(extensions) &&
    extensions.every((each) => typeof each === 'string' && /^\.[^./\\]+$/.test(each));
  if (!isList) throw argumentError(where, "extensions to be a list like ['.png']", extensions);
  return new Set(extensions.map((each: string) => each.toLowerCase()));
}

function folderError(folder: string, reason: string): StridenetError {
  return new StridenetError('ERR_FILE_FORMAT', `[${where}] ${folder}: ${reason}`);
}

/** What a folder holds, sorted by the code units of names, so that every machine has one order. */
async function entriesOf(folder: string): Promise<Dirent[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause) => {
    throw systemError(where, folder, cause);
  });
  const visible = entries.filter(({ name }) => !name.startsWith('.'));
  return visible.sort((a, b) => byCodeUnits(a.name, b.name));
}

/** Whether an entry is a file or a folder, itself or by links, which may not leave the root. */
async function kindOf(
  root: string,
  path: string,
  entry: Dirent,
): Promise<'file' | 'folder' | null> {
  let found: { isFile(): boolean; isDirectory(): boolean } = entry;
  if (entry.isSymbolicLink()) {
    const real = await realPathWithin(where, root, path);
    found = await stat(real).catch((cause) => {
      throw systemError(where, path, cause);
    });
  }
  if (found.isDirectory()) return 'folder';
  return found.isFile() ? 'file' : null;
}

/** The images of a folder and of those within it, into `files`. */
async function collect(
  root: string,
  folder: string,
  extensions: ReadonlySet<string>,
  around: readonly string[],
  files: string[],
): Promise<void> {
  const real = await realPathWithin(where, root, folder);
  if (around.includes(real)) throw folderError(folder, `leads to ${real}, which it is in`);
  if (around.length >= maxDepth) throw folderError(folder, `is within ${maxDepth} others`);
  for (const entry of await entriesOf(folder)) {
    const path = join(folder, entry.name);
    const isImage = extensions.has(extname(entry.name).toLowerCase());
    if (entry.isFile() && !isImage) continue;
    const kind = await kindOf(root, path, entry);
    if (kind === 'folder') await collect(root, path, extensions, [...around, real], files);
    else if (kind === 'file' && isImage) files.push(path);
  }
}

/** The names of the classes by their numbers. */
function classesOf(
  root: string,
  folders: readonly string[],
  wanted: readonly string[] | number | null,
): readonly string[] {
  if (folders.length === 0) throw folderError(root, 'there is no folder in it, one for each class');
  if (wanted === null) return folders;
  if (typeof wanted === 'number') {
    if (folders.length === wanted) return folders;
    throw folderError(
      root,
      `has folders for ${folders.length} classes (${someOf(folders)}) and not for ${wanted}`,
    );
  }
  const missing = wanted.filter((name) => !folders.includes(name));
  if (missing.length > 0) {
    const there = `has folders for ${folders.length} classes (${someOf(folders)})`;
    throw folderError(root, `${there}, but no folder for ${someOf(missing)}`);
  }
  const other = folders.filter((name) => !wanted.includes(name));
  if (other.length > 0) throw folderError(root, `has folders of no class: ${someOf(other)}`);
  return wanted;
}

async function labelledFiles(
  path: string,
  extensions: ReadonlySet<string>,
  wanted: readonly string[] | number | null,
): Promise<LabelledFiles> {
  const root = await realPath(where, path);
  const folders: string[] = [];
  for (const entry of await entriesOf(root)) {
    if (entry.isFile()) continue;
    if ((await kindOf(root, join(root, entry.name), entry)) === 'folder') folders.push(entry.name);
  }
  const classNames = classesOf(root, folders, wanted);
  const files: string[] = [];
  const labels: number[] = [];
  for (const [label, name] of classNames.entries()) {
    const before = files.length;
    await collect(root, join(root, name), extensions, [root], files);
    if (files.length === before) {
      throw folderError(join(root, name), `has no image (${[...extensions].join(' ')})`);
    }
    while (labels.length < files.length) labels.push(label);
  }
  return { files, labels: Int32Array.from(labels), classNames };
}

/**
 * A folder of images as a lazy data set: a class for each folder in it, numbered in the order of
 * their names, whose images lie in it or in folders within. Names that start with a dot are passed
 * over. Files are decoded by the optional package sharp when they are wanted, several at a time with
 * `prefetch`, or in training: `x` is uint8 (channels, height, width), `y` the class number. In which
 * order files come depends on their names alone.
 *
 * @param path the folder
 * @throws ERR_PACKAGE_NOT_FOUND when sharp is not installed; ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, also
 *   for a link that leaves the folder; ERR_FILE_FORMAT for a class without images and for others than
 *   `classes` says. Reading it throws ERR_FILE_FORMAT for a broken image unless `onBroken` says
 *   otherwise; then its length is unknown
 */
export async function imageFolder(
  path: string | URL,
  options: ImageFolderOptions,
): Promise<Dataset<Sample>> {
  const folder = checkPath(where, path);
  checkOptions(where, options, [...imageOptions, 'extensions', 'classes']);
  const settings = checkImageOptions(where, options);
  const extensions = checkExtensions(options.extensions);
  const files = await labelledFiles(folder, extensions, checkClasses(where, options.classes));
  return from(await imageSource(where, files, settings));
}
