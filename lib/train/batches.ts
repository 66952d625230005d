import type { GraphVariable, Tracer } from '../graph/graph.ts';
import type { Variable } from '../ops/operator.ts';
import type { Tensor, TypedArray } from '../tensor.ts';

/** Batches that follow each other, as a run of a Program takes them. */
export interface Batches {
  /** The samples of each. */
  readonly sizes: Int32Array;
  /** One array an input that the source feeds, stacked at the stride of the bound. */
  readonly feeds: readonly TypedArray[];
}

/** How a source's batches come into a graph. */
export interface TracedBatch {
  /** (N, …inputShape), scaled and in the network's dtype. */
  readonly x: Variable;
  /** Class numbers (N) or targets (N, …). */
  readonly y: Variable;
  /** What metrics judge by; default: y. */
  readonly labels?: Variable;
  /** States that hold the source's data, and what is written into them before the first run. */
  readonly states: ReadonlyMap<GraphVariable, Tensor>;
}

/**
 * Where the batches of a network's steps come from, epoch by epoch. A source has one graph and one
 * cursor: `peek` shows batches without taking them, since a run may end before it has done all.
 */
export interface BatchSource {
  /** Samples of a batch at most. */
  readonly batchSize: number;
  /** Null until it is known. */
  readonly samplesPerEpoch: number | null;
  readonly stepsPerEpoch: number | null;
  /** Labels to judge all of them by: whether samples can be right or wrong. */
  readonly targets: Tensor;
  /** Adds the inputs of a batch to a graph. Its feeds are the first that the graph has. */
  trace(tracer: Tracer): TracedBatch;
  /** Begins an epoch, counted from 1, behind its first `skip` batches. */
  begin(epoch: number, skip: number): Promise<void>;
  /**
   * At most `most` batches from the cursor on, and no fewer than `least`, by default one, unless the
   * epoch has no more; null behind the last.
   */
  peek(most: number, least?: number): Promise<Batches | null>;
  /** Moves the cursor by batches that `peek` showed. */
  take(batches: number): void;
  /** Ends what it has open. */
  close(): Promise<void>;
}
