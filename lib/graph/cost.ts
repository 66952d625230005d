import { elementCount } from '../shape.ts';
import { elementBytes } from '../tensor.ts';
import type { GraphVariable, Node } from './graph.ts';

/** The multiply-adds of a node, at the sizes it was recorded with. */
export function nodeMultiplyAdds({ operator, inputs, outputs, attributes }: Node): number {
  return operator.multiplyAdds?.(inputs, outputs, attributes) ?? 0;
}

/** The multiply-adds of all nodes. */
export function multiplyAdds(nodes: readonly Node[]): number {
  return nodes.reduce((sum, node) => sum + nodeMultiplyAdds(node), 0);
}

/** The bytes of a value, at the bound of the batch. */
export function valueBytes({ shape, dtype }: GraphVariable): number {
  return elementCount(shape) * elementBytes(dtype);
}

/** Nodes to be run one after the other, and the values that are kept to their end. */
export interface NodeList {
  readonly nodes: readonly Node[];
  readonly kept: readonly GraphVariable[];
}

/** The results of each node that are written: all but optional ones that nobody reads. */
export function writtenResults({ nodes, kept }: NodeList): Map<Node, readonly GraphVariable[]> {
  const read = new Set<GraphVariable | null>([...kept, ...nodes.flatMap(({ inputs }) => inputs)]);
  return new Map(
    nodes.map((node) => {
      const optional = (o: number) => node.operator.outputs[o]?.endsWith('?') === true;
      return [node, node.outputs.filter((value, o) => read.has(value) || !optional(o))];
    }),
  );
}

/**
 * The bytes that each node moves: its operands, each once, and the results that it writes. A node
 * that gives its operand's memory another shape moves none.
 */
export function bytesMoved(list: NodeList): Map<Node, number> {
  const written = writtenResults(list);
  const moved = (node: Node): number => {
    if (node.operator.alias) return 0;
    const operands = new Set(node.inputs.filter((input) => input !== null));
    return [...operands, ...(written.get(node) ?? [])].reduce(
      (sum, value) => sum + valueBytes(value),
      0,
    );
  };
  return new Map(list.nodes.map((node) => [node, moved(node)]));
}

/**
 * The bytes that results of nodes take while each node runs. A result takes memory from the node
 * that writes it to the last one that reads it or a value that is the same memory; what is kept
 * takes it to the end. Nothing is computed in place: operands and results of a node are there
 * together. Inputs and constants are not counted.
 */
export function liveBytes(list: NodeList): number[] {
  const { nodes, kept } = list;
  const memoryOf = new Map<GraphVariable, GraphVariable>();
  const first = new Map<GraphVariable, number>();
  const last = new Map<GraphVariable, number>();
  const read = (value: GraphVariable, place: number): void => {
    const memory = memoryOf.get(value);
    if (memory !== undefined) last.set(memory, place);
  };
  const written = writtenResults(list);
  nodes.forEach((node, place) => {
    for (const input of node.inputs) if (input !== null) read(input, place);
    for (const output of written.get(node) ?? []) {
      const source = node.operator.alias ? (node.inputs[0] as GraphVariable) : null;
      const memory = source === null ? output : memoryOf.get(source);
      if (memory === undefined) continue;
      memoryOf.set(output, memory);
      if (memory === output) first.set(output, place);
      last.set(memory, place);
    }
  });
  for (const value of kept) read(value, nodes.length - 1);
  const change = new Array<number>(nodes.length + 1).fill(0);
  for (const [value, start] of first) {
    const end = (last.get(value) as number) + 1;
    change[start] = (change[start] as number) + valueBytes(value);
    change[end] = (change[end] as number) - valueBytes(value);
  }
  let live = 0;
  return nodes.map((_, place) => {
    live += change[place] as number;
    return live;
  });
}
