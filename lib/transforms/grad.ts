import { argumentError, checkSynchronous, noValue, within } from '../errors.ts';
import { alias } from '../graph/alias.ts';
import { checkScalar, gradientsOf, isFloat } from '../graph/differentiate.ts';
import { escaped, GraphVariable, type Tracer } from '../graph/graph.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { Tensor } from '../tensor.ts';
import { isOperand, leavesOf, mapTree } from '../tree.ts';
import { checkCall, checkNoOptions, mapArguments, prepare, tensorsOf } from './prepare.ts';
import type { GradientFunction, RunOptions, Scalar, ValueAndGradientsFunction } from './types.ts';

/** Called with values that are traced, or with Tensors. */
type AnyFunction = (...inputs: never[]) => unknown;

interface Recorded {
  readonly value: GraphVariable;
  /** One for each argument, in the order of leaves; null for integers. */
  readonly gradients: readonly (Operand | null)[];
}

/** The one floating value among what a function to differentiate gave. */
export function floatOf(where: string, tracer: Tracer, result: unknown): GraphVariable {
  checkSynchronous(where, result);
  const leaves = leavesOf(where, result, isOperand);
  const floats = leaves.filter(isFloat);
  if (floats.length > 1) {
    const expected = 'a function whose value is one floating value, beside nulls at most,';
    throw argumentError(where, expected, result);
  }
  const value = floats[0] ?? leaves[0];
  if (!(value instanceof GraphVariable)) {
    throw noValue(where, 'a function of its arguments, whose value depends on them,', result);
  }
  if (value.tracer !== tracer) throw escaped(where, 'another trace');
  return value;
}

/** Calls `fn` on traced arguments, whose leaves are `sources`, and records its gradients. */
function record(
  where: string,
  fn: AnyFunction,
  inputs: readonly unknown[],
  sources: readonly GraphVariable[],
  tracer: Tracer,
): Recorded {
  const from = tracer.nodes.length;
  const value = floatOf(where, tracer, fn(...(inputs as never[])));
  checkScalar(where, value);
  return { value, gradients: gradientsOf(value, sources, { from }) };
}

/** `inputs` with their gradients in place of their leaves, null in place of what is static. */
export function mirror(
  where: string,
  inputs: readonly unknown[],
  found: readonly (Operand | null)[],
): unknown {
  let next = 0;
  return mapTree(
    where,
    inputs,
    isOperand,
    () => found[next++] as Operand | null,
    () => null,
  );
}

/** Records the gradients into the trace that the arguments are of. */
function inTrace(where: string, fn: AnyFunction, inputs: readonly unknown[], tracer: Tracer) {
  // Each argument is a value of its own, so that the same value elsewhere is held fixed.
  const sources: GraphVariable[] = [];
  const own = mapArguments(where, inputs, isOperand, (leaf) => {
    if (leaf instanceof GraphVariable && leaf.tracer !== tracer) {
      throw escaped(where, 'another trace');
    }
    const source = within(where, () => alias(tracer, leaf));
    sources.push(source);
    return source;
  });
  const { value, gradients: found } = record(where, fn, own, sources, tracer);
  const traced = found.map((gradient) =>
    gradient instanceof Tensor ? tracer.constant(gradient) : gradient,
  );
  return { value, grads: mirror(where, inputs, traced) };
}

/** Traces, runs and forgets the function with its gradients. */
function atOnce(
  where: string,
  fn: AnyFunction,
  inputs: readonly unknown[],
  feeds: readonly Tensor[],
  options: RunOptions,
) {
  let wanted: readonly boolean[] = [];
  const program = prepare((tracer) => {
    const sources: GraphVariable[] = [];
    const traced = mapTree(where, inputs, isOperand, (leaf) => {
      const source = tracer.input(leaf);
      sources.push(source);
      return source;
    }) as unknown[];
    const { value, gradients: found } = record(where, fn, traced, sources, tracer);
    wanted = found.map((gradient) => gradient !== null);
    return [value, ...found.filter((gradient) => gradient !== null)];
  }, options);
  try {
    const { fetches } = program.runSync({ steps: 1, feeds: feeds.map(({ data }) => data) });
    const [value, ...parts] = tensorsOf(program, fetches);
    const found = wanted.map((is) => (is ? (parts.shift() as Tensor) : null));
    return { value, grads: mirror(where, inputs, found) };
  } finally {
    program.dispose();
  }
}

