import { argumentError, handleRejections } from './errors.ts';
import { isOperand, type Operand, type Variable } from './ops/operator.ts';
import type { DType, FloatDType, Tensor } from './tensor.ts';

export { isOperand };

/** What is no tensor and no container of tensors: passed on as it is, and no gradient of it. */
export type Static = number | string | boolean | null | undefined;

/** An argument whose tensors T may lie in nested arrays, plain objects and Maps, beside static values. */
export type Tree<T> =
  | T
  | Static
  | readonly Tree<T>[]
  | ReadonlyMap<string, Tree<T>>
  | { readonly [key: string]: Tree<T> };

/** `A` with a Tensor in place of each operand. */
export type TensorsOf<A> = A extends Operand
  ? Tensor
  : A extends Static
    ? A
    : A extends Map<infer K, infer V>
      ? Map<K, TensorsOf<V>>
      : A extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<K, TensorsOf<V>>
        : { [K in keyof A]: TensorsOf<A[K]> };

/** `A` with a Tensor or a traced value in place of each operand. */
export type OperandsOf<A> = A extends Operand
  ? Operand
  : A extends Static
    ? A
    : A extends ReadonlyMap<infer K, infer V>
      ? ReadonlyMap<K, OperandsOf<V>>
      : { [K in keyof A]: OperandsOf<A[K]> };

/** The gradient of a Tensor of dtype D: of its own dtype, null of an integer one. */
export type GradientOf<D extends DType> = D extends FloatDType ? Tensor<D> : null;

/**
 * The gradients of arguments `A`: of a Tensor one of its own dtype, null for integers and for what
 * is static. Where the dtype is not known, as of `Tensor` and of traced values, it may be null.
 */
export type GradientsOf<A> =
  A extends Tensor<infer D>
    ? GradientOf<D>
    : A extends Operand
      ? Variable | null
      : A extends Static
        ? null
        : A extends ReadonlyMap<infer K, infer V>
          ? Map<K, GradientsOf<V>>
          : { -readonly [K in keyof A]: GradientsOf<A[K]> };

/** Which values of a tree are its leaves; the rest is containers and static values. */
export type IsLeaf<T> = (value: unknown) => value is T;

/** Where a leaf or a static value stands: the keys and indices that lead to it. */
export type TreePath = readonly (string | number)[];

/** Whether `value` is a leaf without gradient, see `Static`. */
export function isStatic(value: unknown): value is Static {
  if (value === null) return true;
  const type = typeof value;
  return type === 'number' || type === 'string' || type === 'boolean' || type === 'undefined';
}

/** Whether `value` is an object of no class. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** What holds values of a tree by their keys. */
export type Container =
  | readonly unknown[]
  | Readonly<Record<string, unknown>>
  | ReadonlyMap<string, unknown>;

/** Whether `value` is an array, a plain object or a Map. */
export function isContainer(value: unknown): value is Container {
  return Array.isArray(value) || value instanceof Map || isPlainObject(value);
}

/** The keys or indices of a container with their values, in its own order; holes are undefined. */
export function entriesOf(container: Container): [key: string | number, value: unknown][] {
  if (Array.isArray(container)) return [...container.entries()];
  return container instanceof Map ? [...container] : Object.entries(container);
}

/** A container of the kind of another one. */
export function containerLike(
  container: Container,
  entries: readonly (readonly [key: string | number, value: unknown])[],
): Container {
  if (Array.isArray(container)) return entries.map(([, value]) => value);
  return container instanceof Map
    ? new Map(entries as [string, unknown][])
    : Object.fromEntries(entries);
}

/** What a container is called in messages. */
export function kindOf(container: Container): string {
  if (Array.isArray(container)) return 'a list';
  return container instanceof Map ? 'a Map' : 'an object';
}

/** 'a list of 2', 'an object of a, b' or 'a Map of a, b'. */
export function describeContainer(container: Container): string {
  const entries = entriesOf(container);
  const what = Array.isArray(container) ? entries.length : entries.map(([key]) => key).join(', ');
  return `${kindOf(container)} of ${what}`;
}

