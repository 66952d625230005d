/** Single characters to insert, delete or replace between two words; `most` or more is `most`. */
function editDistance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) >= most) return most;
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (above[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    above = row;
  }
  return Math.min(most, above[b.length] as number);
}

/**
 * The word that `word` is likely to be a misspelling of: one that differs by capital letters only,
 * or else one that ends in it after a dot, or else the one of the fewest edits, at most a third of
 * its letters; null when there is none.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  const lower = word.toLowerCase();
  const alike = known.find((each) => each.toLowerCase() === lower);
  if (alike !== undefined) return alike;
  const longer = known.find((each) => each.endsWith(`.${word}`));
  if (longer !== undefined) return longer;
  let [found, best]: [string | null, number] = [null, Math.ceil(word.length / 3) + 1];
  for (const each of known) {
    const distance = editDistance(word, each, best);
    if (distance < best) [found, best] = [each, distance];
  }
  return found;
}
