import type { GraphVariable, Node } from '../graph/graph.ts';
import type { Attributes, Spec } from '../ops/operator.ts';
import type { Tensor } from '../tensor.ts';
import { type LaidOutGraph, type Layout, sampleLayout } from './layout.ts';
import { nativeForm } from './nativeForm.ts';
import type { Buffer, BufferKind, Instruction } from './program.ts';
import { renames, schedule } from './schedule.ts';
import { checks, invariants, leaving, readers } from './uses.ts';

/** A call as the backend sees it when it is asked for scratch. */
export interface LoweredCall {
  readonly op: string;
  readonly inputs: readonly (Spec | null)[];
  readonly outputs: readonly (Spec | null)[];
  readonly attributes: Attributes;
}

/** Bytes of scratch that a call needs on the ISA that will run it; throws when it is refused. */
export type ScratchQuery = (call: LoweredCall) => number;

/**
 * Elements of the form that the weight of a call, its input 1, is packed into in each run and may
 * be given instead; 0 when there is none. For the ISA that will run it.
 */
export type PackedQuery = (call: LoweredCall) => number;

/** Instructions over buffers that have no place in the arena yet. */
export interface LoweredProgram {
  readonly batch: number;
  readonly buffers: Buffer[];
  readonly instructions: Instruction[];
  readonly feeds: readonly number[];
  readonly states: readonly number[];
  readonly fetches: readonly number[];
  readonly constants: readonly { readonly buffer: number; readonly tensor: Tensor }[];
  readonly bufferOf: ReadonlyMap<GraphVariable, number>;
}

function physicalShape(variable: GraphVariable, layout: Layout): readonly number[] {
  const { shape } = variable;
  if (layout === 'public' || shape.length !== 4) return shape;
  const [n = 0, c = 0, h = 0, w = 0] = shape;
  return [n, h, w, c];
}

class Lowering {
  readonly graph: LaidOutGraph;
  readonly scratch: ScratchQuery;
  readonly packed: PackedQuery;
  readonly buffers: Buffer[] = [];
  readonly instructions: Instruction[] = [];
  readonly bufferOf = new Map<GraphVariable, number>();
  readonly constants: { buffer: number; tensor: Tensor }[] = [];
  readonly #read: ReadonlySet<GraphVariable>;
  readonly #states = new Map<GraphVariable, number>();
  readonly #invariant: ReadonlySet<GraphVariable>;
  /** The buffer of each packed weight, by what it was packed from and how. */
  readonly #packedWeights = new Map<string, number>();
  /** The state whose new value a variable is. */
  readonly #updated: ReadonlyMap<GraphVariable, GraphVariable>;

  constructor(graph: LaidOutGraph, scratch: ScratchQuery, packed: PackedQuery = () => 0) {
    this.graph = graph;
    this.scratch = scratch;
    this.packed = packed;
    this.#invariant = invariants(graph);
    this.#read = new Set(readers(graph).keys());
    // The first of several states with one new value may be overwritten where it stands.
    this.#updated = new Map([...graph.updates].reverse().map(({ state, value }) => [value, state]));
  }

  add(spec: Spec, kind: BufferKind, of?: number): number {
    const buffer: Buffer = {
      shape: spec.shape,
      dtype: spec.dtype,
      batched: spec.batched === true,
      kind,
      ...(of === undefined ? {} : { of }),
    };
    return this.buffers.push(buffer) - 1;
  }

  view(of: number, spec: Spec): number {
    const root = this.buffers[of]?.of ?? of;
    return this.add(spec, 'view', root);
  }

  stored(variable: GraphVariable): Spec {
    const layout = this.graph.layouts.get(variable) ?? 'public';
    return {
      shape: physicalShape(variable, layout),
      dtype: variable.dtype,
      batched: variable.batched === true,
    };
  }

  buffer(variable: GraphVariable): number {
    const id = this.bufferOf.get(variable);
    if (id === undefined) throw new Error(`variable ${variable.id} has no buffer`);
    return id;
  }

  call(
    op: string,
    inputs: readonly number[],
    outputs: readonly number[],
    attributes: Attributes,
  ): LoweredCall {
    const spec = (id: number): Spec | null => (id < 0 ? null : (this.buffers[id] as Spec));
    return { op, inputs: inputs.map(spec), outputs: outputs.map(spec), attributes };
  }

  emit(
    op: string,
    inputs: readonly number[],
    outputs: readonly number[],
    attributes: Attributes,
    node: Node | null = null,
  ): void {
    const scratchBytes = this.scratch(this.call(op, inputs, outputs, attributes));
    const inPlace = node?.operator.inPlace ?? [];
    this.instructions.push({ op, inputs, outputs, attributes, inPlace, node, scratchBytes });
  }

