import { removeDeadCode } from '../compiler/deadCode.ts';
import { argumentError, checkOptions, dtypeError } from '../errors.ts';
import {
  bytesMoved,
  liveBytes,
  multiplyAdds,
  nodeMultiplyAdds,
  valueBytes,
} from '../graph/cost.ts';
import { isFloat } from '../graph/differentiate.ts';
import { type Graph, GraphVariable, type InputRole, type Node } from '../graph/graph.ts';
import { nameValues } from '../graph/names.ts';
import { defaultSources, withGradients } from '../graph/withGradients.ts';

/** What a pass over a graph costs, in the order of its nodes. */
export interface PassCost {
  /** Multiplications that are followed by an addition. */
  readonly multiplyAdds: number;
  /** Bytes read and written: of each node its operands, each once, and its results. */
  readonly bytes: number;
  /**
   * The most bytes that results of nodes take at once. A result takes memory from its node to the
   * last one that reads it; outputs and gradients to the end. A reshape takes none, and nothing is
   * computed in place.
   */
  readonly peakBytes: number;
}

/** What a node costs. */
export interface NodeCost {
  /** As `graph.nameOf` calls its first result. */
  readonly name: string;
  /** The name of the operator. */
  readonly operator: string;
  /** The layers it is in, outermost first, joined by '/'; '' outside of any. */
  readonly scope: string;
  /** 'backward' for what differentiation adds. */
  readonly pass: 'forward' | 'backward';
  /** Multiplications that are followed by an addition. */
  readonly multiplyAdds: number;
  /** Of its operands, each once, and its results. */
  readonly bytes: number;
}

/** What a graph costs at the sizes it was traced with, a batch at its bound. */
export interface GraphCost {
  /** Of the graph alone. */
  readonly forward: PassCost;
  /**
   * Of what differentiation adds; its peak is that while its nodes run, with the forward results
   * that are kept for them.
   */
  readonly backward: PassCost;
  /** Of both, one after the other. */
  readonly total: PassCost;
  /** Bytes of what the graph is given, which the peaks leave out. */
  readonly givenBytes: {
    /** Of feeds, a batch at its bound. */
    readonly inputs: number;
    /** Of parameters and other states. */
    readonly states: number;
    /** Of Tensors that the function used without being given them. */
    readonly constants: number;
  };
  /** The nodes of both passes in their order. */
  readonly nodes: readonly NodeCost[];
}

/** Settings of `cost`. */
export interface CostOptions {
  /**
   * The inputs whose gradients backward is for, or their names. Default: the parameters that are
   * learned, else all floating inputs.
   */
  wrt?: readonly (string | GraphVariable)[];
}

/** The inputs whose gradients are wanted. */
function sourcesOf(
  graph: Graph,
  learned: readonly GraphVariable[] | undefined,
  { wrt }: CostOptions,
): readonly GraphVariable[] {
  const variables = graph.inputs.map(({ variable }) => variable);
  if (wrt === undefined) return defaultSources(graph, learned);
  if (!Array.isArray(wrt)) throw argumentError('cost', 'wrt to be a list of inputs', wrt);
  return wrt.map((entry: string | GraphVariable) => {
    const found = variables.find((variable) => variable === entry || variable.name === entry);
    if (found === undefined) {
      const given = entry instanceof GraphVariable ? (entry.name ?? entry.producer) : entry;
      const names = variables.map(({ name }) => name).join(', ');
      throw argumentError('cost', `wrt to name inputs of ${names}`, given);
    }
    if (!isFloat(found)) {
      throw dtypeError(
        'cost',
        `wrt names ${found.name}, which is ${found.dtype}: it has no gradient`,
      );
    }
    return found;
  });
}

function largest(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}

function sum(values: Iterable<number>): number {
  return [...values].reduce((a, b) => a + b, 0);
}

/** The nodes that a graph needs, with what they cost. */
function measure(graph: Graph): {
  nodes: readonly Node[];
  bytes: ReadonlyMap<Node, number>;
  live: readonly number[];
  cost: PassCost;
} {
  const { nodes, outputs, updates } = removeDeadCode(graph);
  const list = { nodes, kept: [...outputs, ...updates.map(({ value }) => value)] };
  const [bytes, live] = [bytesMoved(list), liveBytes(list)];
  const cost = {
    multiplyAdds: multiplyAdds(nodes),
    bytes: sum(bytes.values()),
    peakBytes: largest(live),
  };
  return { nodes, bytes, live, cost };
}

/**
 * What a graph costs forward and backward.
 *
 * @param learned the inputs whose gradients are wanted by default
 * @throws ERR_ARGUMENT, ERR_DTYPE for an input that is none, or integer; ERR_NOT_DIFFERENTIABLE
 */
export function costOf(
  graph: Graph,
  learned: readonly GraphVariable[] | undefined,
  options: CostOptions,
): GraphCost {
  checkOptions('cost', options, ['wrt']);
  const { cost: forward } = measure(graph);
  const { both, forward: before } = withGradients(graph, sourcesOf(graph, learned, options));
  const { nodes, bytes, live, cost: total } = measure(both);
  const names = nameValues(both);
  const given = (role: InputRole) =>
    sum(graph.inputs.map((input) => (input.role === role ? valueBytes(input.variable) : 0)));
  return {
    forward,
    backward: {
      multiplyAdds: total.multiplyAdds - forward.multiplyAdds,
      bytes: total.bytes - forward.bytes,
      peakBytes: largest(live.filter((_, i) => !before.has(nodes[i] as Node))),
    },
    total,
    givenBytes: {
      inputs: given('feed'),
      states: given('state'),
      constants: sum([...graph.constants.keys()].map(valueBytes)),
    },
    nodes: nodes.map((node) => ({
      name: names.get(node.outputs[0] as GraphVariable) ?? node.operator.name,
      operator: node.operator.name,
      scope: node.scope,
      pass: before.has(node) ? 'forward' : 'backward',
      multiplyAdds: nodeMultiplyAdds(node),
      bytes: bytes.get(node) as number,
    })),
  };
}
