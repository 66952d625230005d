import { checkNumber, checkOptions } from '../errors.ts';
import { checkInteger } from '../shape.ts';
import { isBetter, type MonitorOptions, monitored, monitorOf } from './monitor.ts';
import type { Schedule } from './schedule.ts';

/** Settings of `plateau`. */
export interface PlateauOptions extends MonitorOptions {
  /** Of the rate each time; below 1, default 0.1. */
  factor?: number;
  /** Epochs without an improvement that are waited for before it falls; default 10. */
  patience?: number;
  /** What an improvement must be more than; default 1e-4. */
  minDelta?: number;
  /** `minDelta` is a share of the best value; default false. */
  relative?: boolean;
  /** Epochs after a fall that do not count; default 0. */
  cooldown?: number;
  /** The least factor; default 0. */
  minimum?: number;
}

/**
 * The rate falls when a number has not improved for more than `patience` epochs; as PyTorch's
 * ReduceLROnPlateau (with threshold_mode 'abs', unless `relative`).
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function plateau(options: PlateauOptions = {}): Schedule {
  const kind = 'plateau';
  const own = ['factor', 'patience', 'relative', 'cooldown', 'minimum'];
  checkOptions(kind, options, ['monitor', 'mode', 'minDelta', ...own]);
  const watched = monitorOf(kind, options, 1e-4);
  const factor = checkNumber(kind, 'factor', options.factor ?? 0.1, 0, 1);
  const patience = checkInteger(kind, 'patience', options.patience ?? 10, 0);
  const cooldown = checkInteger(kind, 'cooldown', options.cooldown ?? 0, 0);
  const minimum = checkNumber(kind, 'minimum', options.minimum ?? 0, 0, 1);
  return {
    kind,
    options: { ...watched, factor, patience, cooldown, minimum },
    monitor: watched.monitor,
    initial: { factor: 1, best: null, waited: 0, cooling: 0 },
    factor: (_, state) => state.factor as number,
    observe(state, measures) {
      const value = monitored(kind, watched.monitor, measures);
      const better = isBetter(watched, value, state.best as number | null);
      const best = better ? value : (state.best as number | null);
      const cooling = Math.max(0, (state.cooling as number) - 1);
      const counts = !better && state.cooling === 0;
      const waited = counts ? (state.waited as number) + 1 : 0;
      if (waited <= patience) return { factor: state.factor as number, best, waited, cooling };
      const fallen = Math.max(minimum, (state.factor as number) * factor);
      return { factor: fallen, best, waited: 0, cooling: cooldown };
    },
  };
}
