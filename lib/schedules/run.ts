import { argumentError, StridenetError, show } from '../errors.ts';
import { monitored } from './monitor.ts';
import type { Measures, Moment, Schedule, ScheduleState } from './schedule.ts';

/** A schedule in a run of training, with what it has learned from its epochs. */
export class ScheduleRun {
  readonly #schedule: Schedule;
  #state: ScheduleState;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
    this.#state = schedule.initial ?? {};
  }

  /** Throws ERR_ARGUMENT unless the schedule gives a finite number of 0 or more. */
  factor(moment: Moment): number {
    const factor: unknown = this.#schedule.factor(moment, this.#state);
    if (typeof factor === 'number' && factor >= 0 && factor < Number.POSITIVE_INFINITY) {
      return factor;
    }
    throw argumentError(
      'fit, schedule',
      `'${this.#schedule.kind}' to give a finite number of 0 or more at step ${moment.step + 1}`,
      factor,
    );
  }

  /** Throws ERR_ARGUMENT unless the number that the schedule watches is among these. */
  check(measures: Measures): void {
    const { monitor } = this.#schedule;
    if (monitor !== undefined) monitored('fit, schedule', monitor, measures);
  }

  /** Takes the numbers of an epoch that has ended. */
  observe(measures: Measures): void {
    this.#state = this.#schedule.observe?.(this.#state, measures) ?? this.#state;
  }

  /** Plain data. */
  state(): ScheduleState {
    return { ...this.#state };
  }

  /**
   * Goes on from there.
   * @throws ERR_ARGUMENT unless `state` is one of such a schedule
   */
  restore(state: unknown): void {
    const known = Object.keys(this.#schedule.initial ?? {});
    const given = (typeof state === 'object' && state !== null ? state : {}) as ScheduleState;
    const fits =
      typeof state === 'object' &&
      Object.keys(given).length === known.length &&
      known.every((key) => Object.hasOwn(given, key) && isStateNumber(given[key]));
    if (!fits) {
      throw new StridenetError(
        'ERR_ARGUMENT',
        `[fit, schedule] ${show(state)} is no state of the schedule '${this.#schedule.kind}'`,
      );
    }
    this.#state = Object.fromEntries(known.map((key) => [key, given[key] as number | null]));
  }
}

function isStateNumber(value: unknown): boolean {
  return value === null || (typeof value === 'number' && Number.isFinite(value));
}
