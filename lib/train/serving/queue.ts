import { StridenetError } from '../../errors.ts';
import { elementCount } from '../../shape.ts';
import { allocate, Tensor } from '../../tensor.ts';
import type { Settled } from '../parameterStore.ts';
import { disposedError } from '../stop.ts';
import type { BatchingOptions } from './options.ts';
import type { Predictors } from './predictors.ts';

/** A prediction that somebody waits for. */
interface Request {
  readonly samples: Tensor;
  readonly scale: number;
  /** Milliseconds, when it was asked for. */
  readonly since: number;
  readonly resolve: (output: Tensor) => void;
  readonly reject: (error: unknown) => void;
  /** Nobody waits any more: it was aborted. */
  dropped: boolean;
}

/** What waits. */
export interface Queued {
  /** Calls of `predict` that wait. */
  readonly requests: number;
  /** Of their samples. */
  readonly bytes: number;
}

/**
 * Predictions of one network. One run computes at a time; what is asked for meanwhile waits, and
 * then as many requests as fit into a batch are computed together. A sample's result does not depend
 * on the others, so each caller has the bits that it would have alone.
 */
export class PredictionQueue {
  readonly #predictors: Predictors;
  readonly #settled: () => Promise<Settled>;
  readonly #limits: Required<BatchingOptions>;
  #waiting: Request[] = [];
  #bytes = 0;
  #running: readonly Request[] = [];
  #working = false;
  #disposed = false;
  /** Ends a wait for more requests. */
  #wake: (() => void) | null = null;

  /** @param settled the parameters at the next moment when no training step is under way */
  constructor(
    predictors: Predictors,
    settled: () => Promise<Settled>,
    limits: Required<BatchingOptions>,
  ) {
    this.#predictors = predictors;
    this.#settled = settled;
    this.#limits = limits;
  }

