import { argumentError, dtypeError, StridenetError, shapeError } from '../errors.ts';
import { add } from '../ops/binary.ts';
import { checkOperand, isBatched, type Operand, type Variable } from '../ops/operator.ts';
import { stopGradientOperator } from '../ops/stopGradient.ts';
import { where } from '../ops/where.ts';
import { formatShape, sameShape } from '../shape.ts';
import { describe, type FloatDType, full, tensor } from '../tensor.ts';
import { GraphVariable, type Node, type Tracer } from './graph.ts';

/** Whether a value can have an adjoint. */
export function isFloat(variable: Operand): boolean {
  return variable.dtype === 'float32' || variable.dtype === 'float64';
}

/**
 * The variables that depend on one of `sources` by way of floating values, but not through
 * stopGradient.
 */
function dependents(nodes: readonly Node[], sources: readonly GraphVariable[]): Set<GraphVariable> {
  const found = new Set(sources.filter(isFloat));
  for (const node of nodes) {
    if (node.operator === stopGradientOperator) continue;
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

/** Where reverse mode goes. */
export interface PropagateOptions {
  /** The nodes recorded before this number count as given: nothing is passed on through them. */
  readonly from?: number | undefined;
  /**
   * Values that messages go to besides those that depend on a source, but through operators without
   * gradient none does.
   */
  readonly besides?: readonly GraphVariable[] | undefined;
}

/** Settings of reverse mode from one output. */
export interface DifferentiateOptions extends PropagateOptions {
  /** The adjoint of the output, of its shape; default 1, for an output of one element. */
  readonly seed?: Operand | undefined;
}

/** What reverse mode found. */
export interface Adjoints {
  /** t_n = ∂output/∂n of every value n that a message came to. */
  readonly of: ReadonlyMap<GraphVariable, Operand>;
  /** Those values in the order of the visits: each after all that read it. */
  readonly order: readonly GraphVariable[];
}

/** Throws ERR_ARGUMENT unless a value has one element, and is floating. */
export function checkScalar(where: string, output: GraphVariable): void {
  if (output.shape.some((size) => size !== 1)) {
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[${where}] expected a function whose value has one element but its shape is ${formatShape(output.shape)}`,
    );
  }
  checkFloat(where, output);
}

/** Throws ERR_ARGUMENT unless a value is floating. */
export function checkFloat(where: string, output: GraphVariable): void {
  if (isFloat(output)) return;
  throw argumentError(where, 'a floating value to differentiate', output.dtype);
}

/** `value` in the shape of `like`, and batched as it is. */
function filledLike(like: GraphVariable, value: number): Operand {
  if (like.batched) return where<Operand, Operand, number>(tensor(0, [], 'uint8'), like, value);
  return like.tracer.constant(full(like.shape, value, like.dtype as FloatDType));
}

/** The adjoint that reverse mode starts from. Throws ERR_ARGUMENT when there can be none. */
function firstAdjoint(output: GraphVariable, seed: Operand | undefined): Operand {
  if (seed === undefined) {
    checkScalar('gradients', output);
    return filledLike(output, 1);
  }
  checkFloat('gradients', output);
  if (!sameShape(seed.shape, output.shape)) {
    const expected = `a seed of shape ${formatShape(output.shape)}`;
    throw argumentError('gradients', expected, formatShape(seed.shape));
  }
  if (seed.dtype !== output.dtype) {
    throw dtypeError('gradients', `the seed must be ${output.dtype} but is ${describe(seed)}`);
  }
  if (output.batched && !isBatched(seed)) {
    throw shapeError('gradients', 'the seed must be batched, as the value is that it is for');
  }
  return seed;
}

/**
 * Reverse-mode differentiation: extends a graph by the adjoints of its values. Nodes are visited in
 * reverse order; each adds its message ∂f_c/∂f_n · t_c to its operands' adjoints t_n, which are thus
 * the sums over all children c (Griewank and Walther 2008).
 *
 * @param seeds the adjoints that it starts from
 * @param sources values on which what is wanted depends: messages go to those that depend on one of
 *   them
 * @throws ERR_NOT_DIFFERENTIABLE when an operator on the way to a source has no gradient
 */
export function propagate(
  tracer: Tracer,
  seeds: ReadonlyMap<GraphVariable, Operand>,
  sources: readonly GraphVariable[],
  { from = 0, besides = [] }: PropagateOptions = {},
): Adjoints {
  const nodes = tracer.nodes.slice(from);
  const needed = dependents(nodes, sources);
  const live = besides.length === 0 ? needed : dependents(nodes, [...sources, ...besides]);
  const found = new Map([...seeds].filter(([output]) => live.has(output)));
  const order: GraphVariable[] = [];
  const produced = new Set(nodes.flatMap(({ outputs }) => outputs));
  for (const node of nodes.reverse()) {
    const reached = node.outputs.filter((variable) => found.has(variable));
    if (reached.length === 0) continue;
    order.push(...reached);
    const { gradient, fixed } = node.operator;
    const wanted = node.inputs.map((input, i) => {
      const differentiable = gradient !== undefined && !fixed?.includes(i);
      return input !== null && (differentiable ? live : needed).has(input);
    });
    if (!wanted.includes(true)) continue;
    const incoming = node.outputs.map((variable) => found.get(variable) ?? null);
    const outgoing = messages(node, incoming, wanted);
    node.inputs.forEach((input, i) => {
      const message = outgoing[i] ?? null;
      if (input === null || message === null || !wanted[i]) return;
      const sum = found.get(input);
      found.set(input, sum === undefined ? message : add(sum, message));
    });
  }
  const leaves = [...found.keys()].filter((variable) => !produced.has(variable));
  return { of: found, order: [...order, ...leaves] };
}

/**
 * The adjoints of the values that `output` depends on, by `propagate`.
 *
 * @throws what `propagate` throws; ERR_ARGUMENT when `output` has more than one element and there is
 *   no seed, or is integer
 */
export function differentiate(
  output: GraphVariable,
  sources: readonly GraphVariable[],
  { seed, ...options }: DifferentiateOptions = {},
): Adjoints {
  const seeds = new Map([[output, firstAdjoint(output, seed)]]);
  return propagate(output.tracer, seeds, sources, options);
}

/**
 * The adjoints of `sources`, by `differentiate`: null for an integer one, zeros for one that the
 * output does not depend on. Throws what `differentiate` throws.
 */
export function gradientsOf(
  output: GraphVariable,
  sources: readonly GraphVariable[],
  options: DifferentiateOptions = {},
): (Operand | null)[] {
  const adjoints = differentiate(output, sources, options);
  return sources.map((source) => {
    if (!isFloat(source)) return null;
    return adjoints.of.get(source) ?? filledLike(source, 0);
  });
}

/**
 * The gradients of `output` to each of `sources`, by reverse mode (Griewank and Walther 2008),
 * recorded in the trace that they are values of.
 *
 * @param output floating
 * @param sources values of the same trace
 * @param seed the adjoint of `output`, of its shape and dtype; default 1, for an output of one element
 * @returns in the order of `sources`: null for an integer source, zeros for one that the output does
 *   not depend on
 * @throws ERR_NOT_DIFFERENTIABLE when an operator on the way to a source has no gradient;
 *   ERR_ARGUMENT for an output or a source that is no value of this trace, for an integer output, for
 *   one of more than one element without seed, and for a seed of another shape; ERR_DTYPE for one of
 *   another dtype; ERR_SHAPE for one that is not batched where the output is
 */
export function gradients(
  output: Variable,
  sources: readonly Variable[],
  seed?: Operand,
): (Operand | null)[] {
  if (!(output instanceof GraphVariable)) {
    throw argumentError('gradients', 'a traced value', output);
  }
  if (!Array.isArray(sources)) throw argumentError('gradients', 'a list of sources', sources);
  const wrt = Array.from(sources, (source: unknown, i) => {
    if (source instanceof GraphVariable && source.tracer === output.tracer) return source;
    throw argumentError('gradients', `source ${i} to be a value of the same trace`, source);
  });
  if (seed !== undefined) checkOperand('gradients', 'the seed', seed);
  return gradientsOf(output, wrt, { seed });
}