  inputs(): { feeds: number[]; states: number[] } {
    const feeds: number[] = [];
    const states: number[] = [];
    for (const { variable, role } of this.graph.inputs) {
      const id = this.add(variable, role);
      (role === 'feed' ? feeds : states).push(id);
      if (role === 'state') this.#states.set(variable, id);
      this.bufferOf.set(variable, id);
    }
    for (const [variable, tensor] of this.graph.constants) {
      const id = this.add(variable, 'constant');
      this.bufferOf.set(variable, id);
      this.constants.push({ buffer: id, tensor });
    }
    return { feeds, states };
  }

  /** The state that output `o` of an update may overwrite where it stands, or −1. */
  inPlaceState(node: Node, o: number, needed: (variable: GraphVariable) => boolean): number {
    const state = this.#updated.get(node.outputs[o] as GraphVariable);
    if (state === undefined || needed(state)) return -1;
    const reads = node.inputs.filter((input) => input === state).length;
    const inPlace = node.operator.inPlace?.some(
      ([output, input]) => output === o && node.inputs[input] === state,
    );
    if (reads > 1 || (reads === 1 && !inPlace)) return -1;
    return this.#states.get(state) ?? -1;
  }

  reformat(node: Node): void {
    const [x, y] = [node.inputs[0] as GraphVariable, node.outputs[0] as GraphVariable];
    const [from, to] = [x, y].map((variable) => this.graph.layouts.get(variable) ?? 'public');
    const toChannelsLast = to !== 'public';
    const channels = (toChannelsLast ? to : from) as Exclude<Layout, 'public'>;
    const [c, area] = sampleLayout(y, channels.channels);
    const source = this.buffer(x);
    if (c <= 1 || area <= 1) {
      this.bufferOf.set(y, this.view(source, this.stored(y)));
      return;
    }
    const n = x.shape[0] as number;
    const { dtype } = x;
    const batched = x.batched === true;
    const target = this.add(this.stored(y), 'temporary');
    const publicShape = { shape: [n, c, area], dtype, batched };
    const lastShape = { shape: [n, area, c], dtype, batched };
    const read = this.view(source, toChannelsLast ? publicShape : lastShape);
    const written = this.view(target, toChannelsLast ? lastShape : publicShape);
    this.emit('transpose', [read], [written], { axes: [0, 2, 1] });
    this.bufferOf.set(y, target);
  }

