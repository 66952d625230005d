import { resolve } from 'node:path';
import { checkPath } from '../../data/files.ts';
import { argumentError, checkBoolean, checkNumber, checkOptions } from '../../errors.ts';
import { type Monitor, type MonitorOptions, monitorOf } from '../../schedules/monitor.ts';
import { checkInteger } from '../../shape.ts';

/** When checkpoints are written, and which are kept. */
export interface CheckpointOptions {
  /**
   * Where they are written. Made where only its last folder is missing. Of one training: one that
   * begins anew refuses a folder with checkpoints.
   */
  directory: string | URL;
  /**
   * After so many steps; for the one that ends an epoch with a checkpoint of its own, and for the last
   * one, behind the validation. The intervals may be combined; default: everyEpochs 1 where none is
   * given.
   */
  everySteps?: number;
  /** At the first step boundary after so many seconds from the last one. */
  everySeconds?: number;
  /** After so many epochs, with their validation and history. */
  everyEpochs?: number;
  /** How many are kept, the newest ones; default 3. */
  keep?: number;
  /**
   * Whether best.safetensors is written too, after each epoch that is better than all before it: by
   * validation loss, by loss where nothing is validated, or by another number. Default false.
   */
  keepBest?: boolean | MonitorOptions;
  /**
   * Whether one is written when the signal or a `break` ends training, which then takes as long as
   * that. Default false.
   */
  onAbort?: boolean;
}

/** Options of checkpoints, checked and with their defaults. */
export interface CheckpointSettings {
  /** An absolute path. */
  readonly directory: string;
  readonly everySteps: number;
  readonly everySeconds: number;
  readonly everyEpochs: number;
  readonly keep: number;
  readonly keepBest: Monitor | null;
  readonly onAbort: boolean;
}

const where = 'fit, checkpoint';
const never = Number.POSITIVE_INFINITY;

function bestBy(keepBest: unknown, validates: boolean): Monitor | null {
  if (keepBest === false) return null;
  if (keepBest === true) return monitorOf(where, validates ? {} : { monitor: 'loss' });
  checkOptions(`${where}, keepBest`, keepBest, ['monitor', 'mode', 'minDelta']);
  return monitorOf(`${where}, keepBest`, keepBest as MonitorOptions);
}

/**
 * @param validates whether there is validation
 * @throws ERR_ARGUMENT for an option that is none
 */
export function checkCheckpoint(
  checkpoint: CheckpointOptions | undefined,
  validates: boolean,
): CheckpointSettings | null {
  if (checkpoint === undefined) return null;
  const intervals = ['everySteps', 'everySeconds', 'everyEpochs'] as const;
  checkOptions(where, checkpoint, ['directory', ...intervals, 'keep', 'keepBest', 'onAbort']);
  const { directory, everySteps = never, everySeconds = never, keep = 3 } = checkpoint;
  const none = intervals.every((interval) => checkpoint[interval] === undefined);
  const { everyEpochs = none ? 1 : never } = checkpoint;
  if (!(directory instanceof URL) && (typeof directory !== 'string' || directory === '')) {
    throw argumentError(where, 'directory to be a path', directory);
  }
  if (everySeconds !== never) checkNumber(where, 'everySeconds', everySeconds);
  return {
    directory: resolve(checkPath(where, directory)),
    everySteps: everySteps === never ? never : checkInteger(where, 'everySteps', everySteps, 1),
    everyEpochs: everyEpochs === never ? never : checkInteger(where, 'everyEpochs', everyEpochs, 1),
    everySeconds,
    keep: checkInteger(where, 'keep', keep, 1),
    keepBest: bestBy(checkpoint.keepBest ?? false, validates),
    onAbort: checkBoolean(where, 'onAbort', checkpoint.onAbort ?? false),
  };
}

/** Where training goes on from; null: it begins. */
export interface ResumeSettings {
  /** An absolute path of a checkpoint, or of a folder of them. */
  readonly path: string;
  /** Whether there must be one. */
  readonly needed: boolean;
}

/** Throws ERR_ARGUMENT unless `resume` is a path, or a choice about the folder of checkpoints. */
export function checkResume(
  resume: unknown,
  checkpoint: CheckpointSettings | null,
): ResumeSettings | null {
  if (resume === undefined || resume === false) return null;
  if ((typeof resume === 'string' && resume !== '') || resume instanceof URL) {
    return { path: resolve(checkPath('fit, resume', resume)), needed: true };
  }
  if (resume !== true) throw argumentError('fit', 'resume to be a path, true or false', resume);
  if (checkpoint === null) {
    throw argumentError('fit', 'resume to be a path where there is no option checkpoint', resume);
  }
  return { path: checkpoint.directory, needed: false };
}
