import type { Graph, GraphVariable, Node } from '../graph/graph.ts';
import { bufferBytes } from './program.ts';
import { checks, leaving, readers } from './uses.ts';

/** Whether a node gives its operand's memory under another shape, or may do so. */
export function renames({ operator }: Node): boolean {
  return operator.alias === true || operator.name === 'reformat';
}

/** Nodes that only give states their new values, last: by then every reader has had the old ones. */
function updatesLast(graph: Graph): { nodes: readonly Node[]; updates: ReadonlySet<Node> } {
  const read = new Set(readers(graph).keys());
  const values = new Set(graph.updates.map(({ value }) => value));
  const { nodes } = graph;
  const updates = new Set(
    nodes.filter(
      ({ outputs }) =>
        outputs.some((output) => values.has(output)) &&
        outputs.every((output) => !read.has(output)),
    ),
  );
  return { nodes: [...nodes.filter((node) => !updates.has(node)), ...updates], updates };
}

class Schedule {
  readonly #updates: ReadonlySet<Node>;
  readonly #nodes: readonly Node[];
  /** What must come before a node, and is not yet there. */
  readonly #waiting = new Map<Node, number>();
  readonly #followers = new Map<Node, Set<Node>>();
  /** The value whose memory a variable may be. */
  readonly #roots = new Map<GraphVariable, GraphVariable>();
  /** How many nodes are still to read a value. */
  readonly #readers = new Map<GraphVariable, number>();
  /** The values whose memory is not free after their last reader. */
  readonly #kept: ReadonlySet<GraphVariable>;
  readonly #done = new Set<Node>();

  constructor(graph: Graph) {
    const { nodes, updates } = updatesLast(graph);
    [this.#nodes, this.#updates] = [nodes, updates];
    for (const node of nodes) {
      if (renames(node)) {
        this.#roots.set(node.outputs[0] as GraphVariable, this.#root(node.inputs[0]));
      }
    }
    const lasting = [...leaving(graph), ...graph.inputs.map(({ variable }) => variable)];
    this.#kept = new Set([...lasting, ...graph.constants.keys()].map((v) => this.#root(v)));
    for (const node of nodes) {
      if (renames(node)) continue;
      for (const value of this.#operands(node)) {
        this.#readers.set(value, (this.#readers.get(value) ?? 0) + 1);
      }
    }
    this.#connect(graph);
  }

  #root(variable: GraphVariable | null | undefined): GraphVariable {
    const known = variable as GraphVariable;
    return this.#roots.get(known) ?? known;
  }

  #operands({ inputs }: Node): Set<GraphVariable> {
    return new Set(inputs.filter((input) => input !== null).map((input) => this.#root(input)));
  }

  /** Makers before readers, checks and the readers of a state's old value before its update. */
  #connect(graph: Graph): void {
    const makers = new Map<GraphVariable, Node>();
    const states = new Map(graph.updates.map(({ state, value }) => [value, state]));
    const reading = new Map<GraphVariable, Node[]>();
    const refusing = checks(this.#nodes);
    const refused: Node[] = [];
    const link = (before: Node, after: Node): void => {
      const followers = this.#followers.get(before) ?? new Set();
      if (followers.has(after) || before === after) return;
      this.#followers.set(before, followers.add(after));
      this.#waiting.set(after, (this.#waiting.get(after) ?? 0) + 1);
    };
    for (const node of this.#nodes) {
      for (const input of node.inputs) {
        const maker = input ? makers.get(input) : undefined;
        if (maker !== undefined) link(maker, node);
      }
      if (this.#updates.has(node)) {
        const replaced = node.outputs.map((output) => states.get(output));
        const old = replaced.flatMap((state) => (state && reading.get(state)) ?? []);
        for (const before of old) link(before, node);
      }
      if (node.outputs.some((output) => states.has(output))) {
        for (const check of refused) link(check, node);
      }
      for (const value of this.#operands(node)) {
        const list = reading.get(value);
        if (list === undefined) reading.set(value, [node]);
        else list.push(node);
      }
      if (refusing.has(node)) refused.push(node);
      for (const output of node.outputs) makers.set(output, node);
    }
  }

  /** Whether a node frees at least as much memory as it takes. */
  #shrinks(node: Node): boolean {
    if (renames(node) || this.#updates.has(node)) return true;
    let bytes = 0;
    for (const value of this.#operands(node)) {
      if (this.#readers.get(value) === 1 && !this.#kept.has(value)) bytes += bufferBytes(value);
    }
    for (const output of node.outputs) bytes -= bufferBytes(output);
    return bytes >= 0;
  }

  #emit(node: Node, order: Node[]): void {
    const pending = [node];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      if (this.#done.has(next)) continue;
      this.#done.add(next);
      order.push(next);
      if (!renames(next)) {
        for (const value of this.#operands(next)) {
          this.#readers.set(value, (this.#readers.get(value) as number) - 1);
        }
      }
      for (const follower of this.#followers.get(next) ?? []) {
        const left = (this.#waiting.get(follower) as number) - 1;
        this.#waiting.set(follower, left);
        if (left === 0 && this.#shrinks(follower)) pending.push(follower);
      }
    }
  }

  run(): Node[] {
    const order: Node[] = [];
    for (const node of this.#nodes) this.#emit(node, order);
    return order;
  }
}

/**
 * The order in which nodes run: as they were recorded, but what frees at least as much memory as it
 * takes comes as soon as it can. So the update of a parameter stands right behind its gradient and
 * the last reader of its old value, instead of behind all gradients. Updates come after every check.
 */
export function schedule(graph: Graph): Node[] {
  return new Schedule(graph).run();
}
