import { type Graph, GraphVariable, type Node } from '../graph/graph.ts';
import type { Operator } from '../ops/operator.ts';
import { sameShape } from '../shape.ts';
import { activationGradients, activationOf, activations } from './activations.ts';
import { Rewriting } from './rewriting.ts';

/** What native operators have besides the graph's: docs/architecture.md, "Native operators". */
const withResidual: Partial<Operator> = {
  layout: { inputs: [0, 5], outputs: [0] },
  inPlace: [
    [0, 0],
    [0, 5],
  ],
};
const withMessage: Partial<Operator> = {
  layout: { inputs: [0, 1, 5, 8], outputs: [0, 3] },
  inPlace: [
    ...[1, 0, 5, 8].map((input) => [0, input] as const),
    ...[0, 8, 5].map((input) => [3, input] as const),
  ],
};

/** Whether a sum is of two different values of its own shape. */
function isPlainSum({ inputs, outputs: [sum] }: Node): boolean {
  if (inputs[0] === inputs[1]) return false;
  return inputs.every(
    (input) =>
      input !== null &&
      sum !== undefined &&
      sameShape(input.shape, sum.shape) &&
      input.batched === sum.batched,
  );
}

/** The normalization that gives one of a sum's operands, the later one of two, and the other operand. */
function normalizedSum(rewriting: Rewriting, sum: Node): [Node, GraphVariable] | null {
  if (!isPlainSum(sum)) return null;
  const [a, b] = sum.inputs as readonly [GraphVariable, GraphVariable];
  const found = [
    [a, b],
    [b, a],
  ].flatMap(([value, residual]): [Node, GraphVariable][] => {
    const norm = rewriting.madeBy(value, ['batchNorm', 'batchNormTraining']);
    const alone = norm !== null && rewriting.onlyReader(value) === sum;
    return alone ? [[norm, residual as GraphVariable]] : [];
  });
  const [first, second] = found;
  if (first === undefined || second === undefined) return first ?? null;
  return rewriting.before(first[0], second[0]) ? second : first;
}

/** Batch normalization, the sum with a residual and the activation that follow it as one node. */
function fuseForward(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  const tryFuse = (last: Node, sum: Node | null, norm: Node, residual: GraphVariable | null) => {
    const [y, ...statistics] = norm.outputs as [GraphVariable, ...GraphVariable[]];
    if (rewriting.onlyReader(y) !== (sum ?? last) || !rewriting.readAfter(statistics, last)) return;
    const { name } = last.operator;
    const parts = sum === null || sum === last ? [norm, last] : [norm, sum, last];
    const node: Node = {
      ...norm,
      operator: { ...norm.operator, ...withResidual },
      inputs: [...norm.inputs, ...Array(5 - norm.inputs.length).fill(null), residual],
      outputs: [last.outputs[0] as GraphVariable, ...statistics],
      attributes: { ...norm.attributes, activation: activations.includes(name) ? name : 'none' },
      parts,
    };
    rewriting.fuse(node, parts);
  };
  for (const last of rewriting.named(activations)) {
    const value = last.inputs[0] as GraphVariable;
    const norm = rewriting.madeBy(value, ['batchNorm', 'batchNormTraining']);
    if (norm !== null) tryFuse(last, null, norm, null);
    const sum = rewriting.madeBy(value, ['add']);
    if (sum === null || rewriting.onlyReader(value) !== last) continue;
    const found = normalizedSum(rewriting, sum);
    if (found !== null) tryFuse(last, sum, ...found);
  }
  for (const sum of rewriting.named(['add'])) {
    const found = rewriting.madeBy(sum.outputs[0], ['add']) && normalizedSum(rewriting, sum);
    if (found) tryFuse(sum, sum, ...found);
  }
  return rewriting.result();
}

/** What a gradient's message is made of: dy + more, masked by y. */
interface Message {
  readonly parts: readonly Node[];
  readonly dy: GraphVariable;
  readonly more: GraphVariable | null;
  readonly y: GraphVariable | null;
  readonly activation: string;
}