  get queued(): Queued {
    return { requests: this.#waiting.length, bytes: this.#bytes };
  }

  /**
   * The network's output for these samples, which are copied.
   * @throws ERR_QUEUE_FULL when too many wait; ERR_ABORTED when the signal fires, ERR_DISPOSED when
   *   the network is disposed of, at once in either case
   */
  async predict(samples: Tensor, scale: number, signal: AbortSignal | null): Promise<Tensor> {
    if (signal?.aborted) throw aborted(signal);
    this.#expectRoom(samples);
    return new Promise((resolve, reject) => {
      const end = (): void => signal?.removeEventListener('abort', abort);
      const request: Request = {
        ...{ samples: samples.clone(), scale, since: performance.now(), dropped: false },
        resolve: (output) => {
          end();
          resolve(output);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      const abort = (): void => {
        this.#drop(request);
        request.reject(aborted(signal as AbortSignal));
      };
      signal?.addEventListener('abort', abort);
      this.#waiting.push(request);
      this.#bytes += bytesOf(request);
      this.#wakeWhenFull();
      void this.#work();
    });
  }

  /** Rejects what waits and what is under way, and frees the Programs. */
  dispose(): void {
    this.#disposed = true;
    const open = [...this.#running, ...this.#waiting.splice(0)];
    this.#bytes = 0;
    this.#wake?.();
    this.#predictors.dispose();
    for (const request of open) request.reject(disposedError('predict'));
  }

  #expectRoom(samples: Tensor): void {
    const { maxQueued, maxQueuedBytes } = this.#limits;
    const waiting = this.#waiting.length;
    const bytes = this.#bytes + samples.data.byteLength;
    if (waiting < maxQueued && (waiting === 0 || bytes <= maxQueuedBytes)) return;
    const limit =
      waiting >= maxQueued
        ? `${waiting} requests wait already (maxQueued: ${maxQueued})`
        : `the samples that wait would take ${bytes} bytes (maxQueuedBytes: ${maxQueuedBytes})`;
    throw new StridenetError(
      'ERR_QUEUE_FULL',
      `[predict] ${limit}: ask again later, or refuse the request`,
    );
  }

  #drop(request: Request): void {
    request.dropped = true;
    const at = this.#waiting.indexOf(request);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      this.#bytes -= bytesOf(request);
    } else if (this.#running.every(({ dropped }) => dropped)) {
      this.#predictors.cancel();
    }
  }

  /** Computes what waits until nothing does. */
  async #work(): Promise<void> {
    if (this.#working) return;
    this.#working = true;
    try {
      while (this.#waiting.length > 0) await this.#computeNext();
    } finally {
      this.#working = false;
    }
  }

  async #computeNext(): Promise<void> {
    await this.#gather();
    let settled: Settled;
    try {
      settled = await this.#settled();
    } catch (error) {
      for (const request of this.#takeAll()) request.reject(error);
      return;
    }
    const group = this.#takeGroup();
    if (group.length === 0) return;
    this.#running = group;
    await this.#compute(group, settled);
    this.#running = [];
  }

  /** Waits for more requests where it was asked to. */
  async #gather(): Promise<void> {
    const oldest = this.#waiting[0];
    const { maxWait } = this.#limits;
    if (oldest === undefined || maxWait === 0 || this.#isFull()) return;
    const left = oldest.since + maxWait - performance.now();
    if (left <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = null;
  }

  #isFull(): boolean {
    let samples = 0;
    for (const request of this.#waiting) samples += countOf(request);
    return samples >= this.#predictors.mostSamples;
  }

  #wakeWhenFull(): void {
    if (this.#wake !== null && this.#isFull()) this.#wake();
  }

  #takeAll(): Request[] {
    this.#bytes = 0;
    return this.#waiting.splice(0);
  }

  /** The first request, with those after it that one batch can take and that are alike. */
  #takeGroup(): Request[] {
    const [first, ...others] = this.#waiting;
    if (first === undefined) return [];
    const most = this.#predictors.mostSamples;
    let samples = countOf(first);
    const group = [first];
    for (const request of others) {
      const alike = request.samples.dtype === first.samples.dtype && request.scale === first.scale;
      if (!alike || samples + countOf(request) > most) continue;
      group.push(request);
      samples += countOf(request);
    }
    const taken = new Set(group);
    this.#waiting = this.#waiting.filter((request) => !taken.has(request));
    for (const request of group) this.#bytes -= bytesOf(request);
    return group;
  }

  /** Settles all requests of the group. Where computing them together fails, each is tried alone. */
  async #compute(group: readonly Request[], settled: Settled): Promise<void> {
    const [first, second] = group as [Request, Request?];
    try {
      const output = await this.#predictors.predict(joined(group), first.scale, settled);
      if (second === undefined) first.resolve(output);
      else share(output, group);
    } catch (error) {
      if (second === undefined) first.reject(error);
      else for (const request of group) await this.#computeAlone(request, settled);
    }
  }

  async #computeAlone(request: Request, settled: Settled): Promise<void> {
    if (request.dropped || this.#disposed) return;
    await this.#compute([request], settled);
  }
}

function aborted(signal: AbortSignal): StridenetError {
  const options = { cause: signal.reason };
  return new StridenetError('ERR_ABORTED', '[predict] stopped by its signal', options);
}

function countOf({ samples }: Request): number {
  return samples.shape[0] as number;
}

function bytesOf({ samples }: Request): number {
  return samples.data.byteLength;
}

/** The samples of all requests, one after the other. */
function joined(group: readonly Request[]): Tensor {
  const [first, second] = group as [Request, Request?];
  if (second === undefined) return first.samples;
  const { dtype, shape } = first.samples;
  const count = group.reduce((sum, request) => sum + countOf(request), 0);
  const all = [count, ...shape.slice(1)];
  const data = allocate(dtype, elementCount(all));
  let at = 0;
  for (const { samples } of group) {
    data.set(samples.data, at);
    at += samples.size;
  }
  return new Tensor(data, all, dtype);
}

/** Gives every request its rows of the output. */
function share(output: Tensor, group: readonly Request[]): void {
  const { dtype } = output;
  const row = output.shape.slice(1);
  const width = elementCount(row);
  let at = 0;
  for (const request of group) {
    const count = countOf(request);
    const data = output.data.slice(at * width, (at + count) * width);
    request.resolve(new Tensor(data, [count, ...row], dtype));
    at += count;
  }
}
