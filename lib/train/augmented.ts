import type { Augmentations } from '../augmentations/compiled.ts';
import type { GraphVariable, Tracer } from '../graph/graph.ts';
import { cast } from '../ops/cast.ts';
import { argmax } from '../ops/extremum.ts';
import type { Variable } from '../ops/operator.ts';
import type { Tensor } from '../tensor.ts';
import type { Batches, BatchSource, TracedBatch } from './batches.ts';

/**
 * The batches of a source, augmented within the Program. What is drawn for a batch is a function of
 * the seed, the epoch and its number in it, so training goes on from any cursor as if it had never
 * stopped.
 */
export class AugmentedBatches implements BatchSource {
  readonly batchSize: number;
  readonly targets: Tensor;
  readonly #source: BatchSource;
  readonly #seed: number;
  readonly #augmentations: Augmentations;
  #epoch = 0;
  #taken = 0;

  constructor(source: BatchSource, augmentations: Augmentations, seed: number) {
    this.#source = source;
    this.#augmentations = augmentations;
    this.#seed = seed;
    this.batchSize = source.batchSize;
    this.targets = source.targets;
  }

  get samplesPerEpoch(): number | null {
    return this.#source.samplesPerEpoch;
  }

  get stepsPerEpoch(): number | null {
    return this.#source.stepsPerEpoch;
  }

  trace(tracer: Tracer): TracedBatch {
    const { x, y, states } = this.#source.trace(tracer);
    const inputs = this.#augmentations
      .inputs(this.batchSize)
      .map((spec): GraphVariable => tracer.input(spec, 'feed', 'augmentation'));
    const changed = this.#augmentations.trace({ x, y }, inputs);
    const targets = changed.y as Variable;
    const labels =
      targets.dtype === y.dtype ? targets : cast(argmax(targets, { axis: 1 }), y.dtype);
    return { x: changed.x as Variable, y: targets, labels, states };
  }

  async begin(epoch: number, skip: number): Promise<void> {
    this.#epoch = epoch;
    this.#taken = skip;
    await this.#source.begin(epoch, skip);
  }

  async peek(most: number, least?: number): Promise<Batches | null> {
    const batches = await this.#source.peek(most, least);
    if (batches === null) return null;
    const { sizes, feeds } = batches;
    const from = { seed: this.#seed, epoch: this.#epoch, step: this.#taken + 1 };
    const drawn = this.#augmentations.feeds(from, sizes, this.batchSize);
    return { sizes, feeds: [...feeds, ...drawn] };
  }

  take(batches: number): void {
    this.#taken += batches;
    this.#source.take(batches);
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}
