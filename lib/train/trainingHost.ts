import type { Loss } from '../losses/index.ts';
import type { Tensor } from '../tensor.ts';
import type { Architecture } from './architecture.ts';
import type { RunSettings } from './evaluator.ts';
import type { Trainer } from './trainer.ts';

/** A network as its training sees it. */
export interface TrainingHost {
  readonly architecture: Architecture;
  readonly settings: RunSettings;
  /** Fires when the network is disposed of. */
  readonly disposal: AbortSignal;
  /** Takes the network for training by this loss. Throws ERR_BUSY when it is taken. */
  begin(loss: Loss, make: (values: ReadonlyMap<string, Tensor>) => Trainer): Trainer;
  /** Runs steps; what users asked for meanwhile happens after them. */
  running<T>(body: () => Promise<T>): Promise<T>;
  /** Gives the network back with its new parameters, and disposes of the trainer. */
  end(trainer: Trainer): void;
  /** The parameters as of now, in memory that nobody changes. */
  values(): ReadonlyMap<string, Tensor>;
  /** Replaces parameters between runs. */
  replace(values: ReadonlyMap<string, Tensor>): void;
}
