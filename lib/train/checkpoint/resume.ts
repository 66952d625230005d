import { stat } from 'node:fs/promises';
import { systemError } from '../../data/files.ts';
import { StridenetError } from '../../errors.ts';
import { sameShape } from '../../shape.ts';
import { describe, type Tensor } from '../../tensor.ts';
import type { Cursor } from '../trainer.ts';
import { checkAgreement, checkDescription } from './agreement.ts';
import { openLatest, type SkippedCheckpoint } from './folder.ts';
import { type OpenCheckpoint, openCheckpoint, reading } from './format.ts';
import type { ResumeSettings } from './options.ts';
import type { Training } from './session.ts';

/** The checkpoint that a training goes on from. */
export interface Resumed {
  readonly path: string;
  readonly cursor: Cursor;
  readonly skipped: readonly SkippedCheckpoint[];
}

/** What the tensors of a part are called in files. */
export function partPrefix(part: string): string {
  return `parts/${part}/`;
}

/** The checkpoint at a path, or the newest one of the folder there; null for none. */
async function find(
  path: string,
): Promise<{ checkpoint: OpenCheckpoint; skipped: SkippedCheckpoint[] } | null> {
  const found = await stat(path).catch((cause) => {
    throw systemError('fit, resume', path, cause);
  });
  if (found.isDirectory()) return openLatest(path);
  return { checkpoint: await openCheckpoint(path), skipped: [] };
}

/** Throws ERR_FILE_FORMAT unless the file has the trainer's states, and no others but parts' own. */
function checkStates(
  { file }: OpenCheckpoint,
  states: ReadonlyMap<string, Tensor>,
  { parts }: Training,
): void {
  const entries = new Map(file.entries.map((entry) => [entry.key, entry]));
  for (const key of states.keys()) {
    if (!entries.has(key)) throw new Error(`the checkpoint lacks '${key}'`);
  }
  const prefixes = [...parts.keys()].map(partPrefix);
  for (const [key, { shape, dtype }] of entries) {
    const prefix = prefixes.find((each) => key.startsWith(each)) ?? '';
    const state = states.get(key.slice(prefix.length));
    if (state === undefined) throw new Error(`the checkpoint has besides '${key}'`);
    if (sameShape(shape, state.shape) && dtype === state.dtype) continue;
    throw new Error(`'${key}' must be ${describe(state)} but is ${describe({ shape, dtype })}`);
  }
}

/** Puts everything in its place; throws before anything is touched. */
async function restore(checkpoint: OpenCheckpoint, training: Training): Promise<Resumed['cursor']> {
  const { file, description, record } = checkpoint;
  const { path } = file;
  const { trainer, parts } = training;
  const { cursor } = record;
  checkDescription(path, description, training.description);
  checkAgreement(path, record.settings, training.agreement);
  const { stepsPerEpoch } = trainer;
  reading(path, () => {
    if (stepsPerEpoch !== null && cursor.stepInEpoch > stepsPerEpoch) {
      throw new Error(`step ${cursor.stepInEpoch} of an epoch of ${stepsPerEpoch}`);
    }
    checkStates(checkpoint, trainer.states(), training);
  });
  const tensors = await file.tensors();
  reading(path, () => {
    for (const [name, part] of parts) {
      const prefix = partPrefix(name);
      const own = [...tensors].filter(([key]) => key.startsWith(prefix));
      const values = new Map(own.map(([key, value]) => [key.slice(prefix.length), value]));
      if (record.parts.has(name)) part.restore(record.parts.get(name), values);
    }
  });
  await training.restoring(() => trainer.restore(tensors, cursor));
  return cursor;
}

/**
 * Goes on from a checkpoint; null where there is none and none is needed.
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS; ERR_FILE_FORMAT for a file that is damaged, of another
 *   version or no checkpoint; ERR_ARGUMENT that names the difference for one of another training
 */
export async function resumeFrom(
  { path, needed }: ResumeSettings,
  training: Training,
): Promise<Resumed | null> {
  const found = await find(path).catch((error) => {
    if (!needed && error instanceof StridenetError && error.code === 'ERR_FILE_NOT_FOUND') {
      return null;
    }
    throw error;
  });
  if (found === null) {
    if (!needed) return null;
    const message = `[fit, resume] ${path}: the folder has no checkpoint`;
    throw new StridenetError('ERR_FILE_NOT_FOUND', message);
  }
  const { checkpoint, skipped } = found;
  const { file } = checkpoint;
  try {
    const cursor = await restore(checkpoint, training);
    for (const { reason } of skipped) {
      const message = `${reason}; training goes on from ${file.path}`;
      process.emitWarning(message, { type: 'StridenetWarning', code: 'CHECKPOINT_SKIPPED' });
    }
    return { path: file.path, cursor, skipped };
  } finally {
    await file.close();
  }
}
