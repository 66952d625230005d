import type { PassOptions } from '../compiler/compile.ts';
import type { Graph } from '../graph/graph.ts';
import type { Spec } from '../ops/operator.ts';
import type { Tensor, TypedArray } from '../tensor.ts';

/** The two ways to run a graph. */
export type BackendName = 'native' | 'reference';

/** How a graph is to be run. */
export interface PrepareOptions {
  /** Threads of native runs; default: all of the pool. The reference has one. */
  threads?: number;
  /** The instruction set of native kernels; default: the best that this CPU has. */
  isa?: string;
  /** Passes of the compiler that differ from its defaults. */
  passes?: PassOptions;
  /** Whether native runs measure each instruction, for NativeExecutable.seconds; default false. */
  profile?: boolean;
}

/** A number of steps of a prepared graph. */
export interface RunRequest {
  /** How often the graph is computed, 1 or more. */
  readonly steps: number;
  /** The actual batch of each step; default: the bound. */
  readonly batch?: Int32Array;
  /** One array a feed: every step's value, stacked at the stride of the bound. */
  readonly feeds: readonly TypedArray[];
  /** Arrays that take the fetches instead of new ones. */
  readonly into?: readonly TypedArray[];
  /** Milliseconds after which the run ends at the next step boundary. */
  readonly budget?: number;
  /**
   * Whether somebody waits for it: the run's own thread then keeps the priority of the process,
   * which the others lower, so that it is not held up by runs without hurry. Default: false.
   */
  readonly urgent?: boolean;
}

/** What a run gives. */
export interface RunResult {
  /** Steps that were done: all, unless the budget or cancel() ended the run. */
  readonly steps: number;
  /** One array a fetch, stacked like the feeds. */
  readonly fetches: readonly TypedArray[];
}

/** A graph made ready to run, with the memory of its states. */
export interface Executable {
  /** One input a feed, in the order of `RunRequest.feeds`, sizes at the bound of the batch. */
  readonly feeds: readonly Spec[];
  /** Memory that persists between runs, by the index that `read` and `write` take. */
  readonly states: readonly Spec[];
  /** One output a fetch, in the order of `RunResult.fetches`. */
  readonly fetches: readonly Spec[];
  /** Bytes that it holds. */
  readonly bytes: number;
  /**
   * Copies a value into state `index`. Throws ERR_SHAPE, ERR_DTYPE, or ERR_BUSY during a run.
   * @param index into `states`
   * @param value of the state's shape and dtype
   */
  write(index: number, value: Tensor): void;
  /**
   * A copy of state `index`, in the memory of `into` if given. Throws ERR_BUSY during a run.
   * @param index into `states`
   * @param into of the state's shape and dtype; default: a new Tensor
   */
  read(index: number, into?: Tensor): Tensor;
  /** Runs on this thread. */
  runSync(request: RunRequest): RunResult;
  /** Runs without blocking JavaScript's thread; feeds are copied before it returns. */
  run(request: RunRequest): Promise<RunResult>;
  /** Ends the run in progress at the next step boundary. */
  cancel(): void;
  /** Frees the memory; a run in progress is cancelled first. */
  dispose(): void;
}

/** Something that runs graphs. */
export interface Backend {
  /** What options call it. */
  readonly name: BackendName;
  /**
   * Throws ERR_SHAPE, ERR_DTYPE, ERR_MEMORY, or ERR_NATIVE_NOT_FOUND.
   * @param graph differentiated already where gradients are wanted; it is compiled anew
   */
  prepare(graph: Graph, options?: PrepareOptions): Executable;
}
