/** How many layers may lie within each other: far fewer than a thread with a small stack can walk. */
export const maxLayerLevels = 64;

/** Lists and objects within each other in the settings of a custom layer. */
export const maxSettingsNesting = 32;

/** The same in files and configurations: 64 layers have four each, and the innermost its settings. */
export const maxNesting = 300;

/**
 * How many of the lists and objects of plain data lie within each other, at the deepest place, of
 * those for which `counts` holds (default: all); however deep the data are, the stack is not used.
 */
export function nestingOf(
  data: unknown,
  counts: (container: object) => boolean = () => true,
): number {
  let deepest = 0;
  const pending: { value: unknown; around: number }[] = [{ value: data, around: 0 }];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { value, around } = next;
    if (typeof value !== 'object' || value === null) continue;
    const level = counts(value) ? around + 1 : around;
    deepest = Math.max(deepest, level);
    for (const inner of Object.values(value)) pending.push({ value: inner, around: level });
  }
  return deepest;
}

/** Whether a network, or the options of a layer, have layers within them. */
function holdsLayers(container: object): boolean {
  const { layers, branches } = container as { layers?: unknown; branches?: unknown };
  return Array.isArray(layers) || Array.isArray(branches);
}

/** What is wrong with the depth of data that describe a network, in words; null when nothing is. */
export function nestingFault(data: unknown): string | null {
  const all = nestingOf(data);
  if (all <= maxNesting) return null;
  const layers = nestingOf(data, holdsLayers);
  return layers > maxLayerLevels
    ? `has ${layers} layers within each other, and at most ${maxLayerLevels} may be`
    : `has ${all} lists and objects within each other, and at most ${maxNesting} may be`;
}
