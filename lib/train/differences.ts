/** "lacks '0.bias' and 61 others", '' for no keys. */
function listed(verb: string, keys: readonly string[]): string {
  const shown = keys.slice(0, 3).map((key) => `'${key}'`);
  const others = keys.length - shown.length;
  if (others > 0) shown.push(others === 1 ? '1 other' : `${others} others`);
  const last = shown.pop();
  if (last === undefined) return '';
  return `${verb} ${shown.length === 0 ? last : `${shown.join(', ')} and ${last}`}`;
}

/** "the file lacks 'a' and has besides 'b', 'c' and 4 others", '' where there is no difference. */
export function differenceText(missing: readonly string[], unexpected: readonly string[]): string {
  const texts = [listed('lacks', missing), listed('has besides', unexpected)];
  const told = texts.filter((text) => text !== '');
  return told.length === 0 ? '' : `the file ${told.join(' and ')}`;
}
