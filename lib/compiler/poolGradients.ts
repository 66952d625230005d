import { type Graph, GraphVariable, type Node } from '../graph/graph.ts';
import { leaving, readers } from './uses.ts';

/** Gradients that keep dy where the function's result y is in some range, and are 0 elsewhere. */
const masks = new Set(['reluGradient', 'relu6Gradient']);

/** The node that gives each variable. */
export function producers(graph: Graph): Map<GraphVariable, Node> {
  return new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
}

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
export function poolOf(
  gradient: Node | undefined,
  sources: ReadonlyMap<GraphVariable, Node>,
): Node | null {
  const name = gradient?.operator.name ?? '';
  if (gradient === undefined || (name !== byTies && !goesByWinners(gradient))) return null;
  const [, x, y] = gradient.inputs as GraphVariable[];
  const told = (name === byTies ? y : x) as GraphVariable;
  const pool = sources.get(told);
  if (pool === undefined || !pools.has(pool.operator.name)) return null;
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
  const sources = producers(graph);
  const uses = readers(graph);
  const outside = leaving(graph);
  const replaced = new Map<Node, Node[]>();
  for (const node of graph.nodes) {
    if (!masks.has(node.operator.name)) continue;
    const [dx, y] = node.inputs as [GraphVariable, GraphVariable];
    const gradient = sources.get(dx);
    const pool = poolOf(gradient, sources);
    if (gradient === undefined || pool?.operator.name !== 'maxPool2d') continue;
    if (pool.inputs[0] !== y || outside.has(dx) || (uses.get(dx) ?? []).length !== 1) continue;
    const [dy, ...windows] = gradient.inputs as [GraphVariable, ...GraphVariable[]];
    const masked = new GraphVariable(dy.tracer, dy, null, node.operator.name);
    replaced.set(gradient, []);
    replaced.set(node, [
      { ...node, inputs: [dy, pool.outputs[0] as GraphVariable], outputs: [masked] },
      { ...gradient, inputs: [masked, ...windows], outputs: node.outputs },
    ]);
  }
  if (replaced.size === 0) return graph;
  return { ...graph, nodes: graph.nodes.flatMap((node) => replaced.get(node) ?? [node]) };
}

/**
 * The gradient of a bias sums what goes into the gradient of a pool with one winner a window, not
 * what comes out of it, which has nothing but zeros more.
 */
export function moveBiasGradients(graph: Graph): Graph {
  const sources = producers(graph);
  const nodes = graph.nodes.map((node) => {
    if (node.operator.name !== 'biasGradient') return node;
    const gradient = sources.get(node.inputs[0] as GraphVariable);
    if (gradient?.operator.name !== 'maxPool2dGradient') return node;
    if (poolOf(gradient, sources) === null) return node;
    return { ...node, inputs: [gradient.inputs[0] as GraphVariable] };
  });
  return { ...graph, nodes };
}
