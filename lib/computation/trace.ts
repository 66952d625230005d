import {
  argumentError,
  checkBoolean,
  checkOptions,
  checkSynchronous,
  noValue,
  StridenetError,
} from '../errors.ts';
import { withoutAliases } from '../graph/alias.ts';
import { type GraphVariable, Tracer } from '../graph/graph.ts';
import { UniqueNames } from '../graph/names.ts';
import type { Spec, Variable } from '../ops/operator.ts';
import { Tensor } from '../tensor.ts';
import {
  formatArgumentPath,
  formatPath,
  isOperand,
  isPlainObject,
  leavesOf,
  mapTree,
  type Static,
  type TensorsOf,
  type TreePath,
} from '../tree.ts';
import { ComputationGraph } from './computationGraph.ts';

/** What is known of an argument before it is there. */
export interface InputSpec extends Spec {
  /** What it is called in messages and drawings; default: its place, 'params.w' or 'x0'. */
  readonly name?: string;
}

/** `A` with the spec of each traced value in its place. */
export type SpecsOf<A> = A extends Variable
  ? InputSpec
  : A extends Static
    ? A
    : A extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<K, SpecsOf<V>>
      : { [K in keyof A]: SpecsOf<A[K]> };

function isSpec(value: unknown): value is InputSpec {
  if (value instanceof Tensor) return true;
  const { shape, dtype } = (value ?? {}) as Partial<Spec>;
  return Array.isArray(shape) && typeof dtype === 'string';
}

/** Throws ERR_ARGUMENT for a spec of other keys or of what they cannot be. */
function checkSpec(spec: InputSpec, path: TreePath): void {
  if (spec instanceof Tensor || isOperand(spec)) return;
  const place = formatArgumentPath(path);
  checkOptions(`trace, the spec of ${place}`, spec, ['shape', 'dtype', 'batched', 'name']);
  const { shape, batched = false, name = '' } = spec;
  if (typeof name !== 'string') {
    throw argumentError('trace', `the name of ${place} to be a string`, name);
  }
  if (checkBoolean('trace', `batched of ${place}`, batched) && shape.length === 0) {
    throw argumentError(
      'trace',
      `${place} to have an axis of the batch, since it is batched,`,
      shape,
    );
  }
}

/** 'params.w' for a value within an argument, 'x1' for argument 1 itself; each once. */
function nameOf(spec: InputSpec, path: TreePath, unique: UniqueNames): string {
  const [first, ...rest] = path;
  return unique.give(spec.name ?? (rest.length === 0 ? `x${first}` : formatPath(rest)));
}

/** What looks like a spec among `specs` and is none, in words; null when nothing does. */
function halfSpec(specs: readonly unknown[]): string | null {
  for (const [i, each] of specs.entries()) {
    if (!isPlainObject(each) || isSpec(each)) continue;
    const { shape, dtype } = each;
    const place = formatArgumentPath([i]);
    if (Array.isArray(shape)) return `${place} has a shape but no dtype, so it is no spec`;
    if (typeof dtype === 'string') return `${place} has a dtype but no shape, so it is no spec`;
  }
  return null;
}

/** Calls a function to be traced; what it throws names what may be wrong with the specs first. */
function callWith(
  fn: (...inputs: never[]) => unknown,
  inputs: never[],
  specs: readonly unknown[],
): unknown {
  try {
    return fn(...inputs);
  } catch (error) {
    const count = specs.length === 1 ? '1 spec' : `${specs.length} specs`;
    const few =
      fn.length > specs.length
        ? `the function has ${fn.length} parameters but received ${count}`
        : null;
    const reason = halfSpec(specs) ?? few;
    if (reason === null) throw error;
    const thrown = error instanceof Error ? error.message : String(error);
    throw new StridenetError('ERR_ARGUMENT', `[trace] ${reason}: ${thrown}`, { cause: error });
  }
}

/**
 * The graph of a function of operators: it is called once, on values that have no numbers yet.
 * Control flow is plain TypeScript and is unrolled; Tensors that the function meets become
 * constants, copied now.
 *
 * @param fn gives one traced value, or nested arrays, plain objects and Maps of them
 * @param specs one for each argument: `{ shape, dtype, batched?, name? }`, a Tensor, whose shape and
 *   dtype count, or nested arrays, plain objects and Maps of them; numbers, strings, booleans and null are
 *   passed on as they are
 * @throws ERR_ARGUMENT for what is no spec; what the operators throw
 */
export function trace<A extends readonly Variable[], S extends { [I in keyof A]: InputSpec }>(
  fn: (...inputs: A) => unknown,
  ...specs: S
): ComputationGraph<{ [I in keyof A]: Tensor }>;
export function trace<S extends readonly InputSpec[]>(
  fn: number extends S['length']
    ? (...inputs: Variable[]) => unknown
    : 'a function of as many arguments as there are specs',
  ...specs: S
): ComputationGraph<{ [I in keyof S]: Tensor }>;
export function trace<A extends readonly unknown[]>(
  fn: (...inputs: A) => unknown,
  ...specs: { [I in keyof A]: SpecsOf<A[I]> }
): ComputationGraph<{ [I in keyof A]: TensorsOf<A[I]> }>;
export function trace(
  fn: (...inputs: never[]) => unknown,
  ...specs: readonly unknown[]
): ComputationGraph {
  if (typeof fn !== 'function') throw argumentError('trace', 'a function of operators', fn);
  const tracer = new Tracer();
  const unique = new UniqueNames();
  const inputs = mapTree('trace', specs, isSpec, (spec, path): GraphVariable => {
    checkSpec(spec, path);
    return tracer.input(spec, 'feed', nameOf(spec, path, unique));
  }) as never[];
  // A copy: the function may change the containers that it is given.
  const kept = mapTree('trace', inputs, isOperand, (input) => input) as unknown[];
  try {
    const result = callWith(fn, inputs, specs);
    checkSynchronous('trace', result);
    const outputs = leavesOf('trace', result, isOperand);
    if (outputs.length === 0) {
      throw noValue('trace', 'a function that gives a value', result);
    }
    return new ComputationGraph(withoutAliases(tracer.graph(outputs)), { arguments: kept });
  } finally {
    tracer.end();
  }
}
