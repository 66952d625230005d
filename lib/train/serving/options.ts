import { checkNumber, checkOptions } from '../../errors.ts';
import { checkInteger } from '../../shape.ts';

/** How predictions that are asked for while the network computes others are put together. */
export interface BatchingOptions {
  /** Samples of several requests that are computed together at most; default 256. */
  maxBatch?: number;
  /**
   * Milliseconds that a request waits for others when the network is free, unless maxBatch samples
   * are there before; default 0.
   */
  maxWait?: number;
  /** Requests that may wait; default 1024. */
  maxQueued?: number;
  /** Bytes of samples that may wait; a single request may be larger. Default 256 MiB. */
  maxQueuedBytes?: number;
}

/** The options with their defaults. Throws ERR_ARGUMENT for one that is none or out of range. */
export function checkBatching(where: string, options: BatchingOptions): Required<BatchingOptions> {
  const at = `${where}, batching`;
  checkOptions(at, options, ['maxBatch', 'maxWait', 'maxQueued', 'maxQueuedBytes']);
  const { maxBatch = 256, maxWait = 0, maxQueued = 1024, maxQueuedBytes = 2 ** 28 } = options;
  return {
    maxBatch: checkInteger(at, 'maxBatch', maxBatch, 1, 2 ** 20),
    maxWait: checkNumber(at, 'maxWait', maxWait, 0, 60_000),
    maxQueued: checkInteger(at, 'maxQueued', maxQueued, 1),
    maxQueuedBytes: checkInteger(at, 'maxQueuedBytes', maxQueuedBytes, 0),
  };
}
