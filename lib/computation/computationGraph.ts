import type { BackendName, PrepareOptions } from '../backends/backend.ts';
import { argumentError, checkOptions } from '../errors.ts';
import type { Graph, GraphInput, GraphVariable, Node, StateUpdate } from '../graph/graph.ts';
import { nameValues } from '../graph/names.ts';
import type { Tensor } from '../tensor.ts';

/** How a graph is run. */
export interface GraphRunOptions extends PrepareOptions {
  backend?: BackendName;
}

/** What is known of a graph besides its data. */
export interface GraphDetails {
  /** The arguments that it is called with: its feeds, in nested arrays and plain objects or not. */
  readonly arguments?: readonly unknown[];
  /** The present values of its states, by name. */
  readonly states?: () => ReadonlyMap<string, Tensor>;
  /** The states that are learned; default: all that are floating. */
  readonly learned?: readonly GraphVariable[];
  readonly run?: GraphRunOptions;
}

/**
 * A function of operators as a graph that can be looked at: `sn.trace` makes it of a function,
 * `net.graph` of a network. Backends run it like any Graph.
 */
export class ComputationGraph implements Graph {
  readonly inputs: readonly GraphInput[];
  readonly constants: ReadonlyMap<GraphVariable, Tensor>;
  readonly nodes: readonly Node[];
  readonly outputs: readonly GraphVariable[];
  readonly updates: readonly StateUpdate[];
  readonly batch: number;
  readonly #details: GraphDetails;
  #names: ReadonlyMap<GraphVariable, string> | null = null;

  /** Use `trace`. */
  constructor(graph: Graph, details: GraphDetails = {}) {
    const { inputs, constants, nodes, outputs, updates, batch } = graph;
    this.inputs = inputs;
    this.constants = constants;
    this.nodes = nodes;
    this.outputs = outputs;
    this.updates = updates;
    this.batch = batch;
    this.#details = details;
  }

  /**
   * What a value of the graph is called: an input's name ('x1', '0.weight'), 'constant', or the
   * operator that makes it ('mul'); each name once ('mul_2').
   * @throws ERR_ARGUMENT for a value of another graph
   */
  nameOf(value: GraphVariable): string {
    this.#names ??= nameValues(this);
    const name = this.#names.get(value);
    if (name === undefined) throw argumentError('nameOf', 'a value of this graph', value);
    return name;
  }

  /** The same graph, its values too, but run otherwise: by default as `sn.compile` runs. */
  with(options: GraphRunOptions): ComputationGraph {
    checkOptions('with', options, ['backend', 'threads', 'isa', 'passes']);
    return new ComputationGraph(this, {
      ...this.#details,
      run: { ...this.#details.run, ...options },
    });
  }
}
