import { type Graph, type GraphVariable, type Node, Tracer } from '../graph/graph.ts';
import { add, div, mul, sub } from '../ops/binary.ts';
import { sqrt } from '../ops/math.ts';
import type { Operand } from '../ops/operator.ts';
import { withShape } from '../ops/reshape.ts';
import type { Tensor } from '../tensor.ts';
import { invariants, leaving, readers } from './uses.ts';

const producers = new Set(['conv2d', 'linear']);

/** A product and the normalization that alone reads it. */
interface Pair {
  readonly product: Node;
  readonly norm: Node;
}

/** The pairs whose parameters and statistics are the same in every step, by the normalization. */
function findPairs(graph: Graph): Map<Node, Pair> {
  const [uses, outside, fixed] = [readers(graph), leaving(graph), invariants(graph)];
  const pairs = new Map<Node, Pair>();
  for (const product of graph.nodes) {
    const [value] = product.outputs;
    if (!producers.has(product.operator.name) || value === undefined || outside.has(value))
      continue;
    const [norm, ...others] = uses.get(value) ?? [];
    if (norm?.operator.name !== 'batchNorm' || others.length > 0) continue;
    const parameters = [...product.inputs.slice(1), ...norm.inputs.slice(1)];
    const [, deviation] = norm.outputs;
    const single = deviation === undefined || !(uses.has(deviation) || outside.has(deviation));
    if (single && norm.inputs[0] === value && parameters.every((v) => v === null || fixed.has(v))) {
      pairs.set(norm, { product, norm });
    }
  }
  return pairs;
}

type Needed = Readonly<Record<'weight' | 'mean' | 'variance', Operand>>;

/** weight·scale and (bias − mean)·scale + shift, scale being that of the normalization. */
function foldedParameters(
  { weight, mean, variance }: Needed,
  { bias, scale, shift }: Readonly<Record<'bias' | 'scale' | 'shift', Operand | null>>,
  epsilon: number,
): [Operand, Operand] {
  const deviation = sqrt(add(variance, epsilon));
  const factor = div(scale ?? 1, deviation);
  const moved = mul(bias === null ? mul(mean, -1) : sub(bias, mean), factor);
  const wide = withShape(
    factor,
    weight.shape.map((size, axis) => (axis === 0 ? size : 1)),
  );
  return [mul(weight, wide), shift === null ? moved : add(moved, shift)];
}

/** The nodes of a pair: those that compute its parameters, and the product. */
function fold({ product, norm }: Pair, constants: Map<GraphVariable, Tensor>): Node[] {
  const tracer = new Tracer();
  const place = new Map<GraphVariable, GraphVariable>();
  const trace = (variable: GraphVariable | null | undefined): GraphVariable | null => {
    if (!variable) return null;
    const traced = tracer.input(variable);
    place.set(traced, variable);
    return traced;
  };
  const [x = null, weight, bias] = product.inputs;
  const [, mean, variance, scale, shift] = norm.inputs;
  const needed = { weight: trace(weight), mean: trace(mean), variance: trace(variance) };
  const optional = { bias: trace(bias), scale: trace(scale), shift: trace(shift) };
  const { epsilon } = norm.attributes as { epsilon: number };
  const graph = tracer.graph(foldedParameters(needed as Needed, optional, epsilon));
  for (const [variable, tensor] of graph.constants) constants.set(variable, tensor);
  const own = (variable: GraphVariable | null): GraphVariable | null =>
    (variable && place.get(variable)) ?? variable;
  const { scope } = norm;
  const nodes = graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(own), scope }));
  const [newWeight = null, newBias = null] = graph.outputs;
  const [y] = norm.outputs as [GraphVariable];
  return [
    ...nodes,
    { ...product, inputs: [x, newWeight, newBias], outputs: [y], parts: [product, norm] },
  ];
}

/**
 * Convolution or dense product and the batch normalization by known statistics behind it as one
 * product of a scaled weight, where neither parameters nor statistics change from step to step and
 * nothing else reads what comes between. The new parameters are computed by operators.
 */
export function foldNormalizations(graph: Graph): Graph {
  const pairs = findPairs(graph);
  if (pairs.size === 0) return graph;
  const products = new Set([...pairs.values()].map(({ product }) => product));
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node) => {
    const pair = pairs.get(node);
    if (pair !== undefined) return fold(pair, constants);
    return products.has(node) ? [] : [node];
  });
  return { ...graph, nodes, constants };
}
