import { inspect } from 'node:util';
import { backendOf, defaultBackend } from '../backends/index.ts';
import type { RunOptions } from '../backends/options.ts';
import { StridenetError } from '../errors.ts';
import { differentiate, isFloat } from '../graph/differentiate.ts';
import type { Graph, GraphVariable, Tracer } from '../graph/graph.ts';
import { type Replay, replay } from '../graph/replay.ts';
import type { Operand } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import { allocate, describe, Tensor, type TypedArray } from '../tensor.ts';
import type { Bound } from './bind.ts';
import { formatEvaluation } from './format.ts';
import { type EvaluationJson, evaluationJson } from './json.ts';

/** Every value of a graph, and what reverse mode found. */
export class GraphEvaluation {
  /** The value of every input, constant and result of a node. */
  readonly values: ReadonlyMap<GraphVariable, Tensor>;
  /** t_n = ∂output/∂n of every value n that a message came to. */
  readonly adjoints: ReadonlyMap<GraphVariable, Tensor>;
  /** Those values in the order of reverse mode's visits: each after all that read it. */
  readonly order: readonly GraphVariable[];
  readonly #graph: Graph;

  /** Use `graph.evaluate`. */
  constructor(
    graph: Graph,
    values: ReadonlyMap<GraphVariable, Tensor>,
    adjoints: ReadonlyMap<GraphVariable, Tensor>,
    order: readonly GraphVariable[],
  ) {
    this.#graph = graph;
    this.values = values;
    this.adjoints = adjoints;
    this.order = order;
  }

  /**
   * A table of text: every value in the order of the visits, with what it is, its number and t;
   * then those that have no t.
   */
  toString(): string {
    return formatEvaluation(this.#graph, this);
  }

  /** What JSON.stringify writes. */
  toJSON(): EvaluationJson {
    return evaluationJson(this.#graph, this.values, this.adjoints, this.order);
  }

  /** What console.log shows. */
  [inspect.custom](): string {
    return this.toString();
  }
}

/** `value` with as many elements as a feed has at the bound of the batch. */
function feedOf({ shape, dtype }: GraphVariable, value: Tensor): TypedArray {
  const size = elementCount(shape);
  if (value.size === size) return value.data;
  const data = allocate(dtype, size);
  data.set(value.data);
  return data;
}

/** The values of `fetched`, all passes that change nodes left out. */
function run(
  tracer: Tracer,
  fetched: readonly GraphVariable[],
  known: ReadonlyMap<GraphVariable, Tensor>,
  batch: number,
  { backend = defaultBackend(), passes, ...options }: RunOptions,
): Tensor[] {
  const graph = tracer.graph(fetched);
  const program = backendOf(backend).prepare(graph, {
    ...options,
    passes: { ...passes, fuse: false },
  });
  try {
    const named = (role: string) => graph.inputs.filter((input) => input.role === role);
    const given = (variable: GraphVariable) => known.get(variable) as Tensor;
    named('state').forEach(({ variable }, i) => {
      program.write(i, given(variable));
    });
    const feeds = named('feed').map(({ variable }) => feedOf(variable, given(variable)));
    const samples = graph.batch === 0 ? {} : { batch: Int32Array.of(batch) };
    const { fetches } = program.runSync({ steps: 1, feeds, ...samples });
    return graph.outputs.map(({ shape, dtype, batched }, i) => {
      const actual = batched ? [batch, ...shape.slice(1)] : shape;
      return new Tensor((fetches[i] as TypedArray).slice(0, elementCount(actual)), actual, dtype);
    });
  } finally {
    program.dispose();
  }
}

/** The values of the graph and of `operands` on its copy, each in memory of its own. */
function compute(
  { tracer, copyOf }: Replay,
  { values: given, batch }: Bound,
  operands: readonly Operand[],
  options: RunOptions,
): { values: Map<GraphVariable, Tensor>; results: Tensor[] } {
  const copyIn = (variable: GraphVariable) => copyOf.get(variable) as GraphVariable;
  const wanted = tracer.graph(operands).outputs;
  const known = new Map([...given].map(([variable, value]) => [copyIn(variable), value]));
  const constants = [...tracer.constants].map(([variable, value]) => [variable, value] as const);
  const fetched = new Set([...copyOf.values(), ...wanted]);
  for (const [variable] of [...known, ...constants]) fetched.delete(variable);
  const list = [...fetched];
  const found = new Map([...known, ...constants]);
  const computed = list.length === 0 ? [] : run(tracer, list, known, batch, options);
  list.forEach((variable, i) => {
    found.set(variable, computed[i] as Tensor);
  });
  const ownCopy = (variable: GraphVariable) => (found.get(variable) as Tensor).clone();
  return {
    values: new Map([...copyOf].map(([variable, copy]) => [variable, ownCopy(copy)])),
    results: wanted.map(ownCopy),
  };
}

/** The value of every input, constant and result of a node. */
export function valuesOf(
  graph: Graph,
  bound: Bound,
  options: RunOptions,
): ReadonlyMap<GraphVariable, Tensor> {
  return compute(replay(graph), bound, [], options).values;
}

/**
 * The value that reverse mode starts from.
 * @param batch samples, where that is known
 * @throws ERR_ARGUMENT when there is none
 */
export function scalarOutput({ outputs }: Graph, batch = 1): GraphVariable {
  const [output] = outputs;
  const single = (value: GraphVariable) =>
    isFloat(value) && value.shape.every((size) => size === 1) && (!value.batched || batch === 1);
  if (outputs.length === 1 && output !== undefined && single(output)) return output;
  const given =
    outputs.length === 1 ? describe(output as GraphVariable) : `${outputs.length} values`;
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[evaluate] reverse mode starts from one floating value of one element but the graph gives ${given}: values() needs no such output, and net.graph({ loss }) has one`,
  );
}

/** Every value, and the adjoint of every floating value that a message comes to. */
export function evaluateGraph(graph: Graph, bound: Bound, options: RunOptions): GraphEvaluation {
  const output = scalarOutput(graph, bound.batch);
  const copy = replay(graph);
  const originalOf = new Map([...copy.copyOf].map(([original, own]) => [own, original]));
  const inputs = copy.tracer.inputs.map(({ variable }) => variable);
  const { of, order } = differentiate(copy.copyOf.get(output) as GraphVariable, inputs, {
    besides: [...copy.copyOf.values()],
  });
  const operands = order.map((variable) => of.get(variable) as Operand);
  const { values, results } = compute(copy, bound, operands, options);
  const originals = order.map((variable) => originalOf.get(variable) as GraphVariable);
  const adjoints = new Map(originals.map((variable, i) => [variable, results[i] as Tensor]));
  return new GraphEvaluation(graph, values, adjoints, originals);
}
