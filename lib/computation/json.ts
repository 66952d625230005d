import type { Graph, GraphVariable, InputRole, VariableJson } from '../graph/graph.ts';
import { nameValues } from '../graph/names.ts';
import type { Attributes } from '../ops/operator.ts';
import type { Tensor, TensorJson } from '../tensor.ts';

/** A value with the name that it has in its graph. */
export type NamedValueJson = Omit<VariableJson, 'name'> & { name: string };

/** What JSON.stringify makes of a graph: its values by name, constants without their elements. */
export interface GraphJson {
  batch: number;
  inputs: (NamedValueJson & { role: InputRole })[];
  constants: NamedValueJson[];
  nodes: {
    operator: string;
    scope: string;
    attributes: Attributes;
    inputs: (string | null)[];
    outputs: NamedValueJson[];
  }[];
  outputs: string[];
  updates: { state: string; value: string }[];
}

/** What JSON.stringify makes of an evaluation: Tensors by the names of the graph's values. */
export interface EvaluationJson {
  order: string[];
  values: Record<string, TensorJson>;
  adjoints: Record<string, TensorJson>;
}

/** The graph as plain data. */
export function graphJson(graph: Graph): GraphJson {
  const names = nameValues(graph);
  const nameOf = (variable: GraphVariable): string => names.get(variable) as string;
  const named = (variable: GraphVariable): NamedValueJson => ({
    ...variable.toJSON(),
    name: nameOf(variable),
  });
  return {
    batch: graph.batch,
    inputs: graph.inputs.map(({ variable, role }) => ({ ...named(variable), role })),
    constants: [...graph.constants.keys()].map(named),
    nodes: graph.nodes.map(({ operator, scope, attributes, inputs, outputs }) => ({
      operator: operator.name,
      scope,
      attributes,
      inputs: inputs.map((input) => (input === null ? null : nameOf(input))),
      outputs: outputs.map(named),
    })),
    outputs: graph.outputs.map(nameOf),
    updates: graph.updates.map(({ state, value }) => ({
      state: nameOf(state),
      value: nameOf(value),
    })),
  };
}

/** The evaluation of `graph` as plain data. */
export function evaluationJson(
  graph: Graph,
  values: ReadonlyMap<GraphVariable, Tensor>,
  adjoints: ReadonlyMap<GraphVariable, Tensor>,
  order: readonly GraphVariable[],
): EvaluationJson {
  const names = nameValues(graph);
  const nameOf = (variable: GraphVariable): string => names.get(variable) as string;
  const byName = (tensors: ReadonlyMap<GraphVariable, Tensor>): Record<string, TensorJson> =>
    Object.fromEntries(
      [...tensors].map(([variable, tensor]) => [nameOf(variable), tensor.toJSON()]),
    );
  return { order: order.map(nameOf), values: byName(values), adjoints: byName(adjoints) };
}
