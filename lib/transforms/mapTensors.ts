import { argumentError } from '../errors.ts';
import type { Operand } from '../ops/operator.ts';
import { formatPath, isOperand, mapTree, type Static, type TreePath } from '../tree.ts';

/** What stands at the leaves of a tree. */
export type LeafOf<T> = T extends Operand
  ? T
  : T extends Static
    ? never
    : T extends ReadonlyMap<string, infer V>
      ? LeafOf<V>
      : T extends readonly (infer V)[]
        ? LeafOf<V>
        : { [K in keyof T]: LeafOf<T[K]> }[keyof T];

/** A leaf T as it is mapped to U: it stays where one of the others M beside it is null. */
type MappedLeaf<T, U, M> = [M] extends [never] ? U : null extends M ? U | T : U;

/** The part of each of the trees M that stands at a key. */
type PartsOf<M extends readonly unknown[], K> = {
  [I in keyof M]: M[I] extends ReadonlyMap<K, infer V> ? V : K extends keyof M[I] ? M[I][K] : null;
};

/** The tree T with a U in place of each leaf, but for those beside which one of the trees M has null. */
export type MappedTree<T, U, M extends readonly unknown[] = []> = T extends Operand
  ? MappedLeaf<T, U, M[number]>
  : T extends Static
    ? T
    : T extends ReadonlyMap<infer K, infer V>
      ? Map<K, MappedTree<V, U, PartsOf<M, K>>>
      : { [K in keyof T]: MappedTree<T[K], U, PartsOf<M, K>> };

function placeOf(path: TreePath, tree: number): string {
  const name = path.length === 0 ? 'the value' : formatPath(path);
  return `${name} of tree ${tree}`;
}

/** The leaves and static values of a tree by their places. */
function placesOf(tree: unknown): Map<string, { value: unknown; path: TreePath }> {
  const places = new Map<string, { value: unknown; path: TreePath }>();
  const keep = (value: unknown, path: TreePath): void => {
    places.set(JSON.stringify(path), { value, path: [...path] });
  };
  mapTree('mapTensors', tree, isOperand, keep, keep);
  return places;
}

/**
 * The tree with `fn(tensor, ...others)` in place of each Tensor or traced value, where `others` are
 * what stands at its place in further trees of the same form:
 *
 * ```ts
 * params = sn.mapTensors((p, g) => sn.ops.sub(p, sn.ops.mul(g, 0.1)), params, grads);
 * ```
 *
 * Where a further tree has null, as gradients have for integers, `fn` is not called, and the value of
 * the first tree stays; so do its static values. Containers are new.
 *
 * @param fn of a leaf and what stands at its place in `others`
 * @param tree nested arrays, plain objects and Maps
 * @param others of the form of `tree`
 * @throws ERR_ARGUMENT that names the place of what is in one of the trees only, or no tree at all
 */
export function mapTensors<T, const M extends readonly unknown[], U>(
  fn: (tensor: LeafOf<T>, ...others: { [I in keyof M]: LeafOf<M[I]> }) => U,
  tree: T,
  ...others: M
): MappedTree<T, U, M> {
  if (typeof fn !== 'function') throw argumentError('mapTensors', 'a function', fn);
  const found = others.map(placesOf);
  const mapped = mapTree('mapTensors', tree, isOperand, (leaf, path) => {
    const key = JSON.stringify(path);
    const beside = found.map((places, i) => {
      const value = places.get(key)?.value;
      places.delete(key);
      if (value === null || isOperand(value)) return value;
      throw argumentError('mapTensors', `${placeOf(path, i + 1)} to be a Tensor or null`, value);
    });
    if (beside.includes(null)) return leaf;
    return fn(leaf as LeafOf<T>, ...(beside as { [I in keyof M]: LeafOf<M[I]> }));
  });
  found.forEach((places, i) => {
    for (const { value, path } of places.values()) {
      if (!isOperand(value)) continue;
      const expected = `a Tensor at ${placeOf(path, 0)} too, as at ${placeOf(path, i + 1)},`;
      throw argumentError('mapTensors', expected, null);
    }
  });
  return mapped as MappedTree<T, U, M>;
}
