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

/** The nodes that may end a step: checks, and of those that refuse the same values the first. */
export function checks(nodes: readonly Node[]): Set<Node> {
  const asked = new Set<string>();
  const found = nodes.filter(({ operator: { name, effect, refuses }, inputs, attributes }) => {
    if (refuses === undefined) return effect === true;
    const operands = inputs.map((input, i) => (refuses.includes(i) ? input?.id : input?.shape));
    const question = JSON.stringify([name, attributes, operands]);
    const first = !asked.has(question);
    asked.add(question);
    return first;
  });
  return new Set(found);
}

/**
 * What is the same in every step: constants, states that keep their value, and what is computed
 * from these alone.
 */
export function invariants(graph: Graph): Set<GraphVariable> {
  const updated = new Set(graph.updates.map(({ state }) => state));
  const found = new Set<GraphVariable>(graph.constants.keys());
  for (const { variable, role } of graph.inputs) {
    if (role === 'state' && !updated.has(variable)) found.add(variable);
  }
  for (const { operator, inputs, outputs } of graph.nodes) {
    if (operator.effect || !inputs.every((input) => input === null || found.has(input))) continue;
    for (const output of outputs) if (!output.batched) found.add(output);
  }
  return found;
}
