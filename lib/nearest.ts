import { StridenetError, show } from './errors.ts';
import { nearest } from './spelling.ts';

/** So many names are listed; of more the first and the last. */
const maxListed = 4;

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
