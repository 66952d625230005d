import type { Executable } from '../backends/backend.ts';
import type { TypedArray } from '../tensor.ts';

/** Copies of feeds that are kept for further waiting calls: so many, and so many bytes of them. */
const maxSpare = 64;
const maxSpareBytes = 16 * 2 ** 20;

/** A call that waits for the end of another one, with copies of its feeds. */
interface Waiting {
  readonly feeds: readonly TypedArray[];
  readonly into: readonly TypedArray[] | undefined;
  resolve(fetches: Promise<readonly TypedArray[]>): void;
}

/**
 * One Program and the calls of it, which are run one after the other in the order in which they come.
 * Feeds may be changed once `run` has returned; those of calls that wait are copied into memory that
 * is used again.
 */
export class Calls {
  readonly program: Executable;
  readonly #onIdle: () => void;
  readonly #waiting: Waiting[] = [];
  readonly #spare: (readonly TypedArray[])[] = [];
  #running = false;

  /** @param onIdle called when no call is left */
  constructor(program: Executable, onIdle: () => void) {
    this.program = program;
    this.#onIdle = onIdle;
  }

  /** Whether no call is under way or waits. */
  get idle(): boolean {
    return !this.#running;
  }

  /** The fetches of one step. Rejects with what the run throws. */
  run(
    feeds: readonly TypedArray[],
    into: readonly TypedArray[] | undefined,
  ): Promise<readonly TypedArray[]> {
    if (!this.#running) return this.#start(feeds, into);
    const copies = this.#copy(feeds);
    return new Promise((resolve) => {
      this.#waiting.push({ feeds: copies, into, resolve });
    });
  }

  async #start(
    feeds: readonly TypedArray[],
    into: readonly TypedArray[] | undefined,
  ): Promise<readonly TypedArray[]> {
    this.#running = true;
    try {
      const request = { steps: 1, feeds };
      const run = this.program.run(into === undefined ? request : { ...request, into });
      return (await run).fetches;
    } finally {
      this.#running = false;
      this.#next();
    }
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#spare.length = Math.min(this.#spare.length, this.#kept(this.#spare[0] ?? []));
      this.#onIdle();
      return;
    }
    next.resolve(this.#start(next.feeds, next.into));
    this.#spare.push(next.feeds);
  }

  #copy(feeds: readonly TypedArray[]): readonly TypedArray[] {
    const spare = this.#spare.pop();
    if (spare === undefined) return feeds.map((feed) => feed.slice());
    spare.forEach((array, i) => {
      array.set(feeds[i] as TypedArray);
    });
    return spare;
  }

  #kept(feeds: readonly TypedArray[]): number {
    const bytes = feeds.reduce((sum, { byteLength }) => sum + byteLength, 0);
    return Math.max(1, Math.min(maxSpare, Math.floor(maxSpareBytes / Math.max(1, bytes))));
  }
}
