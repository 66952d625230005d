import { type Graph, GraphVariable, type Node } from '../graph/graph.ts';
import { activationGradients } from './activations.ts';
import { Rewriting } from './rewriting.ts';

const pools = new Set(['maxPool2d', 'maxPool2dMask', 'conv2dMaxPool']);
/** The gradients of max pools, by what they are told of their windows: winners, or x and y. */
const byWinners = new Set(['maxPool2dGradient', 'maxPool2dMaskGradient']);
const byTies = 'maxPool2dTieGradient';
const geometry = ['kernelSize', 'stride', 'padding', 'dilation', 'ceilMode'];

/** Whether the gradient of a max pool needs neither its x nor its y. */
export function goesByWinners({ operator }: Node): boolean {
  return byWinners.has(operator.name);
}

/** Whether two pools, or their gradients, have the same windows. */
function sameWindows(a: Node, b: Node): boolean {
  return geometry.every(
    (name) => JSON.stringify(a.attributes[name]) === JSON.stringify(b.attributes[name]),
  );
}

/** The max pool that a node is the gradient of; null when it is none, or that is not known. */
export function poolOf(gradient: Node, rewriting: Rewriting): Node | null {
  const { name } = gradient.operator;
  if (name !== byTies && !goesByWinners(gradient)) return null;
  const [, x, y] = gradient.inputs as GraphVariable[];
  const told = (name === byTies ? y : x) as GraphVariable;
  const pool = rewriting.maker(told);
  if (pool === null || !pools.has(pool.operator.name)) return null;
  if (name !== byTies) return pool.outputs[1] === told ? pool : null;
  const same = pool.inputs[0] === x && pool.outputs[0] === y && sameWindows(pool, gradient);
  return same ? pool : null;
}

/**
 * The gradient of a ReLU that was pooled moves before the gradient of the pool, to fewer elements:
 * reluGradient(maxPool2dGradient(dy, winners), y) = maxPool2dGradient(reluGradient(dy, pool(y)),
 * winners). Bit by bit: a winner's y is its window's maximum, all other cells are 0 either way; so
 * where several win.
 */
export function moveReluGradients(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.named(activationGradients)) {
    const [dx, y] = node.inputs as [GraphVariable, GraphVariable];
    const gradient = rewriting.maker(dx);
    const pool = gradient && poolOf(gradient, rewriting);
    if (gradient === null || pool?.operator.name !== 'maxPool2d') continue;
    if (pool.inputs[0] !== y || rewriting.onlyReader(dx) === null) continue;
    const [dy, ...windows] = gradient.inputs as [GraphVariable, ...GraphVariable[]];
    const masked = new GraphVariable(dy.tracer, dy, null, node.operator.name);
    rewriting.replace(gradient);
    rewriting.replace(
      node,
      { ...node, inputs: [dy, pool.outputs[0] as GraphVariable], outputs: [masked] },
      { ...gradient, inputs: [masked, ...windows], outputs: node.outputs },
    );
  }
  return rewriting.result();
}

/**
 * The gradient of a bias sums what goes into the gradient of a pool with one winner a window, not
 * what comes out of it, which has nothing but zeros more.
 */
export function moveBiasGradients(graph: Graph): Graph {
  const rewriting = new Rewriting(graph);
  for (const node of rewriting.named(['biasGradient'])) {
    const gradient = rewriting.maker(node.inputs[0]);
    if (gradient?.operator.name !== 'maxPool2dGradient') continue;
    if (poolOf(gradient, rewriting) === null) continue;
    rewriting.replace(node, { ...node, inputs: [gradient.inputs[0] as GraphVariable] });
  }
  return rewriting.result();
}
