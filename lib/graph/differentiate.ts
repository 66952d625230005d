import { argumentError, StridenetError } from '../errors.ts';
import { add } from '../ops/binary.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { formatShape, sameShape } from '../shape.ts';
import { full } from '../tensor.ts';
import { GraphVariable, type Node } from './graph.ts';

function isFloat(variable: GraphVariable): boolean {
  return variable.dtype === 'float32' || variable.dtype === 'float64';
}

/** The variables that depend on one of `sources` by way of floating values. */
function dependents(nodes: readonly Node[], sources: readonly GraphVariable[]): Set<GraphVariable> {
  const found = new Set(sources.filter(isFloat));
  for (const node of nodes) {
    if (!node.inputs.some((input) => input !== null && found.has(input))) continue;
    for (const output of node.outputs) if (isFloat(output)) found.add(output);
  }
  return found;
}

function messages(
  node: Node,
  gradients: readonly (Operand | null)[],
  wanted: readonly boolean[],
): readonly (Operand | null)[] {
  if (node.operator.gradient === undefined) {
    throw new StridenetError(
      'ERR_NOT_DIFFERENTIABLE',
      `[${node.operator.name}] has no gradient${node.scope === '' ? '' : ` (in ${node.scope})`}`,
    );
  }
  return node.operator.gradient({
    inputs: node.inputs,
    outputs: node.outputs,
    gradients,
    attributes: node.attributes,
    wanted,
  });
}

/**
 * Reverse-mode differentiation: extends the graph of `output` by the gradient of it to each of
 * `sources`. Nodes are visited in reverse order; each adds its message ∂f_c/∂f_n · t_c to its
 * operands' adjoints t_n, which are thus the sums over all children c (Griewank and Walther 2008).
 *
 * @param seed the adjoint of `output`, of its shape; default 1, for an output of one element
 * @returns the gradients in the order of `sources`: null for an integer source, zeros for one that
 *   the output does not depend on
 * @throws ERR_NOT_DIFFERENTIABLE when an operator on the way has no gradient; ERR_ARGUMENT when
 *   `output` has more than one element and there is no seed
 */
export function gradients(
  output: Variable,
  sources: readonly Variable[],
  seed?: Operand,
): (Operand | null)[] {
  if (!(output instanceof GraphVariable)) throw argumentError('grad', 'a traced value', output);
  const { tracer } = output;
  const wrt = sources as readonly GraphVariable[];
  if (seed === undefined && output.shape.some((size) => size !== 1)) {
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[grad] expected a function whose value has one element but its shape is ${formatShape(output.shape)}`,
    );
  }
  if (seed !== undefined && !sameShape(seed.shape, output.shape)) {
    throw argumentError(
      'grad',
      `a seed of shape ${formatShape(output.shape)}`,
      formatShape(seed.shape),
    );
  }
  const nodes = [...tracer.nodes];
  const live = dependents(nodes, wrt);
  const adjoints = new Map<GraphVariable, Operand>();
  adjoints.set(
    output,
    seed ?? tracer.constant(full(output.shape, 1, output.dtype as 'float32' | 'float64')),
  );
  for (const node of nodes.reverse()) {
    if (!node.outputs.some((variable) => live.has(variable) && adjoints.has(variable))) continue;
    const incoming = node.outputs.map((variable) => adjoints.get(variable) ?? null);
    const wanted = node.inputs.map((input) => input !== null && live.has(input));
    const outgoing = messages(node, incoming, wanted);
    node.inputs.forEach((input, i) => {
      const message = outgoing[i] ?? null;
      if (input === null || message === null || !wanted[i]) return;
      const sum = adjoints.get(input);
      adjoints.set(input, sum === undefined ? message : add(sum, message));
    });
  }
  return wrt.map((source) => {
    if (!isFloat(source)) return null;
    const adjoint = live.has(output) ? adjoints.get(source) : undefined;
    return adjoint ?? tracer.constant(full(source.shape, 0, source.dtype as 'float32' | 'float64'));
  });
}
