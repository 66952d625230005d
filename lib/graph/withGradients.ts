import type { Operand } from '../ops/operator.ts';
import { type FloatDType, full } from '../tensor.ts';
import { isFloat, propagate } from './differentiate.ts';
import type { Graph, GraphVariable, Node } from './graph.ts';
import { replay } from './replay.ts';

/** A graph and what reverse mode adds to it, on a copy. */
export interface WithGradients {
  /** The copy, with the gradients as outputs besides. */
  readonly both: Graph;
  /** The nodes of the copy that the graph had before. */
  readonly forward: ReadonlySet<Node>;
  /** The copy of each value of the graph. */
  readonly copyOf: ReadonlyMap<GraphVariable, GraphVariable>;
  /** The adjoints of values of the copy. */
  readonly adjoints: ReadonlyMap<GraphVariable, Operand>;
  /** The sources that the outputs depend on: what the further outputs are the gradients to. */
  readonly reached: readonly GraphVariable[];
}

/** The inputs that gradients are wanted of: those that are learned, else all floating ones. */
export function defaultSources(
  { inputs }: Graph,
  learned: readonly GraphVariable[] | undefined,
): readonly GraphVariable[] {
  const variables = inputs.map(({ variable }) => variable);
  const states = inputs.filter(({ role }) => role === 'state').map(({ variable }) => variable);
  const chosen = learned ?? states.filter(isFloat);
  return chosen.length > 0 ? chosen : variables.filter(isFloat);
}

/**
 * The graph with its gradients to `sources`. The adjoint of an output of one element is 1, that of
 * another floating one an input called 'seed'.
 *
 * @throws ERR_NOT_DIFFERENTIABLE when an operator on the way has no gradient
 */
export function withGradients(graph: Graph, sources: readonly GraphVariable[]): WithGradients {
  const { tracer, copyOf } = replay(graph);
  const copy = (variable: GraphVariable) => copyOf.get(variable) as GraphVariable;
  const forward = new Set(tracer.nodes);
  const seeds = graph.outputs.filter(isFloat).map((output) => {
    const scalar = output.shape.every((size) => size === 1);
    const seed = scalar
      ? tracer.constant(full(output.shape, 1, output.dtype as FloatDType))
      : tracer.input(output, 'feed', 'seed');
    return [copy(output), seed] as const;
  });
  const { of: adjoints } = propagate(tracer, new Map(seeds), sources.map(copy));
  const reached = sources.filter((source) => adjoints.has(copy(source)));
  const gradients = reached.map((source) => adjoints.get(copy(source)) as Operand);
  const updates = graph.updates.map(({ state, value }) => ({
    state: copy(state),
    value: copy(value),
  }));
  const both = tracer.graph([...graph.outputs.map(copy), ...gradients], updates);
  return { both, forward, copyOf, adjoints, reached };
}
