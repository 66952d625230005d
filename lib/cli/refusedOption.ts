import { StridenetError } from '../errors.ts';
import { UsageError } from './process.ts';
import { labelOf } from './readSettings.ts';
import { type Key, keys, type Settings } from './settings.ts';

/** What `fit` finds wrong with what was made of other settings than its own options. */
const others: Readonly<Record<string, Key>> = { noDecay: 'optimizer', trainable: 'model' };

/**
 * The setting that an error of `fit` or `evaluate` is about: `[fit, frozen] …` is of frozen,
 * `[fit] expected validationSplit …` of validationSplit, and `[fit, earlyStopping] expected monitor …`
 * of earlyStopping.monitor, or where nobody gave that of what was given of earlyStopping.
 */
function keyOf(settings: Settings, message: string): Key | undefined {
  const [, place = '', first = ''] =
    /^\[\w+((?:, \w+)*)[^\]]*\] (?:expected )?(\w*)/.exec(message) ?? [];
  const parts = [...place.split(', ').slice(1), first];
  const other = parts.find((part) => Object.hasOwn(others, part));
  if (other !== undefined) return others[other];
  const named = parts.map((_, i) => parts.slice(0, parts.length - i).join('.'));
  const known = named.flatMap((name) => keys.filter((key) => key === name));
  const given = known.find((key) => settings.from.has(key));
  return given ?? keys.find((key) => settings.from.has(key) && key.startsWith(`${parts[0]}.`));
}

/**
 * `error` as a UsageError that begins with the flag or the key of the configuration, when it is that
 * of an option that `fit` or `evaluate` refuses, as `error` tells; else null, as for data that do
 * not fit.
 */
export function refusedOption(settings: Settings, error: unknown): UsageError | null {
  if (!(error instanceof StridenetError) || error.code !== 'ERR_ARGUMENT') return null;
  const key = /^\[(fit|evaluate)\b/.test(error.message)
    ? keyOf(settings, error.message)
    : undefined;
  if (key === undefined) return null;
  return new UsageError(`${labelOf(settings, key)}: ${error.message}`, { cause: error });
}
