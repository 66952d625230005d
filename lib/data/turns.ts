import { setImmediate } from 'node:timers/promises';

/** Milliseconds of reading before other work on JavaScript's thread has its turn. */
const turn = 5;

/** For loops over values that may all be there at once: lets other work have its turn in between. */
export class Turns {
  #start = performance.now();

  /** A promise to wait for when it is time; else null. */
  next(): Promise<void> | null {
    if (performance.now() - this.#start < turn) return null;
    return setImmediate().then(() => {
      this.#start = performance.now();
    });
  }
}
