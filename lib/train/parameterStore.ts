import type { Tensor } from '../tensor.ts';
import type { Trainer } from './trainer.ts';

/** Share of the time that copying parameters out of a trainer may take. */
const maxCopyShare = 0.05;

/** Values and the version that they are of. */
export interface Settled {
  readonly values: ReadonlyMap<string, Tensor>;
  readonly version: number;
}

/**
 * The parameters of a network, in training or not; drawn when they are first asked for. A trainer's
 * own values can be read and written only between its runs: what must see or change them then waits
 * for that moment and is done in the order in which it was asked for.
 */
export class ParameterStore {
  /** Changes with every change of a value. */
  version = 0;
  #values: Map<string, Tensor>;
  /** Completes the values; null once it has. */
  #draw: ((given: ReadonlyMap<string, Tensor>) => Map<string, Tensor>) | null;
  #trainer: Trainer | null = null;
  #busy = false;
  /** The trainer has run since its values were copied. */
  #stale = false;
  /** The values were drawn or are a trainer's, and nobody has them: a copy may take their memory. */
  #owned = false;
  #waiting: (() => void)[] = [];
  #copied = 0;
  #copyMilliseconds = 0;

  /**
   * @param draw makes all values, with the given ones among them
   * @param given those that need not be drawn
   */
  constructor(
    draw: (given: ReadonlyMap<string, Tensor>) => Map<string, Tensor>,
    given: Map<string, Tensor>,
  ) {
    this.#draw = draw;
    this.#values = given;
  }

  get training(): boolean {
    return this.#trainer !== null;
  }

  /**
   * The values as last known: exact outside of training and between runs; during one as after the
   * run before, or a little older when copying them takes long.
   */
  get latest(): ReadonlyMap<string, Tensor> {
    return this.lend(() => this.#given());
  }

  /** The latest values, for what keeps none of them. */
  lend<T>(body: (values: ReadonlyMap<string, Tensor>) => T): T {
    if (!this.#busy) this.#refresh();
    return body(this.#values);
  }

  /** The values at the next moment when no step is under way, and their version. */
  settled(): Promise<Settled> {
    return new Promise((resolve, reject) => {
      this.#whenIdle(() => {
        try {
          this.#refresh();
          resolve({ values: this.#given(), version: this.version });
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  /** Replaces these values and no others. */
  replace(changes: ReadonlyMap<string, Tensor>): void {
    if (!this.#busy) this.#copy();
    this.#values = new Map([...this.#given(), ...changes]);
    this.version++;
    this.#whenIdle(() => {
      if (this.#trainer === null) return;
      this.#trainer.write(changes);
      this.#stale = true;
      this.version++;
    });
  }

  /** From here on the values are the trainer's. */
  attach(trainer: Trainer): void {
    this.#trainer = trainer;
  }

  /** Runs steps of the trainer, then does what waited for them. */
  async running<T>(body: () => Promise<T>): Promise<T> {
    this.#busy = true;
    this.#stale = true;
    try {
      return await body();
    } finally {
      this.#busy = false;
      this.version++;
      for (const task of this.#waiting.splice(0)) task();
      const since = performance.now() - this.#copied;
      if (this.#copyMilliseconds <= maxCopyShare * since) this.#copy();
    }
  }

  /** Takes the values from the trainer for good. */
  detach(): void {
    this.#copy();
    this.#trainer = null;
  }

  #whenIdle(task: () => void): void {
    if (this.#busy) this.#waiting.push(task);
    else task();
  }

  #given(): ReadonlyMap<string, Tensor> {
    this.#owned = false;
    return this.#values;
  }

  /** The values are drawn, and those of the trainer. */
  #refresh(): void {
    if (this.#draw !== null) {
      this.#owned = this.#values.size === 0;
      this.#values = this.#draw(this.#values);
      this.#draw = null;
    }
    this.#copy();
  }

  #copy(): void {
    if (this.#trainer === null || !this.#stale) return;
    const start = performance.now();
    this.#values = this.#trainer.read(this.#owned ? this.#values : undefined);
    this.#owned = true;
    this.#stale = false;
    this.#copied = performance.now();
    this.#copyMilliseconds = this.#copied - start;
  }
}
