import { setImmediate } from 'node:timers/promises';
import { optimize } from '../compiler/compile.ts';
import { argumentError, StridenetError, shapeError } from '../errors.ts';
import type { Graph, GraphVariable, Node } from '../graph/graph.ts';
import type { Spec } from '../ops/operator.ts';
import { referenceKernels } from '../reference/index.ts';
import { elementCount, formatShape, sameShape } from '../shape.ts';
import { allocate, Tensor, type TypedArray } from '../tensor.ts';
import type { Backend, Executable, PrepareOptions, RunRequest, RunResult } from './backend.ts';
import { checkRequest, checkState } from './request.ts';

function specOf(variable: GraphVariable): Spec {
  return { shape: variable.shape, dtype: variable.dtype, batched: variable.batched === true };
}

/** Interprets a graph with the plain loops, node by node. */
class ReferenceExecutable implements Executable {
  readonly feeds: readonly Spec[];
  readonly states: readonly Spec[];
  readonly fetches: readonly Spec[];
  readonly #graph: Graph;
  readonly #values: Tensor[];
  #busy = false;
  #cancelled = false;
  #disposed = false;

  constructor(graph: Graph, options: PrepareOptions) {
    this.#graph = optimize(graph, options.passes);
    const specs = (role: string): Spec[] =>
      graph.inputs.filter((input) => input.role === role).map(({ variable }) => specOf(variable));
    this.feeds = specs('feed');
    this.states = specs('state');
    this.fetches = graph.outputs.map(specOf);
    this.#values = this.states.map(
      ({ shape, dtype }) => new Tensor(allocate(dtype, elementCount(shape)), shape, dtype),
    );
  }

  get bytes(): number {
    return this.#values.reduce((sum, { data }) => sum + data.byteLength, 0);
  }

  write(index: number, value: Tensor): void {
    this.#free();
    checkState(this.states[index] as Spec, value);
    this.#values[index] = value.clone();
  }

  read(index: number, into?: Tensor): Tensor {
    this.#free();
    const value = this.#values[index] as Tensor;
    into?.data.set(value.data);
    return into ?? value.clone();
  }

  runSync(request: RunRequest): RunResult {
    this.#free();
    checkRequest(this.feeds, this.#graph.batch, request);
    const fetches = this.#results(request);
    const end = performance.now() + (request.budget ?? Number.POSITIVE_INFINITY);
    let step = 0;
    while (step < request.steps && (step === 0 || performance.now() < end)) {
      this.#step(request, step++, fetches);
    }
    return { steps: step, fetches };
  }

  async run(request: RunRequest): Promise<RunResult> {
    this.#free();
    checkRequest(this.feeds, this.#graph.batch, request);
    const copy = { ...request, feeds: request.feeds.map((feed) => feed.slice()) };
    const fetches = this.#results(request);
    const end = performance.now() + (request.budget ?? Number.POSITIVE_INFINITY);
    let step = 0;
    this.#busy = true;
    this.#cancelled = false;
    try {
      while (step < request.steps && !this.#cancelled && (step === 0 || performance.now() < end)) {
        this.#step(copy, step++, fetches);
        await setImmediate();
      }
    } finally {
      this.#busy = false;
    }
    return { steps: step, fetches };
  }

  cancel(): void {
    this.#cancelled = true;
  }

  dispose(): void {
    this.#cancelled = true;
    this.#disposed = true;
    this.#values.length = 0;
  }

  #free(): void {
    if (this.#disposed)
      throw new StridenetError('ERR_DISPOSED', '[reference] used after dispose()');
    if (this.#busy) throw new StridenetError('ERR_BUSY', '[reference] a run is in progress');
  }

  #results(request: RunRequest): readonly TypedArray[] {
    return (
      request.into ??
      this.fetches.map(({ shape, dtype }) => allocate(dtype, request.steps * elementCount(shape)))
    );
  }

  #step(request: RunRequest, step: number, fetches: readonly TypedArray[]): void {
    const { inputs, constants, nodes, outputs, updates, batch } = this.#graph;
    const n = request.batch?.[step] ?? batch;
    const values = new Map<GraphVariable, Tensor>(constants);
    const places = new Map<GraphVariable, number>();
    let feed = 0;
    for (const { variable, role } of inputs) {
      if (role === 'state') {
        values.set(variable, this.#values[places.size] as Tensor);
        places.set(variable, places.size);
        continue;
      }
      const shape = variable.batched ? [n, ...variable.shape.slice(1)] : variable.shape;
      const start = step * elementCount(variable.shape);
      const data = (request.feeds[feed++] as TypedArray).slice(start, start + elementCount(shape));
      values.set(variable, new Tensor(data, shape, variable.dtype));
    }
    try {
      runNodes(nodes, values);
    } catch (error) {
      // As native runs do: whoever asked for several steps learns which one it was.
      if ((error as Partial<StridenetError>).code === 'ERR_NON_FINITE') {
        Object.assign(error as StridenetError, { step });
      }
      throw error;
    }
    outputs.forEach((output, i) => {
      const fetch = fetches[i] as TypedArray;
      // Node 20 has no `detached`.
      if (fetch.buffer.byteLength === 0 && elementCount(output.shape) > 0) {
        throw argumentError('run', `into[${i}] to have memory that was not detached`, fetch.buffer);
      }
      fetch.set((values.get(output) as Tensor).data, step * elementCount(output.shape));
    });
    for (const { state: target, value } of updates) {
      this.#values[places.get(target) as number] = values.get(value) as Tensor;
    }
  }
}

/** Throws ERR_SHAPE when the outputs of a step are not those that were traced, the batch aside. */
function checkTraced({ operator, outputs }: Node, specs: readonly Spec[]): void {
  outputs.forEach(({ shape, batched }, i) => {
    const actual = specs[i]?.shape ?? [];
    const [own, traced] = batched ? [actual.slice(1), shape.slice(1)] : [actual, shape];
    if (sameShape(own, traced)) return;
    throw shapeError(
      operator.name,
      `infer gives ${operator.outputs[i]} ${formatShape(actual)} in a step but gave ${formatShape(shape)} when it was traced`,
    );
  });
}

/** Computes `nodes` in order, from and into `values`. */
export function runNodes(nodes: readonly Node[], values: Map<GraphVariable, Tensor>): void {
  for (const node of nodes) {
    if (node.parts !== undefined) {
      runNodes(node.parts, values);
      continue;
    }
    const inputs = node.inputs.map((input) =>
      input === null ? null : (values.get(input) as Tensor),
    );
    const { operator } = node;
    const kernel = referenceKernels.get(operator.name) ?? operator.loops;
    if (kernel === undefined) throw new Error(`no reference kernel ${operator.name}`);
    const specs = operator.infer(inputs, node.attributes);
    checkTraced(node, specs);
    const outputs = specs.map(
      ({ shape, dtype }) => new Tensor(allocate(dtype, elementCount(shape)), shape, dtype),
    );
    kernel(inputs, outputs, node.attributes);
    node.outputs.forEach((output, i) => {
      values.set(output, outputs[i] as Tensor);
    });
  }
}

/** The backend of plain loops: slow, clear, the oracle. */
export const referenceBackend: Backend = {
  name: 'reference',
  prepare: (graph, options = {}) => new ReferenceExecutable(graph, options),
};
