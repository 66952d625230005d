import type { Graph, GraphVariable, InputRole, VariableJson } from '../graph/graph.ts';
import { nameValues } from '../graph/names.ts';
import type { Attributes } from '../ops/operator.ts';
import type { Tensor, TensorJson } from '../tensor.ts';

/** A value with the name that it has in its graph. */
export type NamedValueJson = Omit<VariableJson, 'name'> & {
  /** As `graph.nameOf` gives it. */
  name: string;
};

/** What JSON.stringify makes of a graph: its values by name, constants without their elements. */
export interface GraphJson {
  /** The bound of the batch, 0 when nothing is batched. */
  batch: number;
  /** Feeds and states. */
  inputs: (NamedValueJson & {
    /** How it gets its value: anew each step, or kept between steps. */
    role: InputRole;
  })[];
  /** Tensors that the function used without being given them, without their elements. */
  constants: NamedValueJson[];
  /** Calls of operators, each behind those that compute its operands. */
  nodes: {
    /** The name of the operator. */
    operator: string;
    /** The layers it is in, outermost first, joined by '/'; '' outside of any. */
    scope: string;
    /** Settings of the call, complete. */
    attributes: Attributes;
    /** Operands by name; null for one that is left out. */
    inputs: (string | null)[];
    /** Results. */
    outputs: NamedValueJson[];
  }[];
  /** What the function gave, by name. */
  outputs: string[];
  /** What states are after a step, both by name. */
  updates: {
    /** The input. */
    state: string;
    /** Its new value. */
    value: string;
  }[];
}

/** What JSON.stringify makes of an evaluation: Tensors by the names of the graph's values. */
export interface EvaluationJson {
  /** Names of values in the order in which they were computed. */
  order: string[];
  /** Values by name. */
  values: Record<string, TensorJson>;
  /** Adjoints by the name of their value. */
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
