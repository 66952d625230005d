import { argumentError, checkBoolean, checkOptions, StridenetError } from '../../errors.ts';
import { type DType, Tensor } from '../../tensor.ts';
import { type Graph, GraphVariable, type Node } from '../graph.ts';
import { nameValues } from '../names.ts';
import { withGradients } from '../withGradients.ts';
import type {
  Drawing,
  DrawingOptions,
  DrawnEdge,
  DrawnKind,
  DrawnLine,
  DrawnValues,
} from './drawing.ts';
import {
  formatAttributes,
  formatNumber,
  formatSpec,
  formatTensor,
  operandName,
  outputName,
} from './labels.ts';
import { commonScope, Places } from './places.ts';

/** The frame of what reverse mode adds. */
const reverseMode = 'reverse mode';

/** What is drawn, with what is known of it. */
interface Subject {
  readonly graph: Graph;
  readonly numbers: DrawnValues;
  /** Whether it is told apart which of several values of an operator each is. */
  readonly detailed: boolean;
  /** The nodes that reverse mode added. */
  readonly backward: ReadonlySet<Node>;
  /** The values whose adjoint each value is. */
  readonly adjointOf: ReadonlyMap<GraphVariable, GraphVariable>;
  /** The inputs whose gradients the last outputs are. */
  readonly sources: readonly GraphVariable[];
}

/** Where a value comes from. */
interface Source {
  readonly id: string;
  /** What is said of the value at each edge, '' when its node says it all. */
  readonly label: string;
  /** What an input is called; '' of others. */
  readonly name: string;
  /** It stands beside the one that reads it. */
  readonly side: boolean;
  /** Reverse mode adds it. */
  readonly backward: boolean;
}

const parameterNames = new Set(['params', 'parameters', 'θ', 'theta', 'weight', 'bias']);

/** Whether an input is learned: a state, or called so. */
function isParameter(name: string, role: string): boolean {
  const parts = name.split('.');
  return (
    role === 'state' || [parts[0], parts.at(-1)].some((part) => parameterNames.has(part ?? ''))
  );
}

/** Inputs, constants and what operators give. */
function valuesOf({ inputs, constants, nodes }: Graph): GraphVariable[] {
  return [
    ...inputs.map(({ variable }) => variable),
    ...constants.keys(),
    ...nodes.flatMap(({ outputs }) => outputs),
  ];
}

