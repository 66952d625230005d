import { shuffledOrder } from '../data/pipeline/shuffle.ts';
import { type Samples, scaleOf } from '../data/samples.ts';
import type { Tracer } from '../graph/graph.ts';
import { gatherRows } from '../ops/gatherRows.ts';
import { Generator } from '../random.ts';
import type { Tensor } from '../tensor.ts';
import type { Architecture } from './architecture.ts';
import type { Batches, BatchSource, TracedBatch } from './batches.ts';

/** How samples in memory are cut into batches. */
export interface ResidentOptions {
  batchSize: number;
  /** Of a new order each epoch; null: the order in which they are. */
  seed: number | null;
}

/** Batches of samples in memory: states of the Program, of which a batch's rows are gathered. */
export class ResidentBatches implements BatchSource {
  readonly batchSize: number;
  readonly samplesPerEpoch: number;
  readonly stepsPerEpoch: number;
  readonly targets: Tensor;
  readonly #dtype: Architecture['dtype'];
  readonly #data: Samples;
  readonly #seed: number | null;
  #order: Int32Array = new Int32Array();
  #taken = 0;

  /** @param data fits the network, as `checkFit` says */
  constructor({ dtype }: Architecture, data: Samples, { batchSize, seed }: ResidentOptions) {
    this.#dtype = dtype;
    this.#data = data;
    this.#seed = seed;
    this.targets = data.y;
    this.samplesPerEpoch = data.x.shape[0] as number;
    this.batchSize = Math.max(1, Math.min(batchSize, this.samplesPerEpoch));
    this.stepsPerEpoch = Math.ceil(this.samplesPerEpoch / this.batchSize);
  }

  trace(tracer: Tracer): TracedBatch {
    const data = this.#data;
    const indices = tracer.input({ shape: [this.batchSize], dtype: 'int32', batched: true });
    const x = tracer.input({ shape: data.x.shape, dtype: data.x.dtype }, 'state', 'data.x');
    const y = tracer.input({ shape: data.y.shape, dtype: data.y.dtype }, 'state', 'data.y');
    return {
      x: gatherRows(x, indices, { dtype: this.#dtype, scale: scaleOf(data) }),
      y: gatherRows(y, indices),
      states: new Map([
        [x, data.x],
        [y, data.y],
      ]),
    };
  }

  async begin(epoch: number, skip: number): Promise<void> {
    this.#taken = skip;
    this.#order = new Int32Array(this.stepsPerEpoch * this.batchSize);
    const seed = this.#seed;
    const order =
      seed === null
        ? Int32Array.from({ length: this.samplesPerEpoch }, (_, i) => i)
        : await shuffledOrder(this.samplesPerEpoch, new Generator(seed, `shuffle/${epoch}`));
    this.#order.set(order);
  }

  async peek(most: number): Promise<Batches | null> {
    const first = this.#taken;
    const steps = Math.min(most, this.stepsPerEpoch - first);
    if (steps <= 0) return null;
    const { batchSize } = this;
    return {
      sizes: Int32Array.from({ length: steps }, (_, i) =>
        Math.min(batchSize, this.samplesPerEpoch - (first + i) * batchSize),
      ),
      feeds: [this.#order.subarray(first * batchSize, (first + steps) * batchSize)],
    };
  }

  take(batches: number): void {
    this.#taken += batches;
  }

  async close(): Promise<void> {}
}
