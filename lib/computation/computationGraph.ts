import { inspect } from 'node:util';
import { checkRunOptions, type RunOptions, runOptionNames } from '../backends/options.ts';
import { argumentError, checkOptions } from '../errors.ts';
import { describeGraph } from '../graph/drawing/describe.ts';
import { writeDot } from '../graph/drawing/dot.ts';
import type { Drawing, DrawingOptions } from '../graph/drawing/drawing.ts';
import { writeMermaid } from '../graph/drawing/mermaid.ts';
import { renderSvg } from '../graph/drawing/svg.ts';
import type { Graph, GraphInput, GraphVariable, Node, StateUpdate } from '../graph/graph.ts';
import { nameValues } from '../graph/names.ts';
import { defaultSources } from '../graph/withGradients.ts';
import { unknownName } from '../nearest.ts';
import { Tensor } from '../tensor.ts';
import { type Bound, bind } from './bind.ts';
import { type CostOptions, costOf, type GraphCost } from './cost.ts';
import { evaluateGraph, type GraphEvaluation, scalarOutput, valuesOf } from './evaluate.ts';
import { formatGraph } from './format.ts';
import { type GraphJson, graphJson } from './json.ts';

/** Settings of `with`. */
export interface GraphSettings extends RunOptions {
  /** Values of states, by name, in place of those that they have. */
  states?: ReadonlyMap<string, Tensor>;
}

/** What is known of a graph besides its data. */
export interface GraphDetails {
  /** The arguments that it is called with: its feeds, in nested containers or not. */
  readonly arguments?: readonly unknown[];
  /** The present values of its states, by name. */
  readonly states?: () => ReadonlyMap<string, Tensor>;
  /** The states that are learned; default: all that are floating. */
  readonly learned?: readonly GraphVariable[];
  readonly run?: RunOptions;
}

/**
 * A function of operators as a graph that can be looked at: `sn.trace` makes it of a function,
 * `net.graph` of a network. Backends run it like any Graph. A are the arguments that it is evaluated
 * with. Its lists are frozen; its constants are its own memory, which must not be written to.
 */
export class ComputationGraph<A extends readonly unknown[] = readonly unknown[]> implements Graph {
  /** Feeds and states in the order of the arguments that were traced. */
  readonly inputs: readonly GraphInput[];
  /**
   * Tensors that the function used without being given them. The graph's own memory: not to be
   * written to.
   */
  readonly constants: ReadonlyMap<GraphVariable, Tensor>;
  /** Calls of operators, each behind those that compute its operands. */
  readonly nodes: readonly Node[];
  /** What the function gave, in its order. */
  readonly outputs: readonly GraphVariable[];
  /** What states are after a step. */
  readonly updates: readonly StateUpdate[];
  /** The bound of the batch, 0 when nothing is batched. */
  readonly batch: number;
  readonly #details: GraphDetails;
  #names: ReadonlyMap<GraphVariable, string> | null = null;

  /**
   * Use `trace`.
   * @param details what `trace` knows of the function
   */
  constructor(graph: Graph, details: GraphDetails = {}) {
    const { inputs, constants, nodes, outputs, updates, batch } = graph;
    this.inputs = inputs;
    this.constants = constants;
    this.nodes = nodes;
    this.outputs = outputs;
    this.updates = updates;
    this.batch = batch;
    this.#details = details;
  }

  /**
   * What a value of the graph is called: an input's name ('x1', '0.weight'), 'constant', or the
   * operator that makes it ('mul'); each name once ('mul_2').
   * @param value an input, a constant or a result of a node
   * @throws ERR_ARGUMENT for a value of another graph
   */
  nameOf(value: GraphVariable): string {
    const name = this.#known().get(value);
    if (name === undefined) throw argumentError('nameOf', 'a value of this graph', value);
    return name;
  }

