import { need, type Operand, type Operator } from '../ops/operator.ts';
import { type ReshapeAttributes, reshapeOperator } from '../ops/reshape.ts';
import type { Graph, GraphVariable, Tracer } from './graph.ts';

/** A value once more: to reverse mode it is a value of its own, and it runs as the same memory. */
const aliasOperator: Operator<ReshapeAttributes> = {
  ...reshapeOperator,
  gradient: ({ gradients }) => [need(gradients[0])],
};

/** Records `value` once more. Throws what `record` throws. */
export function alias(tracer: Tracer, value: Operand): GraphVariable {
  const attributes = { keepFirst: value.shape.length > 0, shape: value.shape.slice(1) };
  return tracer.record(
    aliasOperator as unknown as Operator,
    [value],
    attributes,
  )[0] as GraphVariable;
}

/** The graph with each alias replaced by what it is of. */
export function withoutAliases(graph: Graph): Graph {
  const origin = new Map<GraphVariable, GraphVariable>();
  const of = (variable: GraphVariable): GraphVariable => origin.get(variable) ?? variable;
  const nodes = graph.nodes.flatMap((node) => {
    const inputs = node.inputs.map((input) => input && of(input));
    if ((node.operator as unknown) === aliasOperator) {
      origin.set(node.outputs[0] as GraphVariable, inputs[0] as GraphVariable);
      return [];
    }
    return [Object.freeze({ ...node, inputs: Object.freeze(inputs) })];
  });
  if (origin.size === 0) return graph;
  return {
    ...graph,
    nodes: Object.freeze(nodes),
    outputs: Object.freeze(graph.outputs.map(of)),
    updates: Object.freeze(graph.updates.map(({ state, value }) => ({ state, value: of(value) }))),
  };
}
