import type { Graph, GraphVariable, Node } from '../graph/graph.ts';

/** Variables that a graph must compute: its outputs, new states, and what has an effect. */
function roots(graph: Graph): GraphVariable[] {
  return [...graph.outputs, ...graph.updates.map(({ value }) => value)];
}

/** Drops the nodes that no output, state or effect needs, and the constants that none of them reads. */
export function removeDeadCode(graph: Graph): Graph {
  const live = new Set<GraphVariable>(roots(graph));
  const kept: Node[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.operator.effect && !node.outputs.some((output) => live.has(output))) continue;
    kept.push(node);
    for (const input of node.inputs) if (input !== null) live.add(input);
  }
  const constants = new Map([...graph.constants].filter(([variable]) => live.has(variable)));
  return { ...graph, nodes: kept.reverse(), constants };
}
