import type { Graph, GraphVariable, Node } from '../graph/graph.ts';
import { leaving, readers } from './uses.ts';

/**
 * A graph on the way to one in which some nodes have become others: its nodes as they were recorded,
 * by what they make and who reads it, and what comes in their places.
 */
export class Rewriting {
  readonly graph: Graph;
  readonly #uses: ReadonlyMap<GraphVariable, readonly Node[]>;
  readonly #outside: ReadonlySet<GraphVariable>;
  readonly #makers = new Map<GraphVariable, Node>();
  readonly #places = new Map<Node, number>();
  readonly #taken = new Set<Node>();
  readonly #instead = new Map<Node, readonly Node[]>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.#uses = readers(graph);
    this.#outside = leaving(graph);
    graph.nodes.forEach((node, i) => {
      this.#places.set(node, i);
      for (const output of node.outputs) this.#makers.set(output, node);
    });
  }

  /** The graph's nodes of these names, in order. */
  named(names: readonly string[]): readonly Node[] {
    return this.graph.nodes.filter(({ operator }) => names.includes(operator.name));
  }

  uses(variable: GraphVariable): readonly Node[] {
    return this.#uses.get(variable) ?? [];
  }

  /** Whoever reads a variable, when it does not leave the graph. */
  inner(variable: GraphVariable | null | undefined): readonly Node[] {
    return !variable || this.#outside.has(variable) ? [] : this.uses(variable);
  }

  /** The only node that reads a variable, when nobody else sees it. */
  onlyReader(variable: GraphVariable | null | undefined): Node | null {
    const [reader, ...others] = this.inner(variable);
    return others.length === 0 ? (reader ?? null) : null;
  }

  /** Whether anyone, or anyone but `besides`, reads a variable or sees it. */
  isNeeded(variable: GraphVariable, besides?: Node): boolean {
    return this.#outside.has(variable) || this.uses(variable).some((use) => use !== besides);
  }

  /** Whether all that reads these variables comes after `node`. */
  readAfter(variables: readonly GraphVariable[], node: Node): boolean {
    return variables.every((each) => this.uses(each).every((use) => this.before(node, use)));
  }

  /** The node that makes a variable. */
  maker(variable: GraphVariable | null | undefined): Node | null {
    return (variable && this.#makers.get(variable)) ?? null;
  }

  /** The node of one of these names that makes `variable` first, and that nothing has taken in. */
  madeBy(variable: GraphVariable | null | undefined, names: readonly string[]): Node | null {
    const node = this.maker(variable);
    if (node === null || this.#taken.has(node)) return null;
    return node.outputs[0] === variable && names.includes(node.operator.name) ? node : null;
  }

  before(a: Node, b: Node): boolean {
    return (this.#places.get(a) as number) < (this.#places.get(b) as number);
  }

  /** Whether `node` could stand where `place` is: its operands are there. */
  fits(inputs: readonly (GraphVariable | null)[], place: Node): boolean {
    return inputs.every((input) => {
      const maker = this.maker(input);
      return maker === null || this.before(maker, place);
    });
  }

  /** Whether a node has become part of another one. */
  isTaken(node: Node): boolean {
    return this.#taken.has(node);
  }

  /** Puts `node`, which takes in `members`, where one of them is, by default the last. */
  fuse(node: Node, members: readonly Node[], place = members.at(-1) as Node): void {
    for (const member of members) this.#taken.add(member);
    this.replace(place, node);
  }

  /** Puts other nodes, or none, where `node` is; the last of them gives what it gave. */
  replace(node: Node, ...by: readonly Node[]): void {
    this.#instead.set(node, by);
  }

  /** The node that gives what `node` gave. */
  replacement(node: Node): Node {
    return this.#instead.get(node)?.at(-1) ?? node;
  }

  result(): Graph {
    const nodes = this.graph.nodes.flatMap(
      (node) => this.#instead.get(node) ?? (this.#taken.has(node) ? [] : [node]),
    );
    return { ...this.graph, nodes };
  }
}
