import { inspect } from 'node:util';
import type { BackendName, Executable } from '../backends/backend.ts';
import { backendOf, defaultBackend } from '../backends/index.ts';
import { KeptPrograms } from '../backends/kept.ts';
import type { RunOptions } from '../backends/options.ts';
import { StridenetError } from '../errors.ts';
import { differentiate, isFloat } from '../graph/differentiate.ts';
import type { Graph, GraphVariable } from '../graph/graph.ts';
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

/** A copy of a graph made ready to run, with what is to be computed of it. */
interface Prepared {
  readonly backend: BackendName;
  readonly copyOf: ReadonlyMap<GraphVariable, GraphVariable>;
  readonly constants: ReadonlyMap<GraphVariable, Tensor>;
  /** Values of the graph, and what their adjoints are in the copy. */
  readonly adjoints: readonly (readonly [GraphVariable, GraphVariable])[];
  /** It gives all that is neither an input nor a constant. */
  readonly graph: Graph;
  readonly program: Executable;
}

/** Makes all values of the copy and `adjoints` ready to run, passes that change nodes left out. */
function prepare(
  { tracer, copyOf }: Replay,
  adjoints: readonly (readonly [GraphVariable, Operand])[],
  { backend = defaultBackend(), passes, ...options }: RunOptions,
): Prepared {
  const wanted = tracer.graph(adjoints.map(([, adjoint]) => adjoint)).outputs;
  const constants = new Map(tracer.constants);
  const given = new Set([...constants.keys(), ...tracer.inputs.map(({ variable }) => variable)]);
  const all = [...new Set([...copyOf.values(), ...wanted])];
  const graph = tracer.graph(all.filter((variable) => !given.has(variable)));
  const program = backendOf(backend).prepare(graph, {
    ...options,
    passes: { ...passes, fuse: false },
  });
  const own = adjoints.map(([value], i) => [value, wanted[i] as GraphVariable] as const);
  return { backend, copyOf, constants, adjoints: own, graph, program };
}

/** Runs it; each value is in memory of its own. */
function run(
  { graph, program, copyOf, constants, adjoints }: Prepared,
  { values: given, batch }: Bound,
): { values: Map<GraphVariable, Tensor>; adjoints: Map<GraphVariable, Tensor> } {
  const found = new Map(constants);
  for (const [variable, value] of given) found.set(copyOf.get(variable) as GraphVariable, value);
  const tensorOf = (variable: GraphVariable): Tensor => found.get(variable) as Tensor;
  const named = (role: string) => graph.inputs.filter((input) => input.role === role);
  named('state').forEach(({ variable }, i) => {
    program.write(i, tensorOf(variable));
  });
  const feeds = named('feed').map(({ variable }) => feedOf(variable, tensorOf(variable)));
  const samples = graph.batch === 0 ? {} : { batch: Int32Array.of(batch) };
  const { fetches } = program.runSync({ steps: 1, feeds, ...samples });
  graph.outputs.forEach((variable, i) => {
    const { shape, dtype, batched } = variable;
    const actual = batched ? [batch, ...shape.slice(1)] : shape;
    const data = (fetches[i] as TypedArray).subarray(0, elementCount(actual));
    found.set(variable, new Tensor(data, actual, dtype));
  });
  const copies = (pairs: Iterable<readonly [GraphVariable, GraphVariable]>) =>
    new Map(Array.from(pairs, ([variable, own]) => [variable, tensorOf(own).clone()] as const));
  return { values: copies(copyOf), adjoints: copies(adjoints) };
}

/** Prepared runs of graphs by what they compute; those of large graphs are not kept. */
const kept = {
  values: new KeptPrograms<Graph, Prepared>(16, 64 * 2 ** 20),
  adjoints: new KeptPrograms<Graph, Prepared>(16, 64 * 2 ** 20),
};

/** Frees what is kept for evaluations to come. */
export function releaseEvaluations(): void {
  for (const programs of Object.values(kept)) programs.clear();
}

/** Runs what is kept of a graph, or else what `make` makes; options are always those of the graph. */
function runKept(
  what: keyof typeof kept,
  graph: Graph,
  bound: Bound,
  { backend = defaultBackend() }: RunOptions,
  make: () => Prepared,
): ReturnType<typeof run> {
  const known = kept[what].take(graph);
  if (known !== undefined && known.backend !== backend) known.program.dispose();
  const prepared = known?.backend === backend ? known : make();
  try {
    return run(prepared, bound);
  } finally {
    kept[what].keep(graph, prepared);
  }
}

/** The value of every input, constant and result of a node. */
export function valuesOf(
  graph: Graph,
  bound: Bound,
  options: RunOptions,
): ReadonlyMap<GraphVariable, Tensor> {
  const make = () => prepare(replay(graph), [], options);
  return runKept('values', graph, bound, options, make).values;
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

function prepareAdjoints(graph: Graph, output: GraphVariable, options: RunOptions): Prepared {
  const copy = replay(graph);
  const originalOf = new Map([...copy.copyOf].map(([original, own]) => [own, original]));
  const inputs = copy.tracer.inputs.map(({ variable }) => variable);
  const { of, order } = differentiate(copy.copyOf.get(output) as GraphVariable, inputs, {
    besides: [...copy.copyOf.values()],
  });
  const adjoints = order.map((variable) => {
    const original = originalOf.get(variable) as GraphVariable;
    return [original, of.get(variable) as Operand] as const;
  });
  return prepare(copy, adjoints, options);
}

/** Every value, and the adjoint of every floating value that a message comes to. */
export function evaluateGraph(graph: Graph, bound: Bound, options: RunOptions): GraphEvaluation {
  const output = scalarOutput(graph, bound.batch);
  const make = () => prepareAdjoints(graph, output, options);
  const { values, adjoints } = runKept('adjoints', graph, bound, options, make);
  return new GraphEvaluation(graph, values, adjoints, [...adjoints.keys()]);
}
