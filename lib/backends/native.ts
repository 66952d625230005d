import { compileProgram } from '../compiler/compile.ts';
import type { Program } from '../compiler/program.ts';
import type { Graph } from '../graph/graph.ts';
import type { Spec } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import { allocate, Tensor, type TypedArray } from '../tensor.ts';
import { type AddonProgram, adopt, loadAddon } from './addon.ts';
import type { Backend, Executable, PrepareOptions, RunRequest, RunResult } from './backend.ts';
import { countWork, runInline, runsInline, type StepWork } from './inline.ts';
import { checkRequest, checkState } from './request.ts';

function guarded<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw adopt(error);
  }
}

/** What the addon is told of a Program. */
export function describeProgram(program: Program, options: PrepareOptions): object {
  return {
    batch: program.batch,
    arenaBytes: program.arenaBytes,
    prologue: program.prologue,
    ...(options.isa === undefined ? {} : { isa: options.isa }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    buffers: program.buffers.map(({ shape, dtype, batched, kind, of, offset }) => ({
      shape,
      dtype,
      batched,
      kind,
      ...(of === undefined ? {} : { of }),
      ...(kind === 'temporary' ? { offset: offset ?? 0 } : {}),
    })),
    instructions: program.instructions.map(({ op, inputs, outputs, attributes, scratch }) => ({
      op,
      inputs,
      outputs,
      attributes,
      ...(scratch === undefined ? {} : { scratch }),
    })),
  };
}

/** A Program in the addon, with the memory of its states. */
export class NativeExecutable implements Executable {
  readonly program: Program;
  readonly feeds: readonly Spec[];
  readonly states: readonly Spec[];
  readonly fetches: readonly Spec[];
  readonly #native: AddonProgram;
  readonly #work: StepWork;
  /** Whether nothing was written since the last run, so that no prologue is to be done first. */
  #warm = false;
  /** Place among the addon's fetches, which come in the order of their buffers, of each of ours. */
  readonly #places: readonly number[];

  constructor(graph: Graph, options: PrepareOptions) {
    const { addon } = loadAddon();
    this.program = guarded(() =>
      compileProgram(
        graph,
        (call) => addon.scratchBytes(call, options.isa),
        options.passes,
        (call) => addon.packedElements(call, options.isa),
      ),
    );
    const { buffers, feeds, states, fetches, constants } = this.program;
    const specs = (ids: readonly number[]): Spec[] => ids.map((id) => buffers[id] as Spec);
    this.feeds = specs(feeds);
    this.states = specs(states);
    this.fetches = specs(fetches);
    const ascending = new Map([...fetches].sort((a, b) => a - b).map((id, i) => [id, i]));
    this.#places = fetches.map((id) => ascending.get(id) as number);
    this.#native = guarded(() => new addon.Program(describeProgram(this.program, options)));
    this.#work = countWork(this.program);
    for (const { buffer, tensor } of constants) this.#native.write(buffer, tensor.data);
  }

  get bytes(): number {
    return this.#native.bytes();
  }

  /** Seconds that each of program.instructions took in all runs; empty without `profile`. */
  seconds(): Float64Array {
    return guarded(() => this.#native.seconds());
  }

  write(index: number, value: Tensor): void {
    checkState(this.states[index] as Spec, value);
    this.#warm = false;
    guarded(() => this.#native.write(this.program.states[index] as number, value.data));
  }

  read(index: number, into?: Tensor): Tensor {
    const { shape, dtype } = this.states[index] as Spec;
    const copy = into ?? new Tensor(allocate(dtype, elementCount(shape)), shape, dtype);
    guarded(() => this.#native.read(this.program.states[index] as number, copy.data));
    return copy;
  }

  runSync(request: RunRequest): RunResult {
    checkRequest(this.feeds, this.program.batch, request);
    return this.#ordered(guarded(() => this.#native.runSync(this.#request(request))));
  }

  async run(request: RunRequest): Promise<RunResult> {
    checkRequest(this.feeds, this.program.batch, request);
    if (this.#warm && runsInline(this.#work, this.program.batch, request)) {
      return this.#ordered(
        runInline(() => guarded(() => this.#native.runSync(this.#request(request)))),
      );
    }
    try {
      const result = await this.#native.run(this.#request(request));
      this.#warm = result.steps > 0;
      return this.#ordered(result);
    } catch (error) {
      throw adopt(error);
    }
  }

  #request(request: RunRequest): RunRequest {
    const { into } = request;
    if (into === undefined) return request;
    const ordered = [...into];
    this.#places.forEach((place, i) => {
      ordered[place] = into[i] as TypedArray;
    });
    return { ...request, into: ordered };
  }

  #ordered({ steps, fetches }: RunResult): RunResult {
    return { steps, fetches: this.#places.map((place) => fetches[place] as TypedArray) };
  }

  cancel(): void {
    this.#native.cancel();
  }

  dispose(): void {
    this.#native.dispose();
  }
}

/** The backend of the addon. */
export const nativeBackend: Backend = {
  name: 'native',
  prepare: (graph, options = {}) => new NativeExecutable(graph, options),
};
