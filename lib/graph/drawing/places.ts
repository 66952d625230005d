import type { Cluster, DrawnNode } from './drawing.ts';

/** Collects nodes into clusters by scope, numbering both. */
export class Places {
  readonly root: Cluster = { id: '', label: '', nodes: [], clusters: [] };
  readonly #byScope = new Map<string, Cluster>([['', this.root]]);
  readonly #nested: boolean;
  #nodes = 0;
  #clusters = 0;

  /**
   * @param nested whether there are clusters at all
   * @param scopes in the order in which their clusters shall be
   */
  constructor(nested: boolean, scopes: readonly string[]) {
    this.#nested = nested;
    if (nested) for (const scope of scopes) this.#at(scope);
  }

  /** Adds a node and gives its id. */
  add(scope: string, node: Omit<DrawnNode, 'id'>): string {
    const id = `n${this.#nodes++}`;
    this.#at(this.#nested ? scope : '').nodes.push({ id, ...node });
    return id;
  }

  #at(scope: string): Cluster {
    const known = this.#byScope.get(scope);
    if (known !== undefined) return known;
    const cut = scope.lastIndexOf('/');
    const parent = this.#at(cut < 0 ? '' : scope.slice(0, cut));
    const label = scope.slice(cut + 1);
    const made: Cluster = { id: `c${this.#clusters++}`, label, nodes: [], clusters: [] };
    parent.clusters.push(made);
    this.#byScope.set(scope, made);
    return made;
  }
}

/** The scope that all of these are in. */
export function commonScope(scopes: readonly string[]): string {
  const [first = [], ...rest] = scopes.map((scope) => scope.split('/'));
  let depth = first.length;
  for (const path of rest) {
    const differs = first.findIndex((part, i) => part !== path[i]);
    if (differs >= 0) depth = Math.min(depth, differs);
  }
  return first.slice(0, depth).join('/');
}
