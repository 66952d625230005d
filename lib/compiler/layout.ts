import { type Graph, GraphVariable, type Node } from '../graph/graph.ts';
import type { Operator } from '../ops/operator.ts';
import { elementCount, sameShape } from '../shape.ts';
import { readers } from './uses.ts';

/**
 * How a value is stored: as users see it, or with its `channels` innermost, (N, area, channels) for
 * a value of shape (N, channels, …) or, flattened, (N, channels·area).
 */
export type Layout = 'public' | { readonly channels: number };

/** A graph in which every variable has a layout, and `reformat` nodes where it changes. */
export interface LaidOutGraph extends Graph {
  readonly layouts: ReadonlyMap<GraphVariable, Layout>;
}

/** x → the same value in the other layout: nothing for the reference, a transposition natively. */
export const reformatOperator: Operator = {
  name: 'reformat',
  inputs: ['x'],
  outputs: ['y'],
  infer: ([x]) => [x as NonNullable<typeof x>],
};

/** (channels, area) of one sample when its channels are innermost. */
export function sampleLayout(variable: GraphVariable, channels: number): [number, number] {
  return [channels, channels === 0 ? 0 : elementCount(variable.shape.slice(1)) / channels];
}

/** Where the dense operators read or write flattened activations: [input, output] indices. */
const flattened: Readonly<Record<string, { input?: number; output?: number }>> = {
  linear: { input: 0 },
  linearInputGradient: { output: 0 },
  linearWeightGradient: { input: 0 },
};

class LayoutPass {
  readonly layouts = new Map<GraphVariable, Layout>();
  readonly nodes: Node[] = [];
  readonly #uses: Map<GraphVariable, Node[]>;
  readonly #converted = new Map<GraphVariable, Map<string, GraphVariable>>();
  /** What takes a variable's place for its readers, when layouts are not kept. */
  readonly #replaced = new Map<GraphVariable, GraphVariable>();
  readonly #keep: boolean;

  constructor(graph: Graph, keep: boolean) {
    this.#keep = keep;
    this.#uses = readers(graph);
    for (const { variable } of graph.inputs) this.layouts.set(variable, 'public');
    for (const variable of graph.constants.keys()) this.layouts.set(variable, 'public');
  }

  layoutOf(variable: GraphVariable): Layout {
    return this.layouts.get(variable) ?? 'public';
  }

  /** `variable` in layout `wanted`, by a reformat node when it is stored otherwise. */
  convert(variable: GraphVariable, wanted: Layout, like: Node | null): GraphVariable {
    const current = this.layoutOf(variable);
    const key = wanted === 'public' ? 'public' : String(wanted.channels);
    if (key === (current === 'public' ? 'public' : String(current.channels))) return variable;
    const cached = this.#converted.get(variable)?.get(key);
    if (cached !== undefined) return cached;
    const source =
      current !== 'public' && wanted !== 'public'
        ? this.convert(variable, 'public', like)
        : variable;
    const result = new GraphVariable(variable.tracer, variable, variable.name, variable.producer);
    this.layouts.set(result, wanted);
    this.nodes.push({
      operator: reformatOperator,
      inputs: [source],
      outputs: [result],
      attributes: {},
      scope: like?.scope ?? '',
    });
    const known = this.#converted.get(variable) ?? new Map<string, GraphVariable>();
    this.#converted.set(variable, known.set(key, result));
    return result;
  }

  emit(node: Node, inputLayout: (i: number) => Layout, outputLayout: (i: number) => Layout): void {
    const inputs = node.inputs.map((input, i) =>
      input === null ? null : this.convert(input, inputLayout(i), node),
    );
    node.outputs.forEach((output, i) => {
      this.layouts.set(output, outputLayout(i));
    });
    this.nodes.push({ ...node, inputs });
    if (this.#keep) return;
    for (const output of node.outputs) {
      const visible = this.convert(output, 'public', node);
      if (visible !== output) this.#replaced.set(output, visible);
    }
  }

  /** The variable that readers of `variable` get. */
  current(variable: GraphVariable): GraphVariable {
    return this.#replaced.get(variable) ?? variable;
  }

  visit(recorded: Node): void {
    const inputs = recorded.inputs.map((input) => (input === null ? null : this.current(input)));
    const node = { ...recorded, inputs };
    const rule = node.operator.layout;
    if (rule === 'any') this.#any(node);
    else if (rule !== undefined) this.#channelsLast(node, rule.inputs, rule.outputs);
    else if (node.operator.name === 'reshape') this.#reshape(node);
    else if (node.operator.name in flattened) this.#dense(node);
    else
      this.emit(
        node,
        () => 'public',
        () => 'public',
      );
  }

  #channelsLast(node: Node, inputs: readonly number[], outputs: readonly number[]): void {
    const innermost = (variable: GraphVariable | null | undefined): Layout =>
      variable?.shape.length === 4 ? { channels: variable.shape[1] as number } : 'public';
    this.emit(
      node,
      (i) => (inputs.includes(i) ? innermost(node.inputs[i]) : 'public'),
      (i) => (outputs.includes(i) ? innermost(node.outputs[i]) : 'public'),
    );
  }

