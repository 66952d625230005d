import type { Tensor } from '../../tensor.ts';

/** What a training keeps from step to step besides its trainer's states. */
export interface Resumable {
  /** Plain data; numbers may be infinite or NaN. */
  state(): unknown;
  /**
   * Goes on from there; what it throws is the file's fault.
   * @param tensors those that `tensors` gave
   */
  restore(state: unknown, tensors: ReadonlyMap<string, Tensor>): void;
  /**
   * Values of states of the trainer by their names, as those of the best epoch: checkpoints keep them
   * as they are, so they must not change any more.
   */
  tensors?(): ReadonlyMap<string, Tensor>;
}

/** Parts by the names that checkpoints know them by. */
export type Parts = ReadonlyMap<string, Resumable>;
