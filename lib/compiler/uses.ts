import type { Graph, GraphVariable, Node } from '../graph/graph.ts';

/** The nodes that read each variable, in order. */
export function readers(graph: Graph): Map<GraphVariable, Node[]> {
  const found = new Map<GraphVariable, Node[]>();
  for (const node of graph.nodes) {
    for (const input of new Set(node.inputs)) {
      if (input === null) continue;
      const list = found.get(input);
      if (list === undefined) found.set(input, [node]);
      else list.push(node);
    }
  }
  return found;
}

/** The variables that leave the graph: outputs and new states. */
export function leaving(graph: Graph): Set<GraphVariable> {
  return new Set([...graph.outputs, ...graph.updates.map(({ value }) => value)]);
}
