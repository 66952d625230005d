import { argumentError, checkBoolean, checkOptions, show } from '../errors.ts';
import {
  isBetter,
  type Monitor,
  type MonitorOptions,
  monitored,
  monitorOf,
} from '../schedules/monitor.ts';
import type { Measures } from '../schedules/schedule.ts';
import { checkInteger } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** When training ends before its time. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without an improvement after which training ends; default 10. */
  patience?: number;
  /**
   * The network has the parameters of the best epoch when training has ended, early or not; not when
   * it was aborted or left by `break`. Default true.
   */
  restoreBest?: boolean;
}

/** The settings, checked. */
export interface StoppingSettings extends Monitor {
  readonly patience: number;
  readonly restoreBest: boolean;
}

/** Throws ERR_ARGUMENT for a setting that is none. */
export function checkEarlyStopping(options: EarlyStoppingOptions): StoppingSettings {
  const where = 'fit, earlyStopping';
  checkOptions(where, options, ['monitor', 'mode', 'minDelta', 'patience', 'restoreBest']);
  const { monitor, mode, minDelta, patience = 10, restoreBest = true } = options;
  const watched = {
    ...(monitor === undefined ? {} : { monitor }),
    ...(mode === undefined ? {} : { mode }),
    ...(minDelta === undefined ? {} : { minDelta }),
  };
  return {
    ...monitorOf(where, watched),
    patience: checkInteger(where, 'patience', patience, 1),
    restoreBest: checkBoolean(where, 'restoreBest', restoreBest),
  };
}

/** What early stopping knows of the epochs so far: plain data, as checkpoints keep it. */
export interface StoppingState {
  /** The best epoch, counted from 1, and its number; null before there is one. */
  readonly epoch: number | null;
  readonly value: number | null;
  /** Epochs since then. */
  readonly waited: number;
}

/** Watches a number from epoch to epoch, and keeps the parameters of the best. */
export class EarlyStopping {
  readonly settings: StoppingSettings;
  #state: StoppingState = { epoch: null, value: null, waited: 0 };
  #values: ReadonlyMap<string, Tensor> | null = null;

  constructor(settings: StoppingSettings) {
    this.settings = settings;
  }

  /** Throws ERR_ARGUMENT unless the number that is watched is among these. */
  check(measures: Measures): void {
    monitored('fit, earlyStopping', this.settings.monitor, measures);
  }

  /**
   * Takes the numbers of an epoch that has ended.
   * @param values gives its parameters, in memory that nobody changes
   */
  observe(epoch: number, measures: Measures, values: () => ReadonlyMap<string, Tensor>): void {
    const value = monitored('fit, earlyStopping', this.settings.monitor, measures);
    if (!isBetter(this.settings, value, this.#state.value)) {
      this.#state = { ...this.#state, waited: this.#state.waited + 1 };
      return;
    }
    this.#state = { epoch, value, waited: 0 };
    if (this.settings.restoreBest) this.#values = values();
  }

  /** Whether training is to end. */
  get stops(): boolean {
    return this.#state.waited >= this.settings.patience;
  }

  /** The parameters to end with; null where those of the last step stay. */
  get best(): ReadonlyMap<string, Tensor> | null {
    return this.#values;
  }

  state(): StoppingState {
    return this.#state;
  }

  /**
   * Goes on from there.
   * @param values what `best` was
   * @throws ERR_ARGUMENT unless `state` is one of early stopping
   */
  restore(state: unknown, values: ReadonlyMap<string, Tensor> | null): void {
    const { epoch, value, waited } = (state ?? {}) as Partial<StoppingState>;
    const none = epoch === null && value === null;
    const fits = Number.isInteger(waited) && (waited as number) >= 0;
    if (!fits || !(none || (Number.isInteger(epoch) && typeof value === 'number'))) {
      throw argumentError('fit, earlyStopping', 'a state as it gave', show(state));
    }
    this.#state = { epoch, value, waited } as StoppingState;
    this.#values = values;
  }
}