/** The dtype of most floating values: the one that need not be said. */
function usualDType(values: readonly GraphVariable[]): DType | null {
  const counts = new Map<DType, number>();
  for (const { dtype } of values) {
    if (dtype.startsWith('float')) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

/** Describes one graph. */
class Drawer {
  readonly #subject: Subject;
  readonly #names: ReadonlyMap<GraphVariable, string>;
  readonly #usual: DType | null;
  /** Whether all values are numbers of one dtype. */
  readonly #scalar: boolean;
  /** The scopes of the nodes that read each value, '' for an output. */
  readonly #readers = new Map<GraphVariable, string[]>();
  readonly #places: Places;
  readonly #edges: DrawnEdge[] = [];
  readonly #sources = new Map<GraphVariable, Source>();

  constructor(subject: Subject, clusters: boolean) {
    this.#subject = subject;
    const { graph } = subject;
    const values = valuesOf(graph);
    this.#names = nameValues(graph);
    this.#usual = usualDType(values);
    this.#scalar = values.every(({ shape, dtype }) => shape.length === 0 && dtype === this.#usual);
    const scopes = graph.nodes.map((node) => this.#scopeOf(node));
    this.#places = new Places(clusters, scopes);
    for (const node of graph.nodes) {
      for (const input of node.inputs) if (input) this.#note(input, this.#scopeOf(node));
    }
    for (const output of graph.outputs) this.#note(output, '');
    for (const { value } of graph.updates) this.#note(value, '');
  }

  draw(direction: 'TB' | 'LR'): Drawing {
    const { inputs, constants, nodes } = this.#subject.graph;
    for (const { variable, role } of inputs) this.#input(variable, role);
    for (const [variable, tensor] of constants) this.#constant(variable, tensor);
    for (const node of nodes) this.#operator(node);
    this.#ends();
    return { direction, root: this.#places.root, edges: this.#edges };
  }

  #note(variable: GraphVariable, scope: string): void {
    const list = this.#readers.get(variable);
    if (list === undefined) this.#readers.set(variable, [scope]);
    else list.push(scope);
  }

  #scopeOf(node: Node): string {
    return this.#subject.backward.has(node) ? reverseMode : node.scope;
  }

  #input(variable: GraphVariable, role: string): void {
    const name = this.#names.get(variable) as string;
    const kind = isParameter(name, role) ? 'parameter' : 'input';
    const readers = this.#readers.get(variable) ?? [];
    const lines = [...this.#shape(variable), ...this.#numbers(variable)];
    const forward = readers.filter((scope) => scope !== reverseMode);
    const id = this.#places.add(kind === 'input' ? '' : commonScope(forward), {
      ...{ kind, title: name, lines },
    });
    const side = kind === 'parameter' && forward.length === 1;
    this.#sources.set(variable, { id, label: '', name, side, backward: false });
  }

  #constant(variable: GraphVariable, tensor: Tensor): void {
    const readers = this.#readers.get(variable);
    if (readers === undefined) return;
    const { data, size, shape, dtype } = tensor;
    const title = size === 1 ? formatNumber(data[0] as number) : 'constant';
    const plain = shape.length === 0 && dtype === this.#usual;
    const numbers = this.#numbers(variable).filter(({ role }) => size > 1 || role !== 'value');
    const lines = [...(plain ? [] : this.#shape(variable)), ...numbers];
    const scope = commonScope(readers);
    const id = this.#places.add(scope, { kind: 'constant', title, lines });
    const side = readers.length === 1;
    this.#sources.set(variable, { id, label: '', name: '', side, backward: scope === reverseMode });
  }

  #operator(node: Node): void {
    const { operator, outputs } = node;
    const backward = this.#subject.backward.has(node);
    const read = outputs.filter((output) => this.#readers.has(output));
    const several = read.length > 1;
    const shown = read.length === 0 ? outputs.slice(0, 1) : read;
    const written = formatAttributes(node).join(', ');
    const lines: DrawnLine[] = written === '' ? [] : [{ role: 'attributes', text: written }];
    if (!several) lines.push(...shown.flatMap((output) => this.#shape(output)));
    for (const output of shown) {
      lines.push(...this.#numbers(output, several ? ` of ${outputName(node, output)}` : ''));
    }
    const forward: DrawnKind = operator.alias ? 'view' : 'operator';
    const [first] = outputs;
    const unique = this.#subject.detailed && !backward && first && this.#names.get(first);
    const id = this.#places.add(this.#scopeOf(node), {
      ...{ kind: backward ? 'gradient' : forward, title: unique || operator.name, lines },
    });
    for (const output of outputs) {
      const label = several ? `${outputName(node, output)} ${formatSpec(output, this.#usual)}` : '';
      this.#sources.set(output, { id, label, name: '', side: false, backward });
    }
    node.inputs.forEach((input, i) => {
      if (input !== null) this.#edge(input, id, operandName(node, i), backward);
    });
  }

  #ends(): void {
    const { graph, sources } = this.#subject;
    const own = graph.outputs.length - sources.length;
    graph.outputs.forEach((output, i) => {
      const source = sources[i - own];
      const plain = own === 1 ? 'output' : `output ${i}`;
      const title = source === undefined ? plain : `∂/∂${this.#names.get(source)}`;
      const scope = source === undefined ? '' : reverseMode;
      const id = this.#places.add(scope, { kind: 'output', title, lines: [] });
      this.#edge(output, id);
    });
    for (const { state, value } of graph.updates) {
      const title = `next ${this.#names.get(state)}`;
      const id = this.#places.add('', { kind: 'update', title, lines: [] });
      this.#edge(value, id);
    }
  }

  #edge(variable: GraphVariable, to: string, operand = '', backward = false): void {
    const source = this.#sources.get(variable);
    if (source === undefined) {
      throw argumentError('draw', 'a graph whose nodes follow their operands', variable);
    }
    const { id, label, name } = source;
    const kept = backward && !source.backward;
    const side = source.side && !kept;
    const named =
      (side && name !== '') ||
      name === operand ||
      name.endsWith(`.${operand}`) ||
      label.startsWith(`${operand} `);
    const parts = [label, named ? '' : operand].filter((part) => part !== '');
    const kind = kept ? 'kept' : side ? 'side' : 'flow';
    this.#edges.push({ from: id, to, label: parts.join(' as '), kind });
  }

  /** Nothing in a graph of numbers alone: there it is always (). */
  #shape(variable: GraphVariable): DrawnLine[] {
    if (this.#scalar) return [];
    return [{ role: 'shape', text: formatSpec(variable, this.#usual) }];
  }

  /** Value and adjoint, or whose adjoint a value is. */
  #numbers(variable: GraphVariable, behind = ''): DrawnLine[] {
    const { numbers, adjointOf } = this.#subject;
    const lines: DrawnLine[] = [];
    const value = numbers.values.get(variable);
    if (value) lines.push({ role: 'value', text: formatTensor(`value${behind}`, value) });
    const adjoint = numbers.adjoints.get(variable);
    if (adjoint) lines.push({ role: 'adjoint', text: formatTensor(`t${behind}`, adjoint) });
    const origin = adjointOf.get(variable);
    if (origin === undefined) return lines;
    const name = `t of ${this.#names.get(origin)}`;
    const known = numbers.adjoints.get(origin);
    lines.push({ role: 'adjoint', text: known ? formatTensor(name, known) : name });
    return lines;
  }
}

/** The numbers that an option names. Throws ERR_ARGUMENT unless they are of values of the graph. */
function numbersOf(where: string, graph: Graph, given: unknown): DrawnValues {
  const numbers = given instanceof Map ? { values: given, adjoints: new Map() } : given;
  const { values, adjoints } = (numbers ?? {}) as Partial<DrawnValues>;
  if (!(values instanceof Map) || !(adjoints instanceof Map)) {
    throw argumentError(where, 'values to be what graph.evaluate or graph.values gives', given);
  }
  const own = new Set(valuesOf(graph));
  for (const variable of [...values.keys(), ...adjoints.keys()]) {
    if (own.has(variable)) continue;
    throw new StridenetError('ERR_ARGUMENT', `[${where}] values has those of another graph`);
  }
  for (const value of [...values.values(), ...adjoints.values()]) {
    if (!(value instanceof Tensor)) throw argumentError(where, 'values to be Tensors', value);
  }
  return { values, adjoints };
}

/** The graph with what reverse mode adds, and the numbers by values of that. */
function extended(graph: Graph, wanted: readonly GraphVariable[], numbers: DrawnValues): Subject {
  const { both, forward, copyOf, adjoints, reached } = withGradients(graph, wanted);
  const copy = (variable: GraphVariable) => copyOf.get(variable) as GraphVariable;
  const moved = (map: ReadonlyMap<GraphVariable, Tensor>) =>
    new Map([...map].map(([variable, tensor]) => [copy(variable), tensor]));
  const adjointOf = new Map<GraphVariable, GraphVariable>();
  for (const [variable, adjoint] of adjoints) {
    if (adjoint instanceof GraphVariable && !adjointOf.has(adjoint))
      adjointOf.set(adjoint, variable);
  }
  return {
    graph: both,
    numbers: { values: moved(numbers.values), adjoints: moved(numbers.adjoints) },
    detailed: true,
    backward: new Set(both.nodes.filter((node) => !forward.has(node))),
    adjointOf,
    sources: reached.map(copy),
  };
}

/**
 * The drawing of a graph; it depends on the graph and the options alone.
 *
 * @param where the name in messages
 * @param wanted the inputs whose gradients are drawn, if any are
 * @throws ERR_ARGUMENT for an option that is none, and for values of another graph;
 *   ERR_NOT_DIFFERENTIABLE for gradients of an operator that has none
 */
export function describeGraph(
  where: string,
  graph: Graph,
  wanted: readonly GraphVariable[],
  options: DrawingOptions,
): Drawing {
  checkOptions(where, options, ['direction', 'clusters', 'values', 'gradient']);
  const { direction = 'TB', clusters = true, values, gradient = false } = options;
  if (direction !== 'TB' && direction !== 'LR') {
    throw argumentError(where, "direction to be 'TB' or 'LR'", direction);
  }
  checkBoolean(where, 'clusters', clusters);
  const numbers = numbersOf(where, graph, values ?? new Map());
  const subject: Subject = checkBoolean(where, 'gradient', gradient)
    ? extended(graph, wanted, numbers)
    : {
        ...{ graph, numbers, detailed: values !== undefined },
        ...{ backward: new Set(), adjointOf: new Map(), sources: [] },
      };
  return new Drawer(subject, clusters).draw(direction);
}