  node(
    node: Node,
    fetched: ReadonlySet<GraphVariable>,
    needed: (variable: GraphVariable) => boolean,
  ): void {
    if (node.operator.name === 'reformat') {
      this.reformat(node);
      return;
    }
    if (node.operator.alias) {
      const [x, y] = [node.inputs[0] as GraphVariable, node.outputs[0] as GraphVariable];
      this.bufferOf.set(y, this.view(this.buffer(x), this.stored(y)));
      return;
    }
    const inputs = node.inputs.map((input) => (input === null ? -1 : this.buffer(input)));
    const outputs = node.outputs.map((output, o) => {
      const optional = node.operator.outputs[o]?.endsWith('?') === true;
      const kept = this.#read.has(output) || fetched.has(output);
      if (optional && !kept && !this.#updated.has(output)) return -1;
      const state = this.inPlaceState(node, o, needed);
      const id =
        state >= 0
          ? state
          : this.add(this.stored(output), fetched.has(output) ? 'fetch' : 'temporary');
      this.bufferOf.set(output, id);
      return id;
    });
    const call = nativeForm(node.operator, { inputs, outputs, attributes: node.attributes });
    this.emitPacked(node, call.inputs, call.outputs, call.attributes);
  }

  /** A node's instruction, whose weight is packed once when it is the same in every step. */
  emitPacked(
    node: Node,
    inputs: readonly number[],
    outputs: readonly number[],
    attributes: Attributes,
  ): void {
    const { name } = node.operator;
    const pack = packers[name];
    const [, weight] = node.inputs;
    const [x = -1, from = -1, ...rest] = inputs;
    const invariant = pack !== undefined && weight != null && this.#invariant.has(weight);
    const elements = invariant ? this.packed(this.call(name, inputs, outputs, attributes)) : 0;
    if (elements === 0 || pack === undefined) {
      this.emit(name, inputs, outputs, attributes, node);
      return;
    }
    const { shape, dtype } = this.buffers[from] as Buffer;
    const how = pack.attributes(attributes, (this.buffers[x] as Buffer).shape);
    const key = `${from} ${pack.op} ${JSON.stringify(how)}`;
    const known = this.#packedWeights.get(key);
    const packed = known ?? this.add({ shape: [elements], dtype }, 'temporary');
    if (known === undefined) {
      this.emit(pack.op, [from], [packed], how);
      this.#packedWeights.set(key, packed);
    }
    const given = { ...attributes, packedWeight: shape };
    this.emit(name, [x, packed, ...rest], outputs, given, node);
  }

  run(): LoweredProgram {
    const { feeds, states } = this.inputs();
    const nodes = schedule(this.graph);
    const fetched = this.fetchedDirectly(nodes);
    const lastRead = this.lastReads(nodes);
    const refusing = checks(nodes);
    const lastCheck = nodes.findLastIndex((node) => refusing.has(node));
    nodes.forEach((node, i) => {
      // A step that is refused leaves states as they were.
      const needed = (variable: GraphVariable) =>
        i < lastCheck || (lastRead.get(variable) ?? -1) > i;
      this.node(node, fetched, needed);
    });
    const fetches = this.fetches();
    this.updates();
    return {
      batch: this.graph.batch,
      buffers: this.buffers,
      instructions: this.instructions,
      feeds,
      states,
      fetches,
      constants: this.constants,
      bufferOf: this.bufferOf,
    };
  }

  /** The index of the last node that reads each variable, or an alias of it. */
  lastReads(nodes: readonly Node[]): Map<GraphVariable, number> {
    const source = new Map<GraphVariable, GraphVariable>();
    for (const node of nodes) {
      if (!renames(node)) continue;
      source.set(node.outputs[0] as GraphVariable, node.inputs[0] as GraphVariable);
    }
    const last = new Map<GraphVariable, number>();
    const read = (variable: GraphVariable, i: number): void => {
      for (let v: GraphVariable | undefined = variable; v !== undefined; v = source.get(v)) {
        last.set(v, i);
      }
    };
    nodes.forEach(({ inputs }, i) => {
      for (const input of inputs) if (input !== null) read(input, i);
    });
    for (const output of leaving(this.graph)) read(output, nodes.length);
    return last;
  }

  /**
   * Outputs that their instruction can write straight into a fetch: those named once, as
   * instructions read no fetch.
   */
  fetchedDirectly(nodes: readonly Node[]): Set<GraphVariable> {
    const [outputs, repeated] = [new Set<GraphVariable>(), new Set<GraphVariable>()];
    for (const output of this.graph.outputs) (outputs.has(output) ? repeated : outputs).add(output);
    const direct = (v: GraphVariable): boolean =>
      outputs.has(v) && !repeated.has(v) && !this.#updated.has(v) && !this.#read.has(v);
    return new Set(
      nodes.filter((node) => !renames(node)).flatMap((node) => node.outputs.filter(direct)),
    );
  }

  fetches(): number[] {
    return this.graph.outputs.map((output) => {
      const id = this.buffer(output);
      if (this.buffers[id]?.kind === 'fetch') return id;
      const copy = this.add(output, 'fetch');
      this.emit('copy', [id], [copy], {});
      return copy;
    });
  }

  updates(): void {
    const pending = this.graph.updates
      .map(({ state, value }) => ({ target: this.buffer(state), value }))
      .filter(({ target, value }) => this.buffer(value) !== target)
      .map(({ target, value }) => {
        const source = this.buffer(value);
        const root = this.buffers[source]?.of ?? source;
        if (this.buffers[root]?.kind !== 'state') return { target, source };
        const held = this.add(value, 'temporary');
        this.emit('copy', [source], [held], {});
        return { target, source: held };
      });
    for (const { target, source } of pending) this.emit('copy', [source], [target], {});
  }
}

interface Packer {
  readonly op: string;
  /** Of the operator that packs, given those of the one that reads and the shape of its x. */
  readonly attributes: (attributes: Attributes, x: readonly number[]) => Attributes;
}

const conv2dPacker: Packer = {
  op: 'packConv2dWeight',
  attributes(attributes, [, height = 0, width = 0]) {
    const { stride, padding, dilation, groups, flipKernel, winograd = false } = attributes;
    const inputSize = [height, width];
    return { stride, padding, dilation, groups, flipKernel, winograd, inputSize };
  },
};

/** Who packs the weight of an operator. */
const packers: Readonly<Record<string, Packer>> = {
  conv2d: conv2dPacker,
  conv2dMaxPool: conv2dPacker,
  linear: {
    op: 'packLinearWeight',
    attributes: ({ channelsLast }) => ({ channelsLast }),
  },
};

/**
 * Nodes become instructions, variables become buffers: aliases and changes of layout that move
 * nothing become views, updates overwrite their state where the operator allows it, nobody reads the
 * old value any more and nothing may still refuse the step, outputs are written straight into
 * fetches where they can be. Weights that are the same in every step are packed by instructions of
 * their own where `packed` says how large that is.
 * @throws what `scratch` throws for a call that the backend refuses
 */
export function lower(
  graph: LaidOutGraph,
  scratch: ScratchQuery,
  packed?: PackedQuery,
): LoweredProgram {
  return new Lowering(graph, scratch, packed).run();
}
