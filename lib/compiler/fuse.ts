import type { Graph, GraphVariable, Node } from '../graph/graph.ts';
import type { Operator } from '../ops/operator.ts';
import { sameShape } from '../shape.ts';
import { activations } from './activations.ts';
import { Rewriting } from './rewriting.ts';

/** Puts a product and what follows it into one node, in the place of the last. */
function fuseProduct(rewriting: Rewriting, node: Node): void {
  const members = [node];
  let result = node;
  const next = rewriting.onlyReader(node.outputs[0]);
  const residual = next === null ? null : residualOf(rewriting, node, next);
  if (next !== null && residual !== null) {
    members.push(next);
    result = withResidual(result, next, residual);
  }
  const activation = rewriting.onlyReader(result.outputs[0]);
  if (activation !== null && activations.includes(activation.operator.name)) {
    members.push(activation);
    result = withActivation(result, activation);
  }
  if (result !== node) rewriting.fuse(result, members);
}

/** The other operand of `next` when that adds images as they are to those of a convolution. */
function residualOf(rewriting: Rewriting, node: Node, next: Node): GraphVariable | null {
  if (node.operator.name !== 'conv2d' || next.operator.name !== 'add') return null;
  if (rewriting.isTaken(next)) return null;
  const [value] = node.outputs as [GraphVariable];
  const [a, b] = next.inputs as [GraphVariable, GraphVariable];
  const other = a === value ? b : a;
  if (other === value || !sameShape(other.shape, value.shape)) return null;
  return other.batched === value.batched ? other : null;
}

/** The convolution as an operator with a fourth operand that is added to its result. */
function residualOperator(operator: Operator): Operator {
  const [, , bias] = operator.inputs;
  return {
    ...operator,
    inputs: ['x', 'weight', bias ?? 'bias?', 'residual'],
    layout: { inputs: [0, 3], outputs: [0] },
  };
}

function withResidual(node: Node, next: Node, residual: GraphVariable): Node {
  const [x = null, weight = null, bias = null] = node.inputs;
  return {
    ...node,
    operator: residualOperator(node.operator),
    inputs: [x, weight, bias, residual],
    outputs: next.outputs,
    parts: [...(node.parts ?? [node]), next],
  };
}

function withActivation(node: Node, activation: Node): Node {
  return {
    ...node,
    outputs: activation.outputs,
    attributes: { ...node.attributes, activation: activation.operator.name },
    parts: [...(node.parts ?? [node]), activation],
  };
}

/**
 * Convolution or dense product, bias, the sum with a residual branch, ReLU or ReLU6 as one
 * instruction, where nothing else reads what comes between: what follows the product is applied to
 * a tile before it leaves the registers.
 */
export function fuseActivations(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.named(['conv2d', 'linear'])) fuseProduct(rewriting, node);
  return rewriting.result();
}
