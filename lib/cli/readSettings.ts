import { readFile } from 'node:fs/promises';
import { StridenetError, show } from '../errors.ts';
import { nestingFault } from '../nesting.ts';
import { nearest } from '../spelling.ts';
import { UsageError } from './process.ts';
import { type Field, fields, type Key, keys, type Settings } from './settings.ts';

/** "--batch-size" of '-b, --batch-size'. */
export function longFlag({ flag }: Pick<Field<unknown>, 'flag'>): string {
  return flag.split(', ').at(-1) as string;
}

function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return show(value);
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function checkNesting(label: string, value: unknown): void {
  const fault = nestingFault(value);
  if (fault !== null) throw new UsageError(`${label} ${fault}`);
}

function checked(key: Key, label: string, value: unknown): unknown {
  const { type } = fields[key];
  const found: unknown = type.check(value);
  if (found !== undefined) return found;
  const near =
    typeof value === 'string' && type.name.startsWith("'")
      ? nearest(value, type.name.match(/\w+/g) ?? [])
      : null;
  const hint = near === null ? '' : `: did you mean '${near}'?`;
  throw new UsageError(`${label} needs ${type.expected}, not ${shown(value)}${hint}`);
}

/** The names that settings have directly within the object `container` ('' for all of it). */
function namesWithin(container: string): string[] {
  const prefix = container === '' ? '' : `${container}.`;
  const inner = keys.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length));
  return [...new Set(inner.map((key) => key.split('.')[0] as string))];
}

function unknownKey(file: string, path: string, container: string): UsageError {
  const known = namesWithin(container);
  const name = path.slice(container === '' ? 0 : container.length + 1);
  const near = nearest(name, known);
  const full = near === null || container === '' ? near : `${container}.${near}`;
  const hint = full === null ? `; its keys are ${known.join(', ')}` : `: did you mean '${full}'?`;
  return new UsageError(`${file}: there is no key '${path}'${hint}`);
}

/** The settings of an object of a configuration, into `found`. */
function collect(
  file: string,
  object: Readonly<Record<string, unknown>>,
  container: string,
  found: Map<Key, unknown>,
): void {
  for (const [name, value] of Object.entries(object)) {
    const path = container === '' ? name : `${container}.${name}`;
    if (Object.hasOwn(fields, path)) {
      found.set(path as Key, checked(path as Key, `${file}: ${path}`, value));
    } else if (namesWithin(path).length > 0) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        const inner = namesWithin(path).join(', ');
        throw new UsageError(`${file}: ${path} needs an object of ${inner}, not ${shown(value)}`);
      }
      collect(file, value as Record<string, unknown>, path, found);
    } else {
      throw unknownKey(file, path, container);
    }
  }
}

/** The settings of a configuration. Throws UsageError that names the key. */
async function readConfig(file: string): Promise<Map<Key, unknown>> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const missing = cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
    const reason = missing ? 'there is no such file' : `it cannot be read (${cause.code})`;
    const code = missing ? 'ERR_FILE_NOT_FOUND' : 'ERR_FILE_ACCESS';
    throw new StridenetError(code, `--config ${file}: ${reason}`, { cause });
  });
  let object: unknown;
  try {
    // Some editors begin files with a byte order mark.
    object = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    // It quotes the text, line breaks and what is no text at all too.
    const reason = (error as Error).message.replace(/[\s\p{Cc}]+/gu, ' ');
    throw new UsageError(`${file} is no JSON: ${reason}`);
  }
  checkNesting(file, object);
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw new UsageError(`${file} must hold an object of settings, not ${shown(object)}`);
  }
  const found = new Map<Key, unknown>();
  collect(file, object as Record<string, unknown>, '', found);
  return found;
}

/** The texts of a flag as commander gives them: none for a switch, several for a list. */
function textsOf(given: unknown): string[] {
  if (typeof given === 'boolean') return [];
  return (Array.isArray(given) ? given : [given]).map(String);
}

/**
 * What a configuration and flags say; flags count more.
 * @param flags texts by key; false for what a flag like --no-out takes back
 * @throws UsageError that names the flag, or the file and the key; ERR_FILE_NOT_FOUND,
 *   ERR_FILE_ACCESS for the configuration
 */
export async function readSettings(
  config: string | undefined,
  flags: ReadonlyMap<Key, unknown>,
): Promise<Settings> {
  const found = config === undefined ? new Map<Key, unknown>() : await readConfig(config);
  const from = new Map<Key, string>([...found.keys()].map((key) => [key, `${config}: ${key}`]));
  for (const [key, given] of flags) {
    const label = longFlag(fields[key]);
    const texts = textsOf(given);
    const value = given === false ? false : fields[key].type.parse(texts);
    checkNesting(label, value);
    found.set(key, checked(key, label, value));
    from.set(key, label);
  }
  return { ...Object.fromEntries(found), from } as Settings;
}

/** What messages call a setting. */
export function labelOf(settings: Settings, key: Key): string {
  return settings.from.get(key) ?? longFlag(fields[key]);
}