/** The function with its gradients; errors name `where`. */
function differentiated(
  where: string,
  fn: AnyFunction,
  options: RunOptions,
): (...inputs: unknown[]) => { value: unknown; grads: unknown } {
  checkCall(where, fn, options);
  return (...inputs) => {
    checkNoOptions(where, fn, inputs);
    const leaves: Operand[] = [];
    mapArguments(where, inputs, isOperand, (leaf) => leaves.push(leaf));
    const traced = leaves.find((leaf) => leaf instanceof GraphVariable);
    if (traced !== undefined) return inTrace(where, fn, inputs, traced.tracer);
    return atOnce(where, fn, inputs, leaves as Tensor[], options);
  };
}

/**
 * The function and its gradients in one: `valueAndGrad(f)(...inputs)` gives `{ value, grads }`.
 *
 * Arguments are Tensors, or nested arrays, plain objects and Maps (with strings as keys, such as
 * the parameters of a network) of them; numbers, strings, booleans, null and undefined among them
 * are passed on as they are. `grads` is a list in the order of the arguments and mirrors them: a
 * gradient for each floating Tensor, null for integer ones and for what is static. Its type is that
 * of the Tensors of the call: null of `Tensor<'int32'>`, and of `Tensor` a gradient or null.
 * The function is traced on every call; `compile(valueAndGrad(f))` traces it once.
 *
 * Within a trace, with a traced value among the arguments, value and gradients are recorded: for
 * second derivatives, penalties on gradients and `compile`. Values that `fn` uses without being given
 * them are held fixed.
 *
 * @param fn a function of operators whose value is floating and has one element, or a list of such a
 *   value and nulls, so that `grad(grad(f))` is the second derivative of a function of one argument
 * @throws ERR_NOT_DIFFERENTIABLE when an operator on the way has no gradient; ERR_ARGUMENT when the
 *   value has more than one element, does not depend on the arguments or is a promise, an argument
 *   is none (its place is named), `fn` is no function or an option is unknown
 */
export function valueAndGrad<A extends readonly Variable[]>(
  fn: (...inputs: A) => Scalar,
  options?: RunOptions,
): ValueAndGradientsFunction<A>;
export function valueAndGrad<A extends readonly unknown[]>(
  fn: (...inputs: A) => Scalar,
  options?: RunOptions,
): ValueAndGradientsFunction<A>;
export function valueAndGrad(
  fn: AnyFunction,
  options: RunOptions = {},
): ValueAndGradientsFunction<unknown[]> {
  const both = differentiated('valueAndGrad', fn, options);
  return Object.assign(both, { differentiates: fn }) as ValueAndGradientsFunction<unknown[]>;
}

/**
 * The gradients of a function of one element, a list as `grads` of `valueAndGrad`.
 * @param fn of operators, to a floating value of one element; of its arguments nothing may be
 *   changed
 */
export function grad<A extends readonly Variable[]>(
  fn: (...inputs: A) => Scalar,
  options?: RunOptions,
): GradientFunction<A>;
export function grad<A extends readonly unknown[]>(
  fn: (...inputs: A) => Scalar,
  options?: RunOptions,
): GradientFunction<A>;
export function grad(fn: AnyFunction, options: RunOptions = {}): GradientFunction<unknown[]> {
  const both = differentiated('grad', fn, options);
  const gradient = (...inputs: unknown[]) => both(...inputs).grads;
  return Object.assign(gradient, { differentiates: fn }) as GradientFunction<unknown[]>;
}
