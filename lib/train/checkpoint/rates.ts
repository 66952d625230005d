import type { Optimizer } from '../../optimizers/optimizer.ts';
import type { ScheduleRun } from '../../schedules/run.ts';
import type { Schedule } from '../../schedules/schedule.ts';
import { listAt, numberAt, objectAt, toJson } from './json.ts';
import type { Resumable } from './part.ts';

/**
 * The learning rates of optimizers as they are now: callbacks may have set them. A rate that an
 * optimizer was made with, and that is another than that of the checkpoint, is kept.
 */
export class Rates implements Resumable {
  readonly #optimizers: readonly Optimizer[];

  constructor(optimizers: readonly Optimizer[]) {
    this.#optimizers = optimizers;
  }

  state(): unknown {
    return this.#optimizers.map(({ options, learningRate }) => ({
      made: options.learningRate ?? null,
      now: learningRate,
    }));
  }

  restore(state: unknown): void {
    const rates = listAt('rates', state).map((rate) => objectAt('rates', rate));
    const now = rates.map((rate) => numberAt('rates', rate.get('now')));
    this.#optimizers.forEach((optimizer, i) => {
      const made = optimizer.options.learningRate ?? null;
      if (rates[i]?.get('made') === made) optimizer.learningRate = now[i] as number;
    });
  }
}

/** What a schedule has learned; what another schedule has learned is nothing to it. */
export class LearnedSchedule implements Resumable {
  readonly #schedule: Schedule;
  readonly #run: ScheduleRun;

  constructor(schedule: Schedule, run: ScheduleRun) {
    this.#schedule = schedule;
    this.#run = run;
  }

  state(): unknown {
    const { kind, options } = this.#schedule;
    return { of: { kind, options }, learned: this.#run.state() };
  }

  restore(state: unknown): void {
    const { kind, options } = this.#schedule;
    const kept = objectAt('schedule', state);
    if (toJson(kept.get('of') ?? null) !== toJson({ kind, options })) return;
    this.#run.restore(kept.get('learned'));
  }
}
