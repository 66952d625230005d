import { closeQuietly } from '../data/pipeline/iterate.ts';
import { type Item, nextKept, type Reader } from '../data/pipeline/reader.ts';
import type { Rows } from '../data/rows.ts';
import type { Sample } from '../data/sample.ts';
import { Turns } from '../data/turns.ts';

/** What an assembly is made of. */
export interface AssemblyOptions {
  readonly reader: Reader<Sample>;
  /** Read from `reader` before the others. */
  readonly first: Item<Sample> | null;
  /** Batches that are kept ready at most. */
  readonly ahead: number;
  /** Room for one batch, which may have been used before. */
  rows(): Rows;
  /** Throws for samples that the network or the loss does not take. */
  check(rows: Rows, indices: readonly number[]): void;
}

/**
 * Puts the samples of one pass into batches, in the background: while others are trained on, and
 * up to a bound of them. The last may be smaller. Batches before an error come before the error.
 */
export class Assembly {
  /** Samples that were read so far. */
  samples = 0;
  readonly #options: AssemblyOptions;
  readonly #ready: Rows[] = [];
  /** Batches that somebody waits for. */
  #least = 1;
  #ended = false;
  #closed = false;
  #failed: { readonly error: unknown } | null = null;
  /** Those who wait for a change. */
  #waiting: (() => void)[] = [];

  constructor(options: AssemblyOptions) {
    this.#options = options;
    void this.#run();
  }

  /**
   * The batches that are ready, once there are `least`, or all that are left; none at the end, and
   * once it was closed.
   */
  async ready(least: number): Promise<readonly Rows[]> {
    this.#least = least;
    this.#changed();
    while (this.#ready.length < least && !this.#ended) await this.#change();
    if (this.#ready.length < least && this.#closed) return [];
    if (this.#ready.length === 0 && this.#failed !== null) throw this.#failed.error;
    return this.#ready;
  }

  /** Takes the first batches out, which makes room for others. */
  take(count: number): Rows[] {
    const taken = this.#ready.splice(0, count);
    this.#changed();
    return taken;
  }

  /** Whether all samples were read, without an error. */
  get complete(): boolean {
    return this.#ended && this.#failed === null;
  }

  /** Gives up what is not read; whoever waits is told of the end at once. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#ended) return;
    this.#end();
    await this.#options.reader.close();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #changed(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #end(): void {
    this.#ended = true;
    this.#changed();
  }

  async #run(): Promise<void> {
    const { reader, ahead } = this.#options;
    try {
      while (!this.#ended) {
        const rows = await this.#batch();
        if (rows === null || this.#ended) break;
        this.#ready.push(rows);
        this.#changed();
        while (this.#ready.length >= Math.max(ahead, this.#least) && !this.#ended) {
          await this.#change();
        }
      }
    } catch (error) {
      if (this.#ended) return;
      this.#failed = { error };
      await closeQuietly(reader);
    }
    this.#end();
  }

  /** The next batch; null behind the last. */
  async #batch(): Promise<Rows | null> {
    const { reader, first, rows: room, check } = this.#options;
    const rows = room();
    const indices: number[] = [];
    const turns = new Turns();
    while (rows.count < rows.capacity) {
      const next = this.samples === 0 && first !== null ? first : nextKept(reader);
      const item = next instanceof Promise ? await next : next;
      if (item === null || this.#ended) break;
      rows.add(item.value, item.index);
      indices.push(item.index);
      this.samples++;
      const turn = turns.next();
      if (turn !== null) await turn;
    }
    if (rows.count === 0) return null;
    check(rows, indices);
    return rows;
  }
}
