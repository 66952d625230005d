import { type Graph, GraphVariable, type Node } from '../graph/graph.ts';
import type { Operator } from '../ops/operator.ts';
import { sameShape } from '../shape.ts';
import { leaving, readers } from './uses.ts';

const activations: Readonly<Record<string, string>> = { relu: 'relu', relu6: 'relu6' };
const flatGradients: Readonly<Record<string, string>> = {
  reluGradient: 'relu',
  relu6Gradient: 'relu6',
};

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

/** A graph's nodes by what they make and who reads it, and those that others have taken in. */
class Fusing {
  readonly graph: Graph;
  readonly #uses: ReadonlyMap<GraphVariable, Node[]>;
  readonly #outside: ReadonlySet<GraphVariable>;
  readonly #makers = new Map<GraphVariable, Node>();
  readonly #places = new Map<Node, number>();
  readonly #taken = new Set<Node>();
  readonly #instead = new Map<Node, Node>();

  constructor(graph: Graph) {
    this.graph = graph;
    this.#uses = readers(graph);
    this.#outside = leaving(graph);
    graph.nodes.forEach((node, i) => {
      this.#places.set(node, i);
      for (const output of node.outputs) this.#makers.set(output, node);
    });
  }

  uses(variable: GraphVariable): readonly Node[] {
    return this.#uses.get(variable) ?? [];
  }

