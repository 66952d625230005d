import { type Graph, type GraphVariable, type Node, scoped, Tracer } from './graph.ts';

/** A graph recorded once more. */
export interface Replay {
  readonly tracer: Tracer;
  /** The copy of each value. */
  readonly copyOf: ReadonlyMap<GraphVariable, GraphVariable>;
}

/**
 * Records a graph once more, a fused node as what it stands for: what is recorded on the copy, such
 * as its gradients, leaves the graph as it is.
 */
export function replay({ inputs, constants, nodes }: Graph): Replay {
  const tracer = new Tracer();
  const copyOf = new Map<GraphVariable, GraphVariable>();
  for (const { variable, role } of inputs) {
    copyOf.set(variable, tracer.input(variable, role, variable.name));
  }
  for (const [variable, tensor] of constants) copyOf.set(variable, tracer.constant(tensor));
  const record = (node: Node): void => {
    if (node.parts !== undefined) {
      node.parts.forEach(record);
      return;
    }
    const operands = node.inputs.map((input) => input && (copyOf.get(input) as GraphVariable));
    const results = scoped(node.scope, () =>
      tracer.record(node.operator, operands, node.attributes),
    );
    node.outputs.forEach((output, i) => {
      copyOf.set(output, results[i] as GraphVariable);
    });
  };
  nodes.forEach(record);
  return { tracer, copyOf };
}
