import { isDeepStrictEqual } from 'node:util';
import { argumentError, ownFunction, StridenetError, show } from '../errors.ts';
import { type CustomLayer, isCustom, type LayerSettings } from '../layers/custom.ts';
import type { Layer } from '../layers/layer.ts';
import type { CustomLayers } from '../layers/registry.ts';

/** Makes the custom layer of such settings, {} where the file has none. */
export type CustomFactory = {
  /**
   * The layer, with the title that it is kept under.
   * @param settings those that it had when it was saved
   */
  make(settings: LayerSettings): CustomLayer;
}['make'];

/** The custom layers among `value`, a layer, its options, or a list, at any depth. */
function customWithin(value: unknown): CustomLayer[] {
  if (Array.isArray(value)) return value.flatMap(customWithin);
  if (typeof (value as Layer | null)?.forward !== 'function') return [];
  const layer = value as Layer;
  return isCustom(layer) ? [layer] : Object.values(layer.options).flatMap(customWithin);
}

/** What a layer keeps in files. */
function keptBy({ definition }: CustomLayer): string {
  const parameters = Object.entries(definition.options.parameters ?? {});
  const kept = parameters.map(([name, { shape, state = false, trainable = true }]) => {
    return [name, typeof shape === 'function' ? null : shape, state, trainable];
  });
  return JSON.stringify(kept);
}

/** What tells layers apart in files: the title, and the settings where there are any. */
function keyOf(title: string, settings: LayerSettings | undefined): string {
  const entries = Object.entries(settings ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${title}\n${settings === undefined ? '' : JSON.stringify(entries)}`;
}

/** Whether two layers of one title and the same settings may come back as one. */
function areOne(a: CustomLayer, b: CustomLayer): boolean {
  const made = a.definition.options.settings !== undefined;
  return (made || a.definition.forward === b.definition.forward) && keptBy(a) === keptBy(b);
}

/**
 * The custom layers by what tells them apart in files.
 * @throws ERR_ARGUMENT when two that differ have one title and no settings that tell them apart
 */
export function checkTitles(where: string, layers: readonly Layer[]): Map<string, CustomLayer> {
  const known = new Map<string, CustomLayer>();
  for (const layer of customWithin(layers)) {
    const key = keyOf(layer.title, layer.definition.options.settings);
    const other = known.get(key) ?? layer;
    known.set(key, other);
    if (areOne(layer, other)) continue;
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[${where}] two custom layers that differ have the title ${show(layer.title)}, by which files know them: give each a title of its own, make both of one function, or give each the settings that it was made of`,
    );
  }
  return known;
}

/** What a file tells of a custom layer. */
interface CustomPlace {
  readonly title: string;
  readonly settings: LayerSettings | undefined;
}

/** The custom layers that a file describes, at any depth. */
export function customIn(data: unknown): CustomPlace[] {
  if (typeof data !== 'object' || data === null) return [];
  const { kind, options } = data as { kind?: unknown; options?: Partial<CustomPlace> | null };
  if (kind !== 'custom') return Object.values(data).flatMap(customIn);
  return [{ title: String(options?.title), settings: options?.settings }];
}

/** The layer that a factory makes; it must be what the file tells of it. */
function madeBy(factory: CustomFactory, { title, settings }: CustomPlace): CustomLayer {
  const where = `load, custom.${title}`;
  const layer: unknown = ownFunction('load', `custom.${title}`, factory)(settings ?? {});
  if (!isCustom(layer)) throw argumentError(where, 'a layer made by sn.layers.custom', layer);
  const own = layer.definition.options.settings;
  if (layer.title === title && isDeepStrictEqual(own, settings)) return layer;
  const [wanted, made] = [[title, settings] as const, [layer.title, own] as const].map(
    ([name, values]) => `${show(name)} with settings ${JSON.stringify(values ?? null)}`,
  );
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[${where}] the file has a layer ${wanted} but the function makes ${made}`,
  );
}

/**
 * The option `custom` of load as a way to find a layer.
 * @throws ERR_ARGUMENT when it is neither a list of custom layers nor an object of functions, or two
 *   layers that differ cannot be told apart
 */
export function customFinder(custom: unknown): CustomLayers {
  if (Array.isArray(custom) && custom.every(isCustom)) {
    const known = checkTitles('load', custom);
    return (title, settings) => known.get(keyOf(title, settings)) ?? null;
  }
  const factories =
    typeof custom === 'object' && custom !== null && !Array.isArray(custom) && !isCustom(custom)
      ? new Map(Object.entries(custom as Readonly<Record<string, CustomFactory>>))
      : null;
  if (factories === null || [...factories.values()].some((make) => typeof make !== 'function')) {
    const expected =
      'custom to be a list of layers made by sn.layers.custom, or an object of functions that make them of settings';
    throw argumentError('load', expected, custom);
  }
  return (title, settings) => {
    const factory = factories.get(title);
    return factory === undefined ? null : madeBy(factory, { title, settings });
  };
}

/** Throws ERR_ARGUMENT that names the layers which a file has and `find` does not. */
export function checkKnown(path: string, places: readonly CustomPlace[], find: CustomLayers): void {
  const absent = places.filter(({ title, settings }) => find(title, settings) === null);
  if (absent.length === 0) return;
  const named = absent.map(({ title, settings }) =>
    settings === undefined
      ? show(title)
      : `${show(title)} with settings ${JSON.stringify(settings)}`,
  );
  const list = [...new Set(named)].join(', ');
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[load] ${path} has custom layers, whose functions no file can hold: load(path, { custom: [...] }) needs the layers of title ${list}`,
  );
}