  /** The node of one of these names that makes `variable` first, and that nothing has taken in. */
  maker(variable: GraphVariable | null | undefined, names: readonly string[]): Node | null {
    const node = variable ? this.#makers.get(variable) : undefined;
    if (node === undefined || this.#taken.has(node)) return null;
    return node.outputs[0] === variable && names.includes(node.operator.name) ? node : null;
  }

  /** Whether nobody but `node` needs a variable. */
  only(variable: GraphVariable, node: Node): boolean {
    const uses = this.uses(variable);
    return uses.length === 1 && uses[0] === node && !this.#outside.has(variable);
  }

  needed(variable: GraphVariable, besides: Node): boolean {
    return this.#outside.has(variable) || this.uses(variable).some((use) => use !== besides);
  }

  /** Whether all that reads these variables comes after `node`. */
  readAfter(variables: readonly GraphVariable[], node: Node): boolean {
    return variables.every((each) => this.uses(each).every((use) => this.before(node, use)));
  }

  /** Whether `node` could stand where `place` is: its operands are there. */
  fits(inputs: readonly (GraphVariable | null)[], place: Node): boolean {
    return inputs.every((input) => {
      const maker = input ? this.#makers.get(input) : undefined;
      return maker === undefined || this.before(maker, place);
    });
  }

  before(a: Node, b: Node): boolean {
    return (this.#places.get(a) as number) < (this.#places.get(b) as number);
  }

  /** Puts `node`, which stands for `parts`, where the part `place` is. */
  fuse(node: Node, parts: readonly Node[], place: Node): void {
    for (const part of parts) this.#taken.add(part);
    this.#instead.set(place, { ...node, parts });
  }

  replace(node: Node, by: Node): void {
    this.#instead.set(node, by);
  }

  replacement(node: Node): Node {
    return this.#instead.get(node) ?? node;
  }

  result(): Graph {
    const nodes = this.graph.nodes.flatMap(
      (node) => this.#instead.get(node) ?? (this.#taken.has(node) ? [] : node),
    );
    return { ...this.graph, nodes };
  }
}

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
function normalizedSum(fusing: Fusing, sum: Node): [Node, GraphVariable] | null {
  if (!isPlainSum(sum)) return null;
  const [a, b] = sum.inputs as readonly [GraphVariable, GraphVariable];
  const found = [
    [a, b],
    [b, a],
  ].flatMap(([value, residual]): [Node, GraphVariable][] => {
    const norm = fusing.maker(value, ['batchNorm', 'batchNormTraining']);
    const alone = norm !== null && fusing.only(value as GraphVariable, sum);
    return alone ? [[norm, residual as GraphVariable]] : [];
  });
  const [first, second] = found;
  if (first === undefined || second === undefined) return first ?? null;
  return fusing.before(first[0], second[0]) ? second : first;
}

/** Batch normalization, the sum with a residual and the activation that follow it as one node. */
function fuseForward(graph: Graph): Graph {
  const fusing = new Fusing(graph);
  const tryFuse = (last: Node, sum: Node | null, norm: Node, residual: GraphVariable | null) => {
    const [y, ...statistics] = norm.outputs as [GraphVariable, ...GraphVariable[]];
    if (!fusing.only(y, sum ?? last) || !fusing.readAfter(statistics, last)) return;
    const [activation = 'none', end] = [activations[last.operator.name], last.outputs[0]];
    const node: Node = {
      ...norm,
      operator: { ...norm.operator, ...withResidual },
      inputs: [...norm.inputs, ...Array(5 - norm.inputs.length).fill(null), residual],
      outputs: [end as GraphVariable, ...statistics],
      attributes: { ...norm.attributes, activation },
    };
    fusing.fuse(node, sum === null || sum === last ? [norm, last] : [norm, sum, last], last);
  };
  const ends = (names: readonly string[]) =>
    graph.nodes.filter(({ operator }) => names.includes(operator.name));
  for (const last of ends(Object.keys(activations))) {
    const value = last.inputs[0] as GraphVariable;
    const norm = fusing.maker(value, ['batchNorm', 'batchNormTraining']);
    if (norm !== null) tryFuse(last, null, norm, null);
    const sum = fusing.maker(value, ['add']);
    if (sum === null || !fusing.only(value, last)) continue;
    const found = normalizedSum(fusing, sum);
    if (found !== null) tryFuse(last, sum, ...found);
  }
  for (const sum of ends(['add'])) {
    const found = fusing.maker(sum.outputs[0], ['add']) && normalizedSum(fusing, sum);
    if (found) tryFuse(sum, sum, ...found);
  }
  return fusing.result();
}

/** What a gradient's message is made of: dy + more, masked by y. */
interface Message {
  readonly parts: readonly Node[];
  readonly dy: GraphVariable;
  readonly more: GraphVariable | null;
  readonly y: GraphVariable | null;
  readonly activation: string;
}

function messageOf(fusing: Fusing, node: Node): Message | null {
  const message = node.inputs[0] as GraphVariable;
  const mask = fusing.maker(message, Object.keys(flatGradients));
  const summed = (mask?.inputs[0] as GraphVariable | undefined) ?? message;
  const found = fusing.maker(summed, ['add']);
  const sum = found && isPlainSum(found) && (!mask || fusing.only(summed, mask)) ? found : null;
  if (mask === null && sum === null) return null;
  const [dy = summed, more = null] = sum ? (sum.inputs as GraphVariable[]) : [];
  return {
    parts: [sum, mask].filter((part) => part !== null),
    ...{ dy, more },
    y: mask ? (mask.inputs[1] as GraphVariable) : null,
    activation: mask ? (flatGradients[mask.operator.name] as string) : 'none',
  };
}

/** The fused node of which `node` is the gradient and `y` the result, unless it took in a residual. */
function ownForward(fusing: Fusing, node: Node, y: GraphVariable | null): Node | null {
  const forward = fusing.maker(y, ['batchNormTraining']);
  const [, x, mean, inverse] = node.inputs;
  if (forward?.parts === undefined || forward.inputs[5]) return null;
  const own = forward.inputs[0] === x && forward.outputs[1] === mean;
  return own && forward.outputs[2] === inverse ? forward : null;
}

/**
 * The normalizer of a fused node, a value that the reference has not: `parts` neither make nor read
 * it.
 */
function normalizerOf(fusing: Fusing, original: Node): GraphVariable {
  const forward = fusing.replacement(original);
  const known = forward.outputs[5];
  if (known !== undefined) return known;
  const mean = forward.outputs[1] as GraphVariable;
  const make = (shape: readonly number[]) =>
    new GraphVariable(mean.tracer, { shape, dtype: mean.dtype }, null, mean.producer);
  const absent = Array.from({ length: 5 - forward.outputs.length }, () => make(mean.shape));
  const normalizer = make([2, ...mean.shape]);
  const outputs = [...forward.outputs, ...absent, normalizer];
  const names = [...forward.operator.outputs, 'normalizer?'];
  fusing.replace(original, {
    ...forward,
    outputs,
    operator: { ...forward.operator, outputs: names },
  });
  return normalizer;
}

/** The gradients of the activation and of what is summed before it with that of a normalization. */
function fuseBackward(graph: Graph): Graph {
  const fusing = new Fusing(graph);
  for (const node of graph.nodes) {
    if (node.operator.name !== 'batchNormGradient') continue;
    const message = messageOf(fusing, node);
    const place = message?.parts.at(-1);
    const own = node.inputs.slice(1);
    if (!message || !place || own.includes(node.inputs[0] as GraphVariable)) continue;
    if (!fusing.fits(own, place)) continue;
    const forward = ownForward(fusing, node, message.y);
    const flat = forward
      ? [null, normalizerOf(fusing, forward), forward.inputs[4] ?? null]
      : [message.y, null, null];
    const masked = node.inputs[0] as GraphVariable;
    const shared = fusing.needed(masked, node) ? [masked] : [];
    const [x, mean, inverse, weight = null] = own as GraphVariable[];
    const fused: Node = {
      ...node,
      operator: {
        ...{ ...node.operator, ...withMessage },
        outputs: [...node.operator.outputs, 'message?'],
      },
      inputs: [message.dy, x, mean, inverse, weight, ...flat, message.more] as Node['inputs'],
      outputs: [...node.outputs, ...shared],
      attributes: { ...node.attributes, activation: message.activation },
    };
    fusing.fuse(fused, [...message.parts, node], place);
  }
  return fusing.result();
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
