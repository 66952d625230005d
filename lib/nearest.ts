import { StridenetError, show } from './errors.ts';

/** So many names are listed; of more the first and the last. */
const maxListed = 4;

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
 * The word that `word` is likely to be a misspelling of: one that ends in it after a dot, or else
 * the one of the fewest edits, at most a third of its letters; null when there is none.
 */
export function nearest(word: string, known: readonly string[]): string | null {
  const longer = known.find((each) => each.endsWith(`.${word}`));
  if (longer !== undefined) return longer;
  let [found, best]: [string | null, number] = [null, Math.ceil(word.length / 3) + 1];
  for (const each of known) {
    const distance = editDistance(word, each, best);
    if (distance < best) [found, best] = [each, distance];
  }
  return found;
}

/** What stands before a known word in `word`, 'module.' in 'module.fc.bias'; null when nothing does. */
function prefixOf(word: string, known: ReadonlySet<string>): string | null {
  for (let dot = word.indexOf('.'); dot >= 0; dot = word.indexOf('.', dot + 1)) {
    if (known.has(word.slice(dot + 1))) return word.slice(0, dot + 1);
  }
  return null;
}

/**
 * ERR_ARGUMENT for a name that is not known: the name first, then what it might have been, and how
 * many there are instead of all of them.
 * @param what one of the names: 'key of this network'
 */
export function unknownName(
  where: string,
  what: string,
  name: unknown,
  known: readonly string[],
): StridenetError {
  const prefix = typeof name === 'string' ? prefixOf(name, new Set(known)) : null;
  const near = typeof name === 'string' && prefix === null ? nearest(name, known) : null;
  const quoted = known.map((each) => `'${each}'`);
  const listed = quoted.length > maxListed ? `${quoted[0]} … ${quoted.at(-1)}` : quoted.join(', ');
  const all = known.length === 0 ? 'there is none' : `of ${known.length}: ${listed}`;
  let hint = `; ${all}`;
  if (prefix !== null)
    hint = `, but without the prefix '${prefix}' it is one: take it off the keys`;
  else if (near !== null) hint = `: did you mean '${near}'? (${all})`;
  return new StridenetError('ERR_ARGUMENT', `[${where}] ${show(name)} is no ${what}${hint}`);
}
