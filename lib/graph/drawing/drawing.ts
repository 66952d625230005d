import { argumentError, checkBoolean, checkOptions } from '../../errors.ts';
import type { DType, Tensor } from '../../tensor.ts';
import type { Graph, GraphVariable, Node } from '../graph.ts';
import { nameValues } from '../names.ts';
import { formatAttributes, formatNumber, formatSpec, formatTensor, operandName } from './labels.ts';

/** The numbers of a graph's values, such as `graph.evaluate` gives. */
export interface DrawnValues {
  readonly values: ReadonlyMap<GraphVariable, Tensor>;
  readonly adjoints: ReadonlyMap<GraphVariable, Tensor>;
}

/** How a graph is drawn. */
export interface DrawingOptions {
  /** From inputs to outputs: top to bottom (default) or left to right. */
  readonly direction?: 'TB' | 'LR';
  /** Layers as frames around their operators, nested as they are; default true. */
  readonly clusters?: boolean;
  /** Shows the value and the adjoint t of each node. */
  readonly values?: DrawnValues;
}

/** What a node stands for. `view` is an operator that gives its operand another shape. */
export type DrawnKind =
  | 'input'
  | 'parameter'
  | 'constant'
  | 'operator'
  | 'view'
  | 'output'
  | 'update';

/** One line under a node's title. */
export interface DrawnLine {
  readonly role: 'attributes' | 'shape' | 'value' | 'adjoint';
  readonly text: string;
}

export interface DrawnNode {
  /** 'n0', 'n1', … in the order of the graph. */
  readonly id: string;
  readonly kind: DrawnKind;
  readonly title: string;
  readonly lines: readonly DrawnLine[];
}

export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /** From a parameter or a constant that nothing else reads: it stands beside its reader. */
  readonly side: boolean;
}

/** A layer, or the whole graph. */
export interface Cluster {
  /** 'c0', 'c1', …; '' of the whole graph. */
  readonly id: string;
  readonly label: string;
  readonly nodes: DrawnNode[];
  readonly clusters: Cluster[];
}

