import { argumentError, StridenetError, show } from '../errors.ts';
import { type CustomLayer, isCustom } from '../layers/custom.ts';
import type { Layer } from '../layers/layer.ts';
import type { CustomLayers } from '../layers/registry.ts';

/** The custom layers among `value`, a layer, its options, or a list, at any depth. */
function customWithin(value: unknown): CustomLayer[] {
  if (Array.isArray(value)) return value.flatMap(customWithin);
  if (typeof (value as Layer | null)?.forward !== 'function') return [];
  const layer = value as Layer;
  return isCustom(layer) ? [layer] : Object.values(layer.options).flatMap(customWithin);
}

/** What must agree for two layers to come back as one: the function, and what it keeps. */
function definitionOf({ definition }: CustomLayer): [unknown, string] {
  const parameters = Object.entries(definition.options.parameters ?? {});
  const kept = parameters.map(([name, { shape, state = false, trainable = true }]) => {
    return [name, typeof shape === 'function' ? null : shape, state, trainable];
  });
  return [definition.forward, JSON.stringify(kept)];
}

/**
 * Throws ERR_ARGUMENT when custom layers of one title are different functions: a file knows them by
 * their titles alone.
 */
export function checkTitles(layers: readonly Layer[]): void {
  const known = new Map<string, [unknown, string]>();
  for (const layer of customWithin(layers)) {
    const own = definitionOf(layer);
    const other = known.get(layer.title) ?? own;
    known.set(layer.title, own);
    if (own[0] === other[0] && own[1] === other[1]) continue;
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[save] two custom layers that differ have the title ${show(layer.title)}, by which load finds them: give each a title of its own, or make them of one function`,
    );
  }
}

/** The titles of custom layers that a file describes, at any depth. */
export function titlesIn(data: unknown): string[] {
  if (typeof data !== 'object' || data === null) return [];
  const { kind, options } = data as { kind?: unknown; options?: { title?: unknown } | null };
  if (kind === 'custom') return [String(options?.title)];
  return Object.values(data).flatMap(titlesIn);
}

/**
 * The option `custom` of load as a table.
 * @throws ERR_ARGUMENT when it is no list of custom layers, or two that differ have one title
 */
export function customByTitle(layers: unknown): CustomLayers {
  if (!Array.isArray(layers) || !layers.every(isCustom)) {
    throw argumentError('load', 'custom to be a list of layers made by sn.layers.custom', layers);
  }
  checkTitles(layers);
  return new Map(layers.map((layer) => [layer.title, layer]));
}

/** Throws ERR_ARGUMENT that names the titles which a file has and `known` has not. */
export function checkKnown(path: string, titles: readonly string[], known: CustomLayers): void {
  const missing = [...new Set(titles)].filter((title) => !known.has(title));
  if (missing.length === 0) return;
  const list = missing.map(show).join(', ');
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[load] ${path} has custom layers, whose functions no file can hold: load(path, { custom: [...] }) needs the layers of title ${list}`,
  );
}