function messageOf(rewriting: Rewriting, node: Node): Message | null {
  const message = node.inputs[0] as GraphVariable;
  const mask = rewriting.madeBy(message, activationGradients);
  const summed = (mask?.inputs[0] as GraphVariable | undefined) ?? message;
  const found = rewriting.madeBy(summed, ['add']);
  const sum =
    found && isPlainSum(found) && (!mask || rewriting.onlyReader(summed) === mask) ? found : null;
  if (mask === null && sum === null) return null;
  const [dy = summed, more = null] = sum ? (sum.inputs as GraphVariable[]) : [];
  return {
    parts: [sum, mask].filter((part) => part !== null),
    ...{ dy, more },
    y: mask ? (mask.inputs[1] as GraphVariable) : null,
    activation: (mask && activationOf.get(mask.operator.name)) ?? 'none',
  };
}

/** The fused node of which `node` is the gradient and `y` the result, unless it took in a residual. */
function ownForward(rewriting: Rewriting, node: Node, y: GraphVariable | null): Node | null {
  const forward = rewriting.madeBy(y, ['batchNormTraining']);
  const [, x, mean, inverse] = node.inputs;
  if (forward?.parts === undefined || forward.inputs[5]) return null;
  const own = forward.inputs[0] === x && forward.outputs[1] === mean;
  return own && forward.outputs[2] === inverse ? forward : null;
}

/**
 * The normalizer of a fused node, a value that the reference has not: `parts` neither make nor read
 * it.
 */
function normalizerOf(rewriting: Rewriting, original: Node): GraphVariable {
  const forward = rewriting.replacement(original);
  const known = forward.outputs[5];
  if (known !== undefined) return known;
  const mean = forward.outputs[1] as GraphVariable;
  const make = (shape: readonly number[]) =>
    new GraphVariable(mean.tracer, { shape, dtype: mean.dtype }, null, mean.producer);
  const absent = Array.from({ length: 5 - forward.outputs.length }, () => make(mean.shape));
  const normalizer = make([2, ...mean.shape]);
  const outputs = [...forward.outputs, ...absent, normalizer];
  const names = [...forward.operator.outputs, 'normalizer?'];
  rewriting.replace(original, {
    ...forward,
    outputs,
    operator: { ...forward.operator, outputs: names },
  });
  return normalizer;
}

/** The gradients of the activation and of what is summed before it with that of a normalization. */
function fuseBackward(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.named(['batchNormGradient'])) {
    const message = messageOf(rewriting, node);
    const place = message?.parts.at(-1);
    const own = node.inputs.slice(1);
    if (!message || !place || own.includes(node.inputs[0] as GraphVariable)) continue;
    if (!rewriting.fits(own, place)) continue;
    const forward = ownForward(rewriting, node, message.y);
    const flat = forward
      ? [null, normalizerOf(rewriting, forward), forward.inputs[4] ?? null]
      : [message.y, null, null];
    const masked = node.inputs[0] as GraphVariable;
    const shared = rewriting.isNeeded(masked, node) ? [masked] : [];
    const [x, mean, inverse, weight = null] = own as GraphVariable[];
    const parts = [...message.parts, node];
    const fused: Node = {
      ...node,
      operator: {
        ...{ ...node.operator, ...withMessage },
        outputs: [...node.operator.outputs, 'message?'],
      },
      inputs: [message.dy, x, mean, inverse, weight, ...flat, message.more] as Node['inputs'],
      outputs: [...node.outputs, ...shared],
      attributes: { ...node.attributes, activation: message.activation },
      parts,
    };
    rewriting.fuse(fused, parts, place);
  }
  return rewriting.result();
}

/**
 * Batch normalization with the sum and the ReLU or ReLU6 behind it as one instruction, where nothing
 * else reads what comes between, and likewise their gradients: dy is masked, and summed where it has
 * two sources, while the gradient reads it. What is masked, the result's sign tells, or x itself by
 * the numbers it was normalized with.
 */
export function fuseNormalizations(graph: Graph): Graph {
  if (!graph.nodes.some(({ operator }) => operator.name.startsWith('batchNorm'))) return graph;
  return fuseBackward(fuseForward(graph));
}
