import type { Graph, GraphVariable, Node } from '../graph/graph.ts';
import {
  type Conv2dAttributes,
  conv2dOperator,
  convolutionMultiplyAdds,
  outputSize,
} from '../ops/conv2d.ts';
import { biasGradientOperator } from '../ops/linear.ts';
import { type MaxPool2dAttributes, maxPool2dOperator } from '../ops/maxPool2d.ts';
import { type Attributes, need, type Operator, type Spec } from '../ops/operator.ts';
import type { Pair } from '../shape.ts';
import { goesByWinners, poolOf, producers } from './poolGradients.ts';
import { leaving, readers } from './uses.ts';

/** Winners are bytes, and one number more than the cells says that none won. */
const mostGatedCells = 254;

/** The attributes of a pool beside those of a convolution. */
function poolAttributes({ operator, attributes }: Node): Attributes {
  const { kernelSize, stride, padding, dilation, ties } = attributes as MaxPool2dAttributes;
  return {
    ties: operator.name.startsWith('maxPool2dMask') ? ties : 'first',
    poolKernelSize: kernelSize,
    poolStride: stride,
    poolPadding: padding,
    poolDilation: dilation,
  };
}

function productsOf(x: Spec, weight: readonly number[], attributes: Attributes): number {
  const [n = 0, , h = 0, w = 0] = x.shape;
  const kernelSize = weight.slice(2) as unknown as Pair;
  const geometry = attributes as Conv2dAttributes;
  return convolutionMultiplyAdds(
    n,
    weight,
    outputSize('conv2dMaxPool', [h, w], kernelSize, geometry),
  );
}

/** x, weight, bias? → y, winners (masks unless ties are 'first') of the pool of the convolution. */
const conv2dMaxPoolOperator: Operator = {
  name: 'conv2dMaxPool',
  inputs: ['x', 'weight', 'bias?'],
  outputs: ['y', 'winners?'],
  layout: { inputs: [0], outputs: [0, 1] },
  infer(inputs, attributes) {
    const { poolKernelSize, poolStride, poolPadding, poolDilation } = attributes;
    const geometry = attributes as unknown as Conv2dAttributes;
    const windows = {
      ...{ kernelSize: poolKernelSize, stride: poolStride, padding: poolPadding },
      ...{ dilation: poolDilation, ceilMode: attributes.ceilMode, ties: 'first' },
    } as MaxPool2dAttributes;
    return maxPool2dOperator.infer(conv2dOperator.infer(inputs, geometry), windows);
  },
  multiplyAdds: ([x, weight], _, attributes) => productsOf(need(x), need(weight).shape, attributes),
};

/** x, dy, winners → dw, db of a convolution that was pooled. */
const conv2dMaxPoolGradientOperator: Operator = {
  name: 'conv2dMaxPoolGradient',
  inputs: ['x', 'dy', 'winners'],
  outputs: ['dw', 'db?'],
  layout: { inputs: [0, 1, 2], outputs: [] },
  infer([x, dy], attributes) {
    const [k = 0] = need(dy).shape.slice(1);
    const [c = 0] = need(x).shape.slice(1);
    const [r = 0, s = 0] = attributes.kernelSize as Pair;
    const shape = [k, c / (attributes.groups as number), r, s];
    const { dtype } = need(x);
    return [{ shape, dtype }, ...biasGradientOperator.infer([dy ?? null], {})];
  },
  multiplyAdds: ([x], [dw], attributes) => productsOf(need(x), need(dw).shape, attributes),
};

