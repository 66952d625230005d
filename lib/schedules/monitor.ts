import { argumentError, checkBoolean, checkNumber } from '../errors.ts';
import type { Measures } from './schedule.ts';

/** A number that epochs have, and when it counts as better. */
export interface Monitor {
  /** 'loss', 'accuracy', or another metric's name; with 'validation.' before it that of validation. */
  readonly monitor: string;
  /** Whether less or more is better. */
  readonly mode: 'min' | 'max';
  /** Better by less than this, or no more, is not better. */
  readonly minDelta: number;
  /** `minDelta` is a share of the best. */
  readonly relative: boolean;
}

/** Settings of what watches a number. */
export interface MonitorOptions {
  /** Default 'validation.loss'. */
  monitor?: string;
  /** Default: 'min' for losses and errors, 'max' for accuracy, precision, recall, f1 and top-k. */
  mode?: 'min' | 'max';
  /** What an improvement must be more than; default 0. */
  minDelta?: number;
}

const ofValidation = 'validation.';
const lower = /(^|\.)(\w*loss|\w*error)$/i;
const higher = /(^|\.)(accuracy|top\d+|precision|recall|f1)$/;

/**
 * @param minDelta the default
 * @throws ERR_ARGUMENT for a setting that is none, and where `mode` is needed
 */
export function monitorOf(
  where: string,
  options: MonitorOptions & { relative?: boolean },
  minDelta = 0,
): Monitor {
  const { monitor = 'validation.loss' } = options;
  if (typeof monitor !== 'string' || monitor === '') {
    throw argumentError(where, "monitor to be a name as 'validation.loss'", monitor);
  }
  let { mode } = options;
  if (mode === undefined && lower.test(monitor)) mode = 'min';
  if (mode === undefined && higher.test(monitor)) mode = 'max';
  if (mode !== 'min' && mode !== 'max') {
    throw argumentError(where, `mode to be 'min' or 'max' for '${monitor}'`, mode);
  }
  return {
    ...{ monitor, mode },
    minDelta: checkNumber(where, 'minDelta', options.minDelta ?? minDelta),
    relative: checkBoolean(where, 'relative', options.relative ?? false),
  };
}

/** Whether a value is better than the best so far, null when there is none; NaN never is. */
export function isBetter(
  { mode, minDelta, relative }: Monitor,
  value: number,
  best: number | null,
): boolean {
  if (Number.isNaN(value)) return false;
  if (best === null) return true;
  if (mode === 'min') return value < (relative ? best * (1 - minDelta) : best - minDelta);
  return value > (relative ? best * (1 + minDelta) : best + minDelta);
}

/** The number that is watched. Throws ERR_ARGUMENT that lists what there is when it is not there. */
export function monitored(where: string, monitor: string, measures: Measures): number {
  const value = Object.hasOwn(measures, monitor) ? measures[monitor] : undefined;
  if (value !== undefined) return value;
  const known = Object.keys(measures).map((name) => `'${name}'`);
  const validates = Object.keys(measures).some((name) => name.startsWith(ofValidation));
  const advice =
    monitor.startsWith(ofValidation) && !validates
      ? ': give validationData or validationSplit, or watch another number'
      : '';
  throw argumentError(where, `monitor to be one of ${known.join(', ')}`, monitor, advice);
}
