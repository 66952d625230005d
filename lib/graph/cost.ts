import type { Node } from './graph.ts';

/** The multiply-adds of all nodes, at the sizes they were recorded with. */
export function multiplyAdds(nodes: readonly Node[]): number {
  return nodes.reduce(
    (sum, { operator, inputs, outputs, attributes }) =>
      sum + (operator.multiplyAdds?.(inputs, outputs, attributes) ?? 0),
    0,
  );
}
