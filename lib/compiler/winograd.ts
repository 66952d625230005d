import type { Graph } from '../graph/graph.ts';

/** What the addon can do by Winograd's minimal filtering where the shapes suit. */
const convolutions: ReadonlySet<string> = new Set([
  'conv2d',
  'conv2dInputGradient',
  'conv2dMaxPool',
]);

/** The graph with every convolution allowed to be computed by Winograd's F(2x2, 3x3). */
export function allowWinograd<G extends Graph>(graph: G): G {
  const nodes = graph.nodes.map((node) =>
    convolutions.has(node.operator.name)
      ? { ...node, attributes: { ...node.attributes, winograd: true } }
      : node,
  );
  return { ...graph, nodes };
}
