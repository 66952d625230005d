import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { writeAtomically } from '../../data/atomicFile.ts';
import type { Tensor } from '../../tensor.ts';
import type { Description } from '../description.ts';
import type { CheckpointEvent } from '../events.ts';
import type { Cursor } from '../trainer.ts';
import { bestName, checkpointName, prune } from './folder.ts';
import { checkpointParts, type TrainingRecord } from './format.ts';
import type { CheckpointSettings } from './options.ts';

/** Milliseconds that a file which is given up may take: it may be in the hands of the system. */
const patience = 5;

/** What a checkpoint is made of. */
export interface Snapshot {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly description: Description;
  readonly record: TrainingRecord;
}

/**
 * Writes checkpoints while training goes on, one at a time: what is asked for meanwhile waits for
 * the one before. What a write throws comes out of the next call.
 */
export class CheckpointWriter {
  readonly #settings: CheckpointSettings;
  readonly #snapshot: (cursor: Cursor) => Snapshot;
  #writing: Promise<void> = Promise.resolve();
  #busy = false;
  #failure: unknown = null;
  readonly #end = new AbortController();
  readonly #ended: Promise<void>;
  #written: CheckpointEvent[] = [];
  #last: Cursor | null;
  #lastTime = performance.now();

  /**
   * @param snapshot copies all that a checkpoint needs; it is called again when that is written
   * @param last where the checkpoint is that the training goes on from, null for none
   */
  constructor(
    settings: CheckpointSettings,
    snapshot: (cursor: Cursor) => Snapshot,
    last: Cursor | null,
  ) {
    this.#settings = settings;
    this.#snapshot = snapshot;
    this.#last = last;
    this.#ended = new Promise((resolve) => {
      this.#end.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** How many steps may be done at once from here on. */
  stepsUntilDue(step: number): number {
    const { everySteps } = this.#settings;
    return Number.isFinite(everySteps) ? everySteps - (step % everySteps) : everySteps;
  }

  /** Whether one is to be written when this epoch has ended. */
  isDueAfterEpoch(epoch: number): boolean {
    return epoch % this.#settings.everyEpochs === 0;
  }

  /** Writes one if it is time, between two runs of steps. Throws what a write threw. */
  async afterSteps(cursor: Cursor): Promise<void> {
    this.#check();
    const { everySteps, everySeconds } = this.#settings;
    const late = performance.now() - this.#lastTime >= 1000 * everySeconds && !this.#busy;
    const due = Number.isFinite(everySteps) && cursor.step % everySteps === 0;
    if ((due || late) && cursor.step !== this.#last?.step) await this.write(cursor);
  }

  /** What a checkpoint of this moment would hold; nothing may be being written. */
  take(cursor: Cursor): Snapshot {
    const { record, ...rest } = this.#snapshot(cursor);
    // What parts give is of this moment alone.
    return { ...rest, record: { ...record, parts: structuredClone(record.parts) } };
  }

  /**
   * Writes one if it is time, after an epoch.
   * @param cursor at the beginning of the next one
   * @param regular whether it may be another than that of the best epoch
   * @param better whether no epoch before was as good
   * @param taken what it is to hold; null: what there is now
   */
  async afterEpoch(
    cursor: Cursor,
    regular: boolean,
    better: boolean,
    taken: Snapshot | null,
  ): Promise<void> {
    this.#check();
    const due = regular && this.isDueAfterEpoch(cursor.epoch - 1);
    const names = [...(due ? [checkpointName(cursor.step)] : []), ...(better ? [bestName] : [])];
    if (names.length > 0) await this.write(cursor, names, taken);
  }

  /**
   * Begins to write one, when the one before has been written; not when that was given up. Throws
   * what that threw.
   */
  async write(
    cursor: Cursor,
    names = [checkpointName(cursor.step)],
    taken: Snapshot | null = null,
  ): Promise<void> {
    await Promise.race([this.settle(), this.#ended]);
    if (this.#end.signal.aborted) return;
    if (names[0] !== bestName) {
      this.#last = cursor;
      this.#lastTime = performance.now();
    }
    this.#busy = true;
    this.#writing = this.#write(taken ?? this.#snapshot(cursor), names)
      .catch((error) => {
        if (!this.#end.signal.aborted) this.#failure = error;
      })
      .finally(() => {
        this.#busy = false;
      });
  }

  /** Writes one unless the last one was there, and waits until all is written. Throws what that threw. */
  async finish(cursor: Cursor): Promise<void> {
    if (!isDeepStrictEqual(cursor, this.#last)) await this.write(cursor);
    await this.settle();
  }

  /** Waits for what is being written. Throws what it threw. */
  async settle(): Promise<void> {
    await this.#writing;
    this.#check();
  }

  /** Gives up what is being written, if anything is: what waits for it goes on at once. */
  stop(): void {
    this.#end.abort();
  }

  /** Waits until what was given up has no file open, but no longer than some milliseconds. */
  async stopped(): Promise<void> {
    this.stop();
    await Promise.race([this.#writing, setTimeout(patience, undefined, { ref: false })]);
  }

  /** What was written since the last call. */
  told(): CheckpointEvent[] {
    return this.#written.splice(0);
  }

  #check(): void {
    if (this.#failure === null) return;
    const error = this.#failure;
    this.#failure = null;
    throw error;
  }

  async #write(
    { tensors, description, record }: Snapshot,
    names: readonly string[],
  ): Promise<void> {
    const { directory, keep } = this.#settings;
    const { signal } = this.#end;
    const { step, epoch } = record.cursor;
    let start = performance.now();
    const parts = await checkpointParts(tensors, description, record, signal);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    for (const name of names) {
      const path = join(directory, name);
      await writeAtomically('checkpoint', path, parts, signal);
      const seconds = (performance.now() - start) / 1000;
      const best = name === bestName;
      this.#written.push({ type: 'checkpoint', path, step, epoch, best, bytes, seconds });
      start = performance.now();
    }
    await prune(directory, step, keep);
  }
}