  /**
   * All operands follow the one that is not stored as users see it: values of rank 4 with their own
   * channels innermost, scalars as they are, and flattened images among their like.
   */
  #any(node: Node): void {
    const operands = [...node.inputs, ...node.outputs].filter((operand) => operand !== null);
    const layouts = node.inputs.map((input) => (input === null ? 'public' : this.layoutOf(input)));
    const found = layouts.find((layout) => layout !== 'public') ?? 'public';
    const { channelsLast } = node.operator;
    const images = operands.every(({ shape }) => shape.length === 4 || shape.length === 0);
    const arrays = operands.filter(({ shape }) => shape.length > 0);
    const alike = arrays.every(({ shape }) => sameShape(shape, arrays[0]?.shape ?? []));
    if (found === 'public' || !(images || (alike && channelsLast === undefined))) {
      this.emit(
        node,
        () => 'public',
        () => 'public',
      );
      return;
    }
    const own = (operand: GraphVariable | null | undefined): Layout => {
      if (operand?.shape.length === 0) return 'public';
      return operand?.shape.length === 4 ? { channels: operand.shape[1] as number } : found;
    };
    const attributes = channelsLast?.(node.attributes) ?? node.attributes;
    this.emit(
      { ...node, attributes },
      (i) => own(node.inputs[i]),
      (i) => own(node.outputs[i]),
    );
  }

  /**
   * (N,C,H,W) ↔ (N,C,L) ↔ (N,C·L), L = H·W, keeps channels innermost; any other reshape needs the
   * public order.
   */
  #reshape(node: Node): void {
    const [x] = node.inputs;
    const [y] = node.outputs;
    const layout = x ? this.layoutOf(x) : 'public';
    const keeps =
      x &&
      y &&
      layout !== 'public' &&
      node.attributes.keepFirst === true &&
      (y.shape.length === 2 || y.shape[1] === layout.channels);
    const chosen = keeps ? layout : 'public';
    this.emit(
      node,
      () => chosen,
      () => chosen,
    );
  }

  #dense(node: Node): void {
    const place = flattened[node.operator.name] ?? {};
    const x = place.input === undefined ? null : node.inputs[place.input];
    const read = x ? this.layoutOf(x) : 'public';
    const written = place.output === undefined ? 'public' : this.#unflattened(node);
    const channelsLast =
      read !== 'public' ? read.channels : written !== 'public' ? written.channels : 0;
    this.emit(
      { ...node, attributes: { ...node.attributes, channelsLast } },
      (i) => (i === place.input ? read : 'public'),
      (i) => (i === place.output ? written : 'public'),
    );
  }

  /** Channels innermost when all that reads the flat gradient makes images of it again. */
  #unflattened(node: Node): Layout {
    if (!this.#keep) return 'public';
    const uses = this.#uses.get(node.outputs[0] as GraphVariable) ?? [];
    const channels = new Set(
      uses.map((use) => {
        const shape = use.outputs[0]?.shape ?? [];
        const samples = use.operator.name === 'reshape' && use.attributes.keepFirst === true;
        return samples && shape.length === 4 ? shape[1] : undefined;
      }),
    );
    const [only] = channels;
    return channels.size === 1 && only !== undefined ? { channels: only } : 'public';
  }
}

/**
 * Gives every variable its layout: channels innermost where convolution and pooling read and write,
 * the public one at the borders of the graph, and as few changes in between as their order allows.
 * With `layout` false every operator gives its results in the public layout.
 */
export function chooseLayouts(graph: Graph, options: { layout?: boolean } = {}): LaidOutGraph {
  const pass = new LayoutPass(graph, options.layout !== false);
  for (const node of graph.nodes) pass.visit(node);
  const outputs = graph.outputs.map((output) => pass.convert(pass.current(output), 'public', null));
  const updates = graph.updates.map(({ state, value }) => ({
    state,
    value: pass.convert(pass.current(value), 'public', null),
  }));
  return { ...graph, nodes: pass.nodes, outputs, updates, layouts: pass.layouts };
}
