import { StridenetError, shapeError, within } from '../errors.ts';
import { type Graph, type GraphVariable, type Node, Tracer } from '../graph/graph.ts';
import type { Operator } from '../ops/operator.ts';
import { type ReshapeAttributes, reshapeOperator } from '../ops/reshape.ts';
import { sameShape } from '../shape.ts';
import { describe, type Tensor } from '../tensor.ts';

/** Compositions of operators that are composed themselves, within each other. */
const maxLevels = 64;

/** The composition of a node's operator on its operands. Throws ERR_ARGUMENT when there is none. */
function composed({ operator, inputs, attributes }: Node): Graph {
  const { name } = operator;
  if (operator.composition === undefined) {
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[${name}] is defined by loops, which the native backend does not run: choose backend 'reference' (sn.setDefaultBackend('reference') for everything), or give its definition a composition`,
    );
  }
  const tracer = new Tracer();
  const operands = inputs.map((input) => (input === null ? null : tracer.input(input)));
  const results = operator.composition(operands, attributes);
  return within(`${name}, composition`, () => tracer.graph(results));
}

function checkResults({ operator, outputs }: Node, results: readonly GraphVariable[]): void {
  outputs.forEach((output, i) => {
    const result = results[i] as GraphVariable;
    const alike = result.dtype === output.dtype && sameShape(result.shape, output.shape);
    if (alike && result.batched === output.batched) return;
    const batch = (variable: GraphVariable): string => (variable.batched ? ', batched' : '');
    throw shapeError(
      operator.name,
      `composition gives ${operator.outputs[i]} as ${describe(result)}${batch(result)} where infer says ${describe(output)}${batch(output)}`,
    );
  });
}

/** `to` as another name of `from`. */
function alias(from: GraphVariable, to: GraphVariable, { scope }: Node): Node {
  const keepFirst = to.batched === true;
  const shape = keepFirst ? to.shape.slice(1) : to.shape;
  const attributes: ReshapeAttributes = { keepFirst, shape };
  const operator = reshapeOperator as unknown as Operator;
  return { operator, inputs: [from], outputs: [to], attributes, scope };
}

/** The nodes that `node` stands for, on its own operands; `path` is what it stands in. */
function expand(
  node: Node,
  path: readonly Operator[],
  constants: Map<GraphVariable, Tensor>,
): Node[] {
  const { operator } = node;
  if (operator.loops === undefined) return [node];
  if (path.includes(operator)) {
    const cycle = [...path.slice(path.indexOf(operator)), operator].map(({ name }) => name);
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[${operator.name}] composition goes through itself: ${cycle.join(' → ')}`,
    );
  }
  if (path.length === maxLevels) {
    const message = `more than ${maxLevels} compositions are within each other`;
    throw new StridenetError('ERR_ARGUMENT', `[${operator.name}] ${message}`);
  }
  const graph = composed(node);
  checkResults(node, graph.outputs);
  for (const [variable, tensor] of graph.constants) constants.set(variable, tensor);
  const place = new Map<GraphVariable, GraphVariable>();
  const operands = node.inputs.filter((input) => input !== null);
  graph.inputs.forEach(({ variable }, i) => {
    place.set(variable, operands[i] as GraphVariable);
  });
  const made = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const aliases: Node[] = [];
  node.outputs.forEach((output, i) => {
    const result = graph.outputs[i] as GraphVariable;
    if (made.has(result) && !place.has(result)) place.set(result, output);
    else aliases.push(alias(place.get(result) ?? result, output, node));
  });
  const own = <V extends GraphVariable | null>(variable: V): V =>
    ((variable && place.get(variable)) ?? variable) as V;
  const nodes = graph.nodes.flatMap((part) => {
    const scope = [node.scope, part.scope].filter((each) => each !== '').join('/');
    const [inputs, outputs] = [part.inputs.map(own), part.outputs.map(own)];
    return expand({ ...part, inputs, outputs, scope }, [...path, operator], constants);
  });
  return [...nodes, ...aliases];
}

/**
 * Operators that users defined become their compositions, at any depth.
 * @throws ERR_ARGUMENT for one without a composition, for one whose composition goes through itself,
 *   and for more than 64 within each other; ERR_SHAPE when a composition does not give what the shape rule says
 */
export function expandCompositions(graph: Graph): Graph {
  if (graph.nodes.every(({ operator }) => operator.loops === undefined)) return graph;
  const constants = new Map(graph.constants);
  const nodes = graph.nodes.flatMap((node) => expand(node, [], constants));
  return { ...graph, nodes, constants };
}
