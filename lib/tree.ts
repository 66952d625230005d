import { argumentError } from './errors.ts';
import type { Operand, Variable } from './ops/operator.ts';
import { Tensor } from './tensor.ts';

/** What is no tensor and no container of tensors: passed on as it is, and no gradient of it. */
export type Static = number | string | boolean | null | undefined;

/** An argument whose tensors T may lie in nested arrays and plain objects, beside static values. */
export type Tree<T> = T | Static | readonly Tree<T>[] | { readonly [key: string]: Tree<T> };

/** `A` with a Tensor in place of each operand. */
export type TensorsOf<A> = A extends Operand
  ? Tensor
  : A extends Static
    ? A
    : { [K in keyof A]: TensorsOf<A[K]> };

/** `A` with a gradient of type G in place of each operand, null for integers, and for what is static. */
export type GradientsOf<A, G extends Operand = Tensor> = A extends Operand
  ? G | null
  : A extends Static
    ? null
    : { -readonly [K in keyof A]: GradientsOf<A[K], G> };

/** Which values of a tree are its leaves; the rest is containers and static values. */
export type IsLeaf<T> = (value: unknown) => value is T;

/** Where a leaf or a static value stands: the keys and indices that lead to it. */
export type TreePath = readonly (string | number)[];

/** Whether `value` is a Tensor or a traced value. */
export function isOperand(value: unknown): value is Operand {
  return (
    value instanceof Tensor || (value as Partial<Variable> | null | undefined)?.traced === true
  );
}

function isStatic(value: unknown): value is Static {
  return value === null || ['number', 'string', 'boolean', 'undefined'].includes(typeof value);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The path as it is written in code: 'params.layers[0].w'. */
export function formatPath(path: TreePath): string {
  return path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i === 0 ? '' : '.'}${key}`))
    .join('');
}

function copyWith<T, U>(
  where: string,
  tree: unknown,
  isLeaf: IsLeaf<T>,
  leaf: (value: T, path: TreePath) => U,
  other: (value: Static) => unknown,
  path: TreePath,
  above: readonly unknown[],
): unknown {
  if (isLeaf(tree)) return leaf(tree, path);
  if (isStatic(tree)) return other(tree);
  if (above.includes(tree)) {
    throw argumentError(where, `${formatPath(path)} to hold no container that it is within`, tree);
  }
  const next = (value: unknown, key: string | number): unknown =>
    copyWith(where, value, isLeaf, leaf, other, [...path, key], [...above, tree]);
  if (Array.isArray(tree)) return Array.from(tree, next);
  if (isPlainObject(tree)) {
    return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, next(value, key)]));
  }
  const name = path.length === 0 ? 'a value' : formatPath(path);
  const expected = `${name} to be a Tensor, a number, a string, a boolean, null, or plain objects and arrays of them,`;
  throw argumentError(where, expected, tree);
}

/**
 * The tree with `leaf(value, path)` in place of every leaf, in the order in which they stand, and
 * with `other(value)` (default: itself) in place of every static value. Containers are new.
 *
 * @throws ERR_ARGUMENT that names the place of an instance of a class, a function, or a container
 *   that is within itself
 */
export function mapTree<T, U>(
  where: string,
  tree: unknown,
  isLeaf: IsLeaf<T>,
  leaf: (value: T, path: TreePath) => U,
  other: (value: Static) => unknown = (value) => value,
): unknown {
  return copyWith(where, tree, isLeaf, leaf, other, [], []);
}

/** The leaves of a tree in the order in which they stand. Throws what `mapTree` throws. */
export function leavesOf<T>(where: string, tree: unknown, isLeaf: IsLeaf<T>): T[] {
  const leaves: T[] = [];
  mapTree(where, tree, isLeaf, (value) => leaves.push(value));
  return leaves;
}
