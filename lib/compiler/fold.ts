import { type Graph, type GraphVariable, type Node, Tracer } from '../graph/graph.ts';
import { add, div, mul, sub } from '../ops/binary.ts';
import { sqrt } from '../ops/math.ts';
import type { Operand } from '../ops/operator.ts';
import { withShape } from '../ops/reshape.ts';
import type { Tensor } from '../tensor.ts';
import { Rewriting } from './rewriting.ts';
import { invariants } from './uses.ts';

/**
 * The normalization that alone reads what a product gives, when its statistics and the parameters of
 * both are the same in every step and nobody needs the deviation.
 */
function foldable(
  rewriting: Rewriting,
  product: Node,
  fixed: ReadonlySet<GraphVariable>,
): Node | null {
  const [value = null] = product.outputs;
  const norm = rewriting.onlyReader(value);
  if (norm?.operator.name !== 'batchNorm' || norm.inputs[0] !== value) return null;
  const [, deviation] = norm.outputs;
  if (deviation !== undefined && rewriting.isNeeded(deviation, norm)) return null;
  const parameters = [...product.inputs.slice(1), ...norm.inputs.slice(1)];
  return parameters.every((each) => each === null || fixed.has(each)) ? norm : null;
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

/** Those that compute the parameters of the product in the place of both, and that product. */
function fold(product: Node, norm: Node, constants: Map<GraphVariable, Tensor>): Node[] {
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
  const rewriting = new Rewriting(graph);
  const fixed = invariants(graph);
  const constants = new Map(graph.constants);
  for (const product of rewriting.named(['conv2d', 'linear'])) {
    const norm = foldable(rewriting, product, fixed);
    if (norm === null) continue;
    rewriting.replace(product);
    rewriting.replace(norm, ...fold(product, norm, constants));
  }
  return { ...rewriting.result(), constants };
}
