import type { Graph, Node } from '../graph/graph.ts';
import { leaving, readers } from './uses.ts';

const producers = new Set(['conv2d', 'linear']);

/**
 * Convolution or dense product, bias and ReLU as one instruction, where nothing else reads what
 * comes between: the activation is applied to a tile before it leaves the registers.
 */
export function fuseActivations(graph: Graph): Graph {
  const uses = readers(graph);
  const outside = leaving(graph);
  const fused = new Map<Node, Node>();
  const absorbed = new Set<Node>();
  for (const node of graph.nodes) {
    if (!producers.has(node.operator.name)) continue;
    const [value] = node.outputs;
    if (value === undefined || outside.has(value)) continue;
    const consumers = uses.get(value) ?? [];
    const [relu] = consumers;
    if (consumers.length !== 1 || relu?.operator.name !== 'relu') continue;
    absorbed.add(node);
    fused.set(relu, {
      ...node,
      outputs: relu.outputs,
      attributes: { ...node.attributes, activation: 'relu' },
      parts: [node, relu],
    });
  }
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => !absorbed.has(node)).map((node) => fused.get(node) ?? node),
  };
}