  /**
   * The value of that name, see `nameOf`.
   * @param name as `nameOf` gives it
   * @throws ERR_ARGUMENT when there is none
   */
  named(name: string): GraphVariable {
    for (const [variable, known] of this.#known()) if (known === name) return variable;
    throw unknownName('named', 'name of a value of this graph', name, [...this.#known().values()]);
  }

  /**
   * Every value and its adjoint: the graph is computed node by node, then walked back from its
   * output, t_n = Σ_c ∂f_c/∂f_n · t_c over all children c of n, t = 1 at the output.
   *
   * @param inputs like the arguments of the function that was traced; of a network's graph x, and
   *   labels where it has a loss. Batched ones may have fewer samples than they were traced with
   * @throws ERR_ARGUMENT unless the output is one floating value of one element, and for other
   *   arguments than the traced ones; ERR_SHAPE, ERR_DTYPE that name the input; what the operators
   *   throw; ERR_NOT_DIFFERENTIABLE when one has no gradient
   */
  evaluate(...inputs: A): GraphEvaluation {
    scalarOutput(this);
    return evaluateGraph(this, this.#bind('evaluate', inputs), this.#details.run ?? {});
  }

  /**
   * The value of every input, constant and node, of any graph. Throws what `evaluate` throws.
   * @param inputs as the function that was traced takes them
   */
  values(...inputs: A): ReadonlyMap<GraphVariable, Tensor> {
    return valuesOf(this, this.#bind('values', inputs), this.#details.run ?? {});
  }

  /**
   * Multiply-adds, bytes moved and peak memory of the graph and of its gradients, counted from the
   * shapes that it was traced with. Outputs that are not scalar count with a seed of their shape.
   *
   * @throws ERR_ARGUMENT, ERR_DTYPE for an input in `wrt` that is none, or integer;
   *   ERR_NOT_DIFFERENTIABLE when an operator on the way has no gradient
   */
  cost(options: CostOptions = {}): GraphCost {
    return costOf(this, this.#details.learned, options);
  }

  /**
   * The same graph, its values too, evaluated otherwise: by another backend or with other values of
   * its states, which are copied now.
   * @throws ERR_ARGUMENT for an option that is none and for a state that the graph does not have
   */
  with(settings: GraphSettings): ComputationGraph<A> {
    checkOptions('with', settings, [...runOptionNames, 'states']);
    const { states = new Map(), ...run } = settings;
    checkRunOptions('with', run);
    if (!(states instanceof Map))
      throw argumentError('with', 'states to be a Map of Tensors', states);
    const names = this.inputs.flatMap(({ role, variable }) =>
      role === 'state' ? (variable.name ?? []) : [],
    );
    for (const [name, value] of states) {
      if (!names.includes(name)) throw unknownName('with', 'state of this graph', name, names);
      if (!(value instanceof Tensor)) throw argumentError('with', `${name} to be a Tensor`, value);
    }
    const own = new Map([...states].map(([name, value]) => [name, value.clone()]));
    const known = this.#details.states ?? (() => new Map());
    return new ComputationGraph(this, {
      ...this.#details,
      states: () => new Map([...known(), ...own]),
      run: { ...this.#details.run, ...run },
    });
  }

  /**
   * The graph in Mermaid's language for flowcharts, which GitHub and many editors draw within
   * Markdown.
   * @throws ERR_ARGUMENT for an option that is none, and for values of another graph;
   *   ERR_NOT_DIFFERENTIABLE when gradients are to be drawn and an operator has none
   */
  toMermaid(options: DrawingOptions = {}): string {
    return writeMermaid(this.#describe('toMermaid', options));
  }

  /** The graph in Graphviz's language. Throws what `toMermaid` throws. */
  toDot(options: DrawingOptions = {}): string {
    return writeDot(this.#describe('toDot', options));
  }

  /**
   * The graph as an SVG picture, laid out by Graphviz: the package @viz-js/viz must be installed.
   * Layout has a thread of its own; docs/drawing.md tells how long large graphs take.
   *
   * @throws ERR_PACKAGE_NOT_FOUND when it is not; ERR_LAYOUT when it fails; what `toMermaid` throws
   */
  async toSvg(options: DrawingOptions = {}): Promise<string> {
    return renderSvg(writeDot(this.#describe('toSvg', options)));
  }

  #describe(where: string, options: DrawingOptions): Drawing {
    return describeGraph(where, this, defaultSources(this, this.#details.learned), options);
  }

  /** A table of text: every value with what it is, its dtype and shape, and its scope. */
  toString(): string {
    return formatGraph(this);
  }

  /** What JSON.stringify writes: the graph as plain data, its values by name. */
  toJSON(): GraphJson {
    return graphJson(this);
  }

  /** What console.log shows. */
  [inspect.custom](): string {
    return this.toString();
  }

  #known(): ReadonlyMap<GraphVariable, string> {
    this.#names ??= nameValues(this);
    return this.#names;
  }

  #bind(where: string, given: readonly unknown[]): Bound {
    const feeds = this.inputs.flatMap(({ role, variable }) => (role === 'feed' ? variable : []));
    const { arguments: traced = feeds, states = () => new Map() } = this.#details;
    return bind(where, this.inputs, traced, given, states());
  }
}
