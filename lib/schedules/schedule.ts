import { argumentError, checkNumber, StridenetError } from '../errors.ts';

/** When a step takes place, as a schedule sees it. */
export interface Moment {
  /** Steps done before it: 0 for the first. */
  readonly step: number;
  /**
   * Epochs done before it, with the part that is done of the one under way; whole ones where the
   * length of an epoch is not known.
   */
  readonly epoch: number;
  /** Steps of the whole training; null where that is not known. */
  readonly steps: number | null;
  /** Epochs of the whole training, not always whole; null where that is not known. */
  readonly epochs: number | null;
  /** Null where that is not known. */
  readonly stepsPerEpoch: number | null;
}

/** What a schedule has learned from the epochs so far: plain data, as checkpoints keep it. */
export type ScheduleState = Readonly<Record<string, number | null>>;

/** The numbers of an epoch by name: 'loss', 'accuracy', 'validation.loss', … */
export type Measures = Readonly<Record<string, number>>;

/**
 * What learning rates are multiplied by, step by step: a factor of each optimizer's own rate. It
 * keeps nothing itself, so one object may serve any number of runs.
 */
export interface Schedule {
  /** The constructor's name in `schedules`. */
  readonly kind: string;
  /** Its settings as plain data: `schedules[kind](options)` is the same schedule. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * The factor, 0 or more. `state` is given to schedules that have an `initial` one.
   * @param moment the step that the rate is for
   * @param state what `observe` gave after the epoch before
   */
  factor(moment: Moment, state: ScheduleState): number;
  /** The state before the first epoch; without one the factor depends on the moment alone. */
  readonly initial?: ScheduleState;
  /**
   * The state after an epoch with these numbers.
   * @param state before the epoch; `initial` before the first
   * @param measures loss, accuracy and metrics of the epoch
   */
  observe?(state: ScheduleState, measures: Measures): ScheduleState;
  /** The number that `observe` needs. */
  readonly monitor?: string;
}

/** A length, or a period, in one of two units. */
export interface SpanOptions {
  /** Steps of the optimizer. */
  steps?: number;
  /** Passes over the data; need not be whole. */
  epochs?: number;
}

export type Unit = 'steps' | 'epochs';

/** A length in steps or epochs; without a unit the whole training. */
export interface Span {
  readonly unit: Unit | null;
  readonly length: number;
}

/** The unit that `options` name; null when none. Throws ERR_ARGUMENT when they name both. */
export function unitOf(where: string, options: { steps?: unknown; epochs?: unknown }): Unit | null {
  const { steps, epochs } = options;
  if (steps !== undefined && epochs !== undefined) {
    throw argumentError(where, 'steps or epochs and not both', [steps, epochs]);
  }
  if (steps !== undefined) return 'steps';
  return epochs === undefined ? null : 'epochs';
}

/**
 * The span that `options` name; the whole training when they name none.
 * @throws ERR_ARGUMENT unless it is a number above 0
 */
export function spanOf(where: string, options: SpanOptions): Span {
  const unit = unitOf(where, options);
  if (unit === null) return { unit, length: 0 };
  const length = checkNumber(where, unit, options[unit]);
  if (length === 0) throw argumentError(where, `${unit} above 0`, length);
  return { unit, length };
}

/** As `spanOf`, but one of the units must be named. */
export function neededSpan(where: string, options: SpanOptions): Span & { readonly unit: Unit } {
  const span = spanOf(where, options);
  if (span.unit === null) throw argumentError(where, 'steps or epochs', undefined);
  return span as Span & { readonly unit: Unit };
}

/** What is done of the training, in that unit. */
export function done({ step, epoch }: Moment, unit: Unit): number {
  return unit === 'steps' ? step : epoch;
}

/**
 * How far a moment is, and the length, in the span's unit; of the whole training in steps where
 * their number is known.
 */
export function placeIn(
  where: string,
  moment: Moment,
  { unit, length }: Span,
): { at: number; length: number } {
  if (unit !== null) return { at: done(moment, unit), length };
  if (moment.steps !== null) return { at: moment.step, length: moment.steps };
  if (moment.epochs !== null) return { at: moment.epoch, length: moment.epochs };
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[${where}] how long the training is is not known: give steps or epochs`,
  );
}
