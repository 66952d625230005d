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
import { goesByWinners, poolOf } from './poolGradients.ts';
import { Rewriting } from './rewriting.ts';

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

/** Puts the convolution that alone gives a pool its x into one node with it. */
function fuseForward(rewriting: Rewriting, pool: Node): void {
  const [x] = pool.inputs;
  const conv = rewriting.maker(x);
  if (conv?.operator.name !== 'conv2d' || (conv.inputs[3] ?? null) !== null) return;
  if (rewriting.onlyReader(x) === null) return;
  const [image = null, weight = null, bias = null] = conv.inputs;
  const fused = {
    ...pool,
    operator: conv2dMaxPoolOperator,
    inputs: [image, weight, bias],
    attributes: {
      ...{ activation: 'none', ...conv.attributes, ...poolAttributes(pool) },
      ...{ ceilMode: pool.attributes.ceilMode as boolean, gated: false },
    },
    parts: [...(conv.parts ?? [conv]), ...(pool.parts ?? [pool])],
  };
  rewriting.fuse(fused, [conv, pool]);
}

/** Puts the gradient of a pool, and those of the filters and bias before it, into one node. */
function fuseGradient(rewriting: Rewriting, gradient: Node): void {
  const pool = poolOf(gradient, rewriting);
  const [map] = gradient.outputs;
  if (pool === null || map === undefined || !goesByWinners(gradient)) return;
  const [filter, bias, ...others] = rewriting.inner(map);
  if (others.length > 0 || filter?.operator.name !== 'conv2dFilterGradient') return;
  if (bias !== undefined && bias.operator.name !== 'biasGradient') return;
  const [x, of] = filter.inputs as [GraphVariable, GraphVariable];
  if (of !== map || x === map) return;
  const [dy, winners] = gradient.inputs as [GraphVariable, GraphVariable];
  const gate = gateOf(rewriting, pool, gradient, dy);
  const members = [gate, gradient, filter, bias ?? null].filter((member) => member !== null);
  const fused = {
    ...filter,
    operator: conv2dMaxPoolGradientOperator,
    inputs: [x, (gate?.inputs[0] as GraphVariable | undefined) ?? dy, winners],
    outputs: [...filter.outputs, ...(bias?.outputs ?? [])],
    attributes: { ...filter.attributes, ...poolAttributes(gradient) },
    parts: members.flatMap((member) => member.parts ?? [member]),
  };
  rewriting.fuse(fused, members, filter);
}

/**
 * The ReLU's gradient before `gradient`, which the winners can tell as well as y: those of windows
 * without a positive value then pass nothing. Null when someone else reads either.
 */
function gateOf(rewriting: Rewriting, pool: Node, gradient: Node, dy: GraphVariable): Node | null {
  const relu = rewriting.maker(dy);
  const fused = rewriting.replacement(pool);
  const [y, winners] = pool.outputs;
  if (relu?.operator.name !== 'reluGradient' || fused === pool) return null;
  if (relu.inputs[1] !== y || rewriting.onlyReader(dy) === null) return null;
  if (rewriting.onlyReader(winners) === null) return null;
  const [h, w] = gradient.attributes.kernelSize as Pair;
  if (h * w > mostGatedCells) return null;
  rewriting.replace(pool, { ...fused, attributes: { ...fused.attributes, gated: true } });
  return relu;
}

/**
 * Convolution, bias, activation and max pool as one instruction, and the gradients of its filters
 * and bias from the gradient of what was pooled, where nobody else needs what is between. The map
 * before the pool, and its gradient, never exist where the kernels take windows of 2x2 and short
 * patches; else they are scratch of the instruction.
 */
export function fusePools(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  for (const pool of rewriting.named(['maxPool2d', 'maxPool2dMask'])) fuseForward(rewriting, pool);
  for (const node of graph.nodes) fuseGradient(rewriting, node);
  return rewriting.result();
}