/** Whether two containers are of one kind and have the same keys, in whatever order. */
export function sameKeys(a: Container, b: unknown): b is Container {
  if (!isContainer(b) || kindOf(a) !== kindOf(b)) return false;
  const [keys, others] = [entriesOf(a), new Map(entriesOf(b))];
  return keys.length === others.size && keys.every(([key]) => others.has(key));
}

/** The path as it is written in code: 'params.layers[0].w'. */
export function formatPath(path: TreePath): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${key}`))
    .join('');
}

/** 'argument 1', or 'params.w of argument 0', for a path within a list of arguments. */
export function formatArgumentPath([first, ...rest]: TreePath): string {
  return rest.length === 0 ? `argument ${first}` : `${formatPath(rest)} of argument ${first}`;
}

/** How many containers a leaf may lie in, a list of arguments among them. */
export const maxLevels = 100;

/** What `mapTree` does at the leaves, and how it names places in messages. */
interface Walk<T, U> {
  readonly where: string;
  readonly isLeaf: IsLeaf<T>;
  readonly leaf: (value: T, path: TreePath) => U;
  readonly other: (value: Static, path: TreePath) => unknown;
  readonly name: (path: TreePath) => string;
  readonly path: (string | number)[];
  readonly above: unknown[];
}

function copyWith<T, U>(walk: Walk<T, U>, tree: unknown): unknown {
  const { where, path, above } = walk;
  if (walk.isLeaf(tree)) return walk.leaf(tree, path);
  if (isStatic(tree)) return walk.other(tree, path);
  if (above.includes(tree)) {
    throw argumentError(where, `${walk.name(path)} to hold no container that it is within`, tree);
  }
  if (above.length === maxLevels) {
    const expected = `arrays, plain objects and Maps of at most ${maxLevels} levels`;
    throw argumentError(where, expected, above[0]);
  }
  const next = (value: unknown, key: string | number): unknown => {
    path.push(key);
    const copy = copyWith(walk, value);
    path.pop();
    return copy;
  };
  above.push(tree);
  const called = (): string => (path.length === 0 ? 'a value' : walk.name(path));
  if (!isContainer(tree)) {
    const expected = `${called()} to be a Tensor, a number, a string, a boolean, null, or plain objects, arrays and Maps of them,`;
    throw argumentError(where, expected, tree);
  }
  const entries = entriesOf(tree).map(([key, value]): [string | number, unknown] => {
    if (typeof key === 'string' || Array.isArray(tree)) return [key, next(value, key)];
    throw argumentError(where, `${called()} to be a Map with strings as keys`, key);
  });
  const copy = containerLike(tree, entries);
  above.pop();
  return copy;
}

/**
 * The tree with `leaf(value, path)` in place of every leaf, in the order in which they stand, and
 * with `other(value, path)` (default: itself) in place of every static value. Containers are new;
 * `path` is good during the call only.
 *
 * @param name how a place is called in messages
 * @throws ERR_ARGUMENT that names the place of an instance of a class, a function, or a container
 *   that is within itself; ERR_ARGUMENT beyond `maxLevels`
 */
export function mapTree<T, U>(
  where: string,
  tree: unknown,
  isLeaf: IsLeaf<T>,
  leaf: (value: T, path: TreePath) => U,
  other: (value: Static, path: TreePath) => unknown = (value) => value,
  name: (path: TreePath) => string = formatPath,
): unknown {
  try {
    return copyWith({ where, isLeaf, leaf, other, name, path: [], above: [] }, tree);
  } catch (error) {
    handleRejections(tree);
    throw error;
  }
}

/** The leaves of a tree in the order in which they stand. Throws what `mapTree` throws. */
export function leavesOf<T>(where: string, tree: unknown, isLeaf: IsLeaf<T>): T[] {
  const leaves: T[] = [];
  mapTree(where, tree, isLeaf, (value) => leaves.push(value));
  return leaves;
}
