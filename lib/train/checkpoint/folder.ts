import { mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { temporaryName } from '../../data/atomicFile.ts';
import { checkPath, systemError } from '../../data/files.ts';
import { StridenetError } from '../../errors.ts';
import { type OpenCheckpoint, openCheckpoint } from './format.ts';

const where = 'checkpoint';
const name = /^checkpoint-(\d{12,16})\.safetensors$/;

/** What the checkpoint of the best epoch is called. */
export const bestName = 'best.safetensors';

/** What the checkpoint after so many steps is called: names sort as steps do. */
export function checkpointName(step: number): string {
  return `checkpoint-${String(step).padStart(12, '0')}.safetensors`;
}

/** A checkpoint by its name. */
export interface Listed {
  readonly path: string;
  readonly step: number;
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((cause) => {
    throw systemError(where, directory, cause);
  });
}

/**
 * The checkpoints of a folder, the newest first; `best.safetensors` is none of them.
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS
 */
export async function listCheckpoints(directory: string): Promise<Listed[]> {
  return (await namesIn(directory))
    .flatMap((each) => {
      const step = name.exec(each)?.[1];
      return step === undefined ? [] : [{ path: join(directory, each), step: Number(step) }];
    })
    .sort((a, b) => b.step - a.step);
}

/** A checkpoint that could not be read, and why. */
export interface SkippedCheckpoint {
  /** The file. */
  readonly path: string;
  /** The message of the error that reading it gave. */
  readonly reason: string;
}

/** The newest checkpoint of a folder that can be read. */
export interface LatestCheckpoint {
  /** The file. */
  readonly path: string;
  /** Steps done, and the epoch of the next one, counted from 1. */
  readonly step: number;
  /** That of the next step, from 1. */
  readonly epoch: number;
  /** Newer ones that are damaged or of another version. */
  readonly skipped: readonly SkippedCheckpoint[];
}

/** Where the checkpoint of the best epoch is, if there is one. */
async function bestIn(directory: string): Promise<string[]> {
  const found = (await namesIn(directory)).includes(bestName);
  return found ? [join(directory, bestName)] : [];
}

/**
 * Opens the newest checkpoint of a folder that can be read, that of the best epoch where there is no
 * other; null when it has none. The caller closes its file.
 * @throws ERR_FILE_FORMAT with the reasons when none of those that it has can be read;
 *   ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS for the folder, and ERR_FILE_ACCESS for a checkpoint that
 *   may be whole
 */
export async function openLatest(
  directory: string,
): Promise<{ checkpoint: OpenCheckpoint; skipped: SkippedCheckpoint[] } | null> {
  const skipped: SkippedCheckpoint[] = [];
  const numbered = (await listCheckpoints(directory)).map(({ path }) => path);
  for (const path of [...numbered, ...(await bestIn(directory))]) {
    try {
      return { checkpoint: await openCheckpoint(path), skipped };
    } catch (error) {
      const passable = ['ERR_FILE_FORMAT', 'ERR_FILE_NOT_FOUND'];
      if (!(error instanceof StridenetError && passable.includes(error.code))) throw error;
      skipped.push({ path, reason: error.message });
    }
  }
  if (skipped.length === 0) return null;
  const reasons = skipped.map(({ reason }) => reason).join('; ');
  throw new StridenetError(
    'ERR_FILE_FORMAT',
    `[${where}] ${directory}: no checkpoint can be read: ${reasons}`,
  );
}

/**
 * The newest checkpoint of a folder that can be read, every byte of it, best.safetensors where there
 * is no other; null when it has none.
 * @param directory the `directory` of the checkpoint options
 * @throws ERR_FILE_FORMAT with the reasons when it has some and none can be read;
 *   ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS
 */
export async function latestCheckpoint(directory: string | URL): Promise<LatestCheckpoint | null> {
  const found = await openLatest(resolve(checkPath('latestCheckpoint', directory)));
  if (found === null) return null;
  const { file, record } = found.checkpoint;
  await file.close();
  const { step, epoch } = record.cursor;
  return { path: file.path, step, epoch, skipped: found.skipped };
}

/**
 * Whether the process that wrote a file is there no more: none of this machine has its number, or
 * this one does and has begun since. In a container every run of a program may have the number 1.
 */
async function isGone(pid: number, path: string): Promise<boolean> {
  if (pid === process.pid) {
    const begun = Date.now() - 1000 * process.uptime();
    const written = await stat(path).catch(() => null);
    return written !== null && written.mtimeMs < begun;
  }
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  }
}

/** Removes what processes that were killed have left of checkpoints that they wrote. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const each of await namesIn(directory)) {
    const pid = temporaryName.exec(each)?.[1];
    const whole = each.replace(temporaryName, '');
    if (pid === undefined || !(name.test(whole) || whole === bestName)) continue;
    const path = join(directory, each);
    if (await isGone(Number(pid), path)) await rm(path, { force: true });
  }
}

/**
 * Makes a folder ready for the checkpoints of a training.
 * @param from the checkpoint that the training goes on from and those that were skipped, or null
 * @throws ERR_ARGUMENT when the folder has checkpoints of another training, or of later steps;
 *   ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS
 */
export async function prepareFolder(
  directory: string,
  from: {
    readonly path: string;
    readonly step: number;
    readonly skipped: readonly SkippedCheckpoint[];
  } | null,
): Promise<void> {
  await mkdir(directory).catch((cause) => {
    if ((cause as { code?: string }).code !== 'EEXIST') throw systemError(where, directory, cause);
  });
  const own = from !== null && (await realpath(dirname(from.path))) === (await realpath(directory));
  const numbered = await listCheckpoints(directory);
  const foreign = own
    ? numbered
        .filter(({ step }) => step > from.step)
        .map(({ path }) => path)
        .find((path) => !from.skipped.some((each) => each.path === path))
    : [...numbered.map(({ path }) => path), ...(await bestIn(directory))][0];
  if (foreign !== undefined) {
    const what = own ? `of later steps than ${from.path}` : 'of another training';
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[fit, checkpoint] ${directory} has checkpoints ${what} (${foreign}): go on from them with resume: true, remove them, or name another directory`,
    );
  }
  await removeLeftovers(directory);
}

/** Removes all but the newest `keep` checkpoints up to that step. Throws ERR_FILE_ACCESS. */
export async function prune(directory: string, step: number, keep: number): Promise<void> {
  const old = (await listCheckpoints(directory)).filter((each) => each.step <= step).slice(keep);
  for (const { path } of old) {
    await rm(path, { force: true }).catch((cause) => {
      throw systemError(where, path, cause);
    });
  }
}