/** The subgraphs that nodes of `graph` become. */
class PoolFusion {
  readonly #graph: Graph;
  readonly #uses: Map<GraphVariable, Node[]>;
  readonly #outside: Set<GraphVariable>;
  readonly #sources: Map<GraphVariable, Node>;
  /** By the recorded node in whose place it stands. */
  readonly #fused = new Map<Node, Node>();
  readonly #absorbed = new Set<Node>();

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#uses = readers(graph);
    this.#outside = leaving(graph);
    this.#sources = producers(graph);
  }

  run(): Graph {
    const { nodes } = this.#graph;
    for (const node of nodes) this.#forward(node);
    for (const node of nodes) this.#gradient(node);
    return {
      ...this.#graph,
      nodes: nodes
        .filter((node) => !this.#absorbed.has(node))
        .map((node) => this.#fused.get(node) ?? node),
    };
  }

  /** Whoever reads `variable`, when it does not leave the graph. */
  #inner(variable: GraphVariable): readonly Node[] {
    return this.#outside.has(variable) ? [] : (this.#uses.get(variable) ?? []);
  }

  #forward(pool: Node): void {
    if (pool.operator.name !== 'maxPool2d' && pool.operator.name !== 'maxPool2dMask') return;
    const x = pool.inputs[0] as GraphVariable;
    const conv = this.#sources.get(x);
    if (conv?.operator.name !== 'conv2d' || (conv.inputs[3] ?? null) !== null) return;
    if (this.#inner(x).length !== 1) return;
    const [image = null, weight = null, bias = null] = conv.inputs;
    this.#absorbed.add(conv);
    this.#fused.set(pool, {
      ...pool,
      operator: conv2dMaxPoolOperator,
      inputs: [image, weight, bias],
      attributes: {
        ...{ activation: 'none', ...conv.attributes, ...poolAttributes(pool) },
        ...{ ceilMode: pool.attributes.ceilMode as boolean, gated: false },
      },
      parts: [...(conv.parts ?? [conv]), ...(pool.parts ?? [pool])],
    });
  }

  #gradient(gradient: Node): void {
    const pool = poolOf(gradient, this.#sources);
    const [map] = gradient.outputs;
    if (pool === null || map === undefined || !goesByWinners(gradient)) return;
    const [filter, bias, ...others] = this.#inner(map);
    if (others.length > 0 || filter?.operator.name !== 'conv2dFilterGradient') return;
    if (bias !== undefined && bias.operator.name !== 'biasGradient') return;
    const [x, of] = filter.inputs as [GraphVariable, GraphVariable];
    if (of !== map || x === map) return;
    const [dy, winners] = gradient.inputs as [GraphVariable, GraphVariable];
    const gate = this.#gate(pool, gradient, dy);
    const whole = [...(gate === null ? [] : [gate]), gradient, filter];
    if (bias !== undefined) whole.push(bias);
    for (const part of whole) this.#absorbed.add(part);
    this.#absorbed.delete(filter);
    this.#fused.set(filter, {
      ...filter,
      operator: conv2dMaxPoolGradientOperator,
      inputs: [x, (gate?.inputs[0] as GraphVariable | undefined) ?? dy, winners],
      outputs: [...filter.outputs, ...(bias?.outputs ?? [])],
      attributes: { ...filter.attributes, ...poolAttributes(gradient) },
      parts: whole.flatMap((part) => part.parts ?? [part]),
    });
  }

  /**
   * The ReLU's gradient before `gradient`, which the winners can tell as well as y: those of
   * windows without a positive value then pass nothing. Null when someone else reads either.
   */
  #gate(pool: Node, gradient: Node, dy: GraphVariable): Node | null {
    const relu = this.#sources.get(dy);
    const fused = this.#fused.get(pool);
    const [y, winners] = pool.outputs;
    if (relu?.operator.name !== 'reluGradient' || fused === undefined) return null;
    if (relu.inputs[1] !== y || winners === undefined) return null;
    if (this.#inner(dy).length !== 1 || this.#inner(winners).length !== 1) return null;
    const [h, w] = gradient.attributes.kernelSize as Pair;
    if (h * w > mostGatedCells) return null;
    this.#fused.set(pool, { ...fused, attributes: { ...fused.attributes, gated: true } });
    return relu;
  }
}

/**
 * Convolution, bias, activation and max pool as one instruction, and the gradients of its filters
 * and bias from the gradient of what was pooled, where nobody else needs what is between: the map
 * before the pool, and its gradient, never exist.
 */
export function fusePools(graph: Graph): Graph {
  return new PoolFusion(graph).run();
}