/** A drawing without a format: what it has, not how it is written. */
export interface Drawing {
  readonly direction: 'TB' | 'LR';
  readonly root: Cluster;
  readonly edges: readonly DrawnEdge[];
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
function valuesOf(graph: Graph): GraphVariable[] {
  return [
    ...graph.inputs.map(({ variable }) => variable),
    ...graph.constants.keys(),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ];
}

/** The dtype of most floating values: the one that need not be said. */
function usualDType(graph: Graph): DType | null {
  const counts = new Map<DType, number>();
  for (const { dtype } of valuesOf(graph)) {
    if (dtype.startsWith('float')) counts.set(dtype, (counts.get(dtype) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

/** The nodes that read each value; null stands for the graph's own outputs. */
function readers(graph: Graph): Map<GraphVariable, (Node | null)[]> {
  const found = new Map<GraphVariable, (Node | null)[]>();
  const note = (variable: GraphVariable | null, node: Node | null): void => {
    if (variable === null) return;
    const list = found.get(variable);
    if (list === undefined) found.set(variable, [node]);
    else list.push(node);
  };
  for (const node of graph.nodes) for (const input of node.inputs) note(input, node);
  for (const output of graph.outputs) note(output, null);
  for (const { value } of graph.updates) note(value, null);
  return found;
}

/** The scope that all of these are in. */
function commonScope(nodes: readonly (Node | null)[]): string {
  const [first = [], ...rest] = nodes.map((node) => (node === null ? [] : node.scope.split('/')));
  let depth = first.length;
  for (const path of rest) {
    let same = 0;
    while (same < depth && path[same] === first[same]) same++;
    depth = same;
  }
  return first.slice(0, depth).join('/');
}

/** Collects nodes into clusters by scope. */
class Places {
  readonly root: Cluster = { id: '', label: '', nodes: [], clusters: [] };
  readonly #byScope = new Map<string, Cluster>([['', this.root]]);
  readonly #nested: boolean;
  #count = 0;

  constructor(nested: boolean) {
    this.#nested = nested;
  }

  at(scope: string): Cluster {
    const known = this.#byScope.get(this.#nested ? scope : '');
    if (known !== undefined) return known;
    const cut = scope.lastIndexOf('/');
    const parent = this.at(cut < 0 ? '' : scope.slice(0, cut));
    const label = scope.slice(cut + 1);
    const made: Cluster = { id: `c${this.#count++}`, label, nodes: [], clusters: [] };
    parent.clusters.push(made);
    this.#byScope.set(scope, made);
    return made;
  }

  add(scope: string, node: Omit<DrawnNode, 'id'>): string {
    const id = `n${this.#nodes++}`;
    this.at(scope).nodes.push({ id, ...node });
    return id;
  }

  #nodes = 0;
}

interface Source {
  readonly id: string;
  /** What is said of the value at each edge, '' when its node says it all. */
  readonly label: string;
  /** What an input is called; '' of others. */
  readonly name: string;
  /** As of the edge. */
  readonly side: boolean;
}

class Drawer {
  readonly #graph: Graph;
  readonly #numbers: DrawnValues | null;
  readonly #usual: DType | null;
  readonly #scalar: boolean;
  readonly #readers: Map<GraphVariable, (Node | null)[]>;
  readonly #names: ReadonlyMap<GraphVariable, string>;
  readonly #places: Places;
  readonly #edges: DrawnEdge[] = [];
  /** Where each value comes from, and what its edges say. */
  readonly #sources = new Map<GraphVariable, Source>();

  constructor(graph: Graph, clusters: boolean, numbers: DrawnValues | null) {
    this.#graph = graph;
    this.#numbers = numbers;
    this.#usual = usualDType(graph);
    this.#scalar = valuesOf(graph).every(
      ({ shape, dtype }) => shape.length === 0 && dtype === this.#usual,
    );
    this.#readers = readers(graph);
    this.#names = nameValues(graph);
    this.#places = new Places(clusters);
  }

  draw(direction: 'TB' | 'LR'): Drawing {
    this.#leaves();
    for (const node of this.#graph.nodes) this.#operator(node);
    this.#ends();
    return { direction, root: this.#places.root, edges: this.#edges };
  }

  #leaves(): void {
    for (const { variable, role } of this.#graph.inputs) {
      const title = this.#names.get(variable) as string;
      const kind = isParameter(title, role) ? 'parameter' : 'input';
      const scope = kind === 'input' ? '' : commonScope(this.#readers.get(variable) ?? []);
      const lines = [...this.#shape(variable), ...this.#valuesOf(variable, '')];
      const id = this.#places.add(scope, { kind, title, lines });
      const side = kind === 'parameter' && this.#readers.get(variable)?.length === 1;
      this.#sources.set(variable, { id, label: '', name: title, side });
    }
    for (const [variable, tensor] of this.#graph.constants) {
      const used = this.#readers.get(variable);
      if (used === undefined) continue;
      const single = tensor.size === 1;
      const title = single ? formatNumber(tensor.data[0] as number) : 'constant';
      const plain = single && tensor.shape.length === 0 && tensor.dtype === this.#usual;
      const lines = plain ? [] : this.#shape(variable);
      const scope = commonScope(used);
      const id = this.#places.add(scope, { kind: 'constant', title, lines });
      this.#sources.set(variable, { id, label: '', name: '', side: used.length === 1 });
    }
  }

  #operator(node: Node): void {
    const { operator, outputs, attributes, scope } = node;
    const read = outputs.filter((output) => this.#readers.has(output));
    const several = read.length > 1;
    const shown = several ? read : outputs.slice(0, 1).concat(read).slice(-1);
    const written = formatAttributes(attributes).join(', ');
    const lines: DrawnLine[] = written === '' ? [] : [{ role: 'attributes', text: written }];
    if (!several) lines.push(...shown.flatMap((output) => this.#shape(output)));
    const nameOf = (output: GraphVariable): string =>
      (operator.outputs[outputs.indexOf(output)] ?? '').replace('?', '');
    for (const output of shown)
      lines.push(...this.#valuesOf(output, several ? nameOf(output) : ''));
    const kind = operator.alias ? 'view' : 'operator';
    const id = this.#places.add(scope, { kind, title: operator.name, lines });
    for (const output of outputs) {
      const label = several ? `${nameOf(output)} ${formatSpec(output, this.#usual)}` : '';
      this.#sources.set(output, { id, label, name: '', side: false });
    }
    node.inputs.forEach((input, i) => {
      if (input !== null) this.#edge(input, id, operandName(node, i));
    });
  }

  #ends(): void {
    const { outputs, updates } = this.#graph;
    outputs.forEach((output, i) => {
      const title = outputs.length === 1 ? 'output' : `output ${i}`;
      const id = this.#places.add('', { kind: 'output', title, lines: [] });
      this.#edge(output, id);
    });
    for (const { state, value } of updates) {
      const title = `next ${this.#names.get(state)}`;
      const id = this.#places.add('', { kind: 'update', title, lines: [] });
      this.#edge(value, id);
    }
  }

  #edge(variable: GraphVariable, to: string, operand = ''): void {
    const source = this.#sources.get(variable);
    if (source === undefined) {
      throw argumentError('draw', 'a graph whose nodes follow their operands', variable);
    }
    const { id, label, name, side } = source;
    const named = (side && name !== '') || name === operand || name.endsWith(`.${operand}`);
    const parts = [label, named ? '' : operand].filter((part) => part !== '');
    this.#edges.push({ from: id, to, label: parts.join(' as '), side });
  }

  /** Nothing in a graph of numbers alone: there it is always (). */
  #shape(variable: GraphVariable): DrawnLine[] {
    if (this.#scalar) return [];
    return [{ role: 'shape', text: formatSpec(variable, this.#usual) }];
  }

  /** Value and adjoint of what is called `name` among several outputs. */
  #valuesOf(variable: GraphVariable, name: string): DrawnLine[] {
    const lines: DrawnLine[] = [];
    const behind = name === '' ? '' : ` of ${name}`;
    const value = this.#numbers?.values.get(variable);
    if (value) lines.push({ role: 'value', text: formatTensor(`value${behind}`, value) });
    const adjoint = this.#numbers?.adjoints.get(variable);
    if (adjoint) lines.push({ role: 'adjoint', text: formatTensor(`t${behind}`, adjoint) });
    return lines;
  }
}

function checkValues(where: string, graph: Graph, numbers: unknown): DrawnValues {
  const { values, adjoints } = (numbers ?? {}) as Partial<DrawnValues>;
  if (!(values instanceof Map) || !(adjoints instanceof Map)) {
    throw argumentError(where, 'values to be what graph.evaluate gives', numbers);
  }
  const own = new Set(valuesOf(graph));
  for (const variable of [...values.keys(), ...adjoints.keys()]) {
    if (own.has(variable)) continue;
    throw argumentError(where, 'values of this graph', 'an evaluation of another graph');
  }
  return { values, adjoints };
}

/**
 * The drawing of a graph; it depends on the graph and the options alone.
 * @param where the name in messages
 * @throws ERR_ARGUMENT for an option that is none, and for values of another graph
 */
export function drawGraph(where: string, graph: Graph, options: DrawingOptions): Drawing {
  checkOptions(where, options, ['direction', 'clusters', 'values']);
  const { direction = 'TB', clusters = true, values } = options;
  if (direction !== 'TB' && direction !== 'LR') {
    throw argumentError(where, "direction to be 'TB' or 'LR'", direction);
  }
  checkBoolean(where, 'clusters', clusters);
  const numbers = values === undefined ? null : checkValues(where, graph, values);
  return new Drawer(graph, clusters, numbers).draw(direction);
}
