import { isBetter, type Monitor, monitored } from '../../schedules/monitor.ts';
import type { Measures } from '../../schedules/schedule.ts';
import { numberAt, objectAt } from './json.ts';
import type { Resumable } from './part.ts';

const where = 'fit, checkpoint, keepBest';

/** The best value of a number of epochs. */
export class BestEpoch implements Resumable {
  readonly #monitor: Monitor;
  #best: number | null = null;

  constructor(monitor: Monitor) {
    this.#monitor = monitor;
  }

  /** Throws ERR_ARGUMENT unless the watched number is among these. */
  check(measures: Measures): void {
    monitored(where, this.#monitor.monitor, measures);
  }

  /** Takes the numbers of an epoch and tells whether it is better than all before it. */
  observe(measures: Measures): boolean {
    const value = monitored(where, this.#monitor.monitor, measures);
    const better = isBetter(this.#monitor, value, this.#best);
    if (better) this.#best = value;
    return better;
  }

  state(): unknown {
    const { monitor, mode } = this.#monitor;
    return { monitor, mode, best: this.#best };
  }

  /** That of another number, or of none, is none of this one. */
  restore(state: unknown): void {
    const kept = objectAt('best', state);
    const { monitor, mode } = this.#monitor;
    if (kept.get('monitor') !== monitor || kept.get('mode') !== mode) return;
    const best = kept.get('best');
    this.#best = best === null ? null : numberAt('best', best);
  }
}
