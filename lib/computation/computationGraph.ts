import type { Graph, GraphInput, GraphVariable, Node, StateUpdate } from '../graph/graph.ts';
import type { Tensor } from '../tensor.ts';

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

  /** Use `trace`. */
  constructor({ inputs, constants, nodes, outputs, updates, batch }: Graph) {
    this.inputs = inputs;
    this.constants = constants;
    this.nodes = nodes;
    this.outputs = outputs;
    this.updates = updates;
    this.batch = batch;
  }
}
