import type { Executable } from '../backends/backend.ts';
import { backendOf, defaultBackend } from '../backends/index.ts';
import { checkRunOptions, runOptionNames } from '../backends/options.ts';
import { argumentError, checkOptions } from '../errors.ts';
import { Tracer } from '../graph/graph.ts';
import type { Operand } from '../ops/operator.ts';
import { checkMemory, Tensor, type TypedArray } from '../tensor.ts';
import { formatArgumentPath, isPlainObject, mapTree, type TreePath } from '../tree.ts';
import type { RunOptions } from './types.ts';

/** Throws ERR_ARGUMENT unless `fn` is a function, every option known and of a run one. */
export function checkCall(
  where: string,
  fn: unknown,
  options: RunOptions,
  more: readonly string[] = [],
): void {
  if (typeof fn !== 'function') throw argumentError(where, 'a function of operators', fn);
  const advice = `: ${where} gives a function, call ${where}(f)(x)`;
  checkOptions(where, options, [...runOptionNames, ...more], advice);
  checkRunOptions(where, options);
}

/** The number of parameters of a function, or of the function that it is the gradient of. */
function lengthOf(fn: (...inputs: never[]) => unknown): number {
  const { differentiates } = fn as { differentiates?: (...inputs: never[]) => unknown };
  return differentiates === undefined ? fn.length : lengthOf(differentiates);
}

/**
 * Throws ERR_ARGUMENT for options where an argument would be: the last of more arguments than `fn`
 * has parameters, an object of nothing but options.
 */
export function checkNoOptions(
  where: string,
  fn: (...inputs: never[]) => unknown,
  inputs: readonly unknown[],
  more: readonly string[] = [],
): void {
  const last = inputs.at(-1);
  if (!isPlainObject(last) || inputs.length <= lengthOf(fn)) return;
  const keys = Object.keys(last);
  if (keys.length === 0 || !keys.every((key) => [...runOptionNames, ...more].includes(key))) return;
  const expected = `options in ${where}(f, options), not among the arguments of f,`;
  throw argumentError(where, expected, last);
}

/**
 * The arguments with `leaf(value, path)` in place of their leaves.
 * @throws ERR_ARGUMENT that names the place of what is no argument, and of detached memory
 */
export function mapArguments<T extends Operand, U>(
  where: string,
  inputs: readonly unknown[],
  isLeaf: (value: unknown) => value is T,
  leaf: (value: T, path: TreePath) => U,
): unknown[] {
  return mapTree(
    where,
    inputs,
    isLeaf,
    (value, path) => {
      if (value instanceof Tensor) checkMemory(where, formatArgumentPath(path), value);
      return leaf(value, path);
    },
    undefined,
    formatArgumentPath,
  ) as unknown[];
}

/** Traces `body` and makes the outputs that it gives ready to run. */
export function prepare(
  body: (tracer: Tracer) => readonly Operand[],
  options: RunOptions,
): Executable {
  const tracer = new Tracer();
  try {
    const outputs = body(tracer);
    const { backend = defaultBackend(), ...rest } = options;
    return backendOf(backend).prepare(tracer.graph(outputs), rest);
  } finally {
    tracer.end();
  }
}

/** The arrays that a run gave, as Tensors. */
export function tensorsOf(
  { fetches }: Pick<Executable, 'fetches'>,
  arrays: readonly TypedArray[],
): Tensor[] {
  return fetches.map(({ shape, dtype }, i) => new Tensor(arrays[i] as TypedArray, shape, dtype));
}
