import type { Graph, GraphVariable, Node } from '../graph/graph.ts';
import type { Operator } from '../ops/operator.ts';
import { sameShape } from '../shape.ts';
import { leaving, readers } from './uses.ts';

const producers = new Set(['conv2d', 'linear']);
const activations = new Set(['relu', 'relu6']);

/** Nodes that become others, and those that go. */
class Fusion {
  readonly #uses: Map<GraphVariable, Node[]>;
  readonly #outside: Set<GraphVariable>;
  /** The fused node in the place of a recorded one. */
  readonly #fused = new Map<Node, Node>();
  readonly #absorbed = new Set<Node>();
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#uses = readers(graph);
    this.#outside = leaving(graph);
  }

  run(): Graph {
    const { nodes } = this.#graph;
    for (const node of nodes) {
      if (producers.has(node.operator.name)) this.#fuse(node);
    }
    return {
      ...this.#graph,
      nodes: nodes
        .filter((node) => !this.#absorbed.has(node))
        .map((node) => this.#fused.get(node) ?? node),
    };
  }

  /** The only node that reads what `node` gives, when nobody else sees it. */
  #onlyReader({ outputs: [value] }: Node): Node | null {
    if (value === undefined || this.#outside.has(value)) return null;
    const [reader, ...others] = this.#uses.get(value) ?? [];
    return others.length === 0 ? (reader ?? null) : null;
  }

  #fuse(node: Node): void {
    let [last, result] = [node, node];
    const next = this.#onlyReader(last);
    const residual = next === null ? null : this.#residual(node, next);
    if (next !== null && residual !== null) {
      [last, result] = [next, withResidual(result, next, residual)];
    }
    const activation = this.#onlyReader(last);
    if (activation !== null && activations.has(activation.operator.name)) {
      result = withActivation(result, activation);
      last = activation;
    }
    if (last === node) return;
    this.#absorbed.add(node);
    if (residual !== null && next !== null && next !== last) this.#absorbed.add(next);
    this.#fused.set(last, result);
  }

  /** The other operand of `next` when that adds images as they are to those of a convolution. */
  #residual(node: Node, next: Node): GraphVariable | null {
    if (node.operator.name !== 'conv2d' || next.operator.name !== 'add') return null;
    if (this.#fused.has(next) || this.#absorbed.has(next)) return null;
    const [value] = node.outputs as [GraphVariable];
    const [a, b] = next.inputs as [GraphVariable, GraphVariable];
    const other = a === value ? b : a;
    if (other === value || !sameShape(other.shape, value.shape)) return null;
    return other.batched === value.batched ? other : null;
  }
}

/** The convolution as an operator with a fourth operand that is added to its result. */
function residualOperator(operator: Operator): Operator {
  const [, , bias] = operator.inputs;
  return {
    ...operator,
    inputs: ['x', 'weight', bias ?? 'bias?', 'residual'],
    layout: { inputs: [0, 3], outputs: [0] },
  };
}

function withResidual(node: Node, next: Node, residual: GraphVariable): Node {
  const [x = null, weight = null, bias = null] = node.inputs;
  return {
    ...node,
    operator: residualOperator(node.operator),
    inputs: [x, weight, bias, residual],
    outputs: next.outputs,
    parts: [...(node.parts ?? [node]), next],
  };
}

function withActivation(node: Node, activation: Node): Node {
  return {
    ...node,
    outputs: activation.outputs,
    attributes: { ...node.attributes, activation: activation.operator.name },
    parts: [...(node.parts ?? [node]), activation],
  };
}

/**
 * Convolution or dense product, bias, the sum with a residual branch, ReLU or ReLU6 as one
 * instruction, where nothing else reads what comes between: what follows the product is applied to
 * a tile before it leaves the registers.
 */
export function fuseActivations(graph: Graph): Graph {
  return new Fusion(graph).run();
}
