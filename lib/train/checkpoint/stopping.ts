import type { Tensor } from '../../tensor.ts';
import type { EarlyStopping } from '../earlyStopping.ts';
import { objectAt } from './json.ts';
import type { Resumable } from './part.ts';

/** What early stopping knows, with the best parameters; that of another number is nothing to it. */
export class KeptStopping implements Resumable {
  readonly #stopping: EarlyStopping;

  constructor(stopping: EarlyStopping) {
    this.#stopping = stopping;
  }

  state(): unknown {
    const { monitor, mode } = this.#stopping.settings;
    return { monitor, mode, watched: this.#stopping.state() };
  }

  tensors(): ReadonlyMap<string, Tensor> {
    return this.#stopping.best ?? new Map();
  }

  restore(state: unknown, tensors: ReadonlyMap<string, Tensor>): void {
    const kept = objectAt('earlyStopping', state);
    const { monitor, mode, restoreBest } = this.#stopping.settings;
    if (kept.get('monitor') !== monitor || kept.get('mode') !== mode) return;
    const values = restoreBest && tensors.size > 0 ? tensors : null;
    this.#stopping.restore(kept.get('watched'), values);
  }
}
