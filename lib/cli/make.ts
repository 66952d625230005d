import { StridenetError, show, UnknownOptionError } from '../errors.ts';
import * as sn from '../index.ts';
import { nearest } from '../spelling.ts';
import { UsageError } from './process.ts';
import { labelOf, longFlag } from './readSettings.ts';
import { fields, type Key, type Settings } from './settings.ts';
import { type Spec, specOf } from './spec.ts';

type Options = Readonly<Record<string, unknown>>;
type Makers<T> = Readonly<Record<string, (options: never) => T>>;

/** The error that said that an option is none, however it was wrapped. */
function unknownOption(error: unknown): UnknownOptionError | null {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof UnknownOptionError) return each;
  }
  return null;
}

/**
 * Runs `body`, which makes what the setting at `path` asks for: what is wrong with its options
 * becomes a UsageError that begins with the path and names the nearest option.
 */
export function making<T>(path: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof StridenetError)) throw error;
    const unknown = unknownOption(error);
    if (unknown === null) throw new UsageError(`${path}: ${error.message}`, { cause: error });
    const { option, known } = unknown;
    const near = nearest(option, known);
    const hint = near === null ? '' : `: did you mean '${near}'?`;
    const all = known.length === 0 ? 'it has none' : `its options are ${known.join(', ')}`;
    const message = `${path}.${option} is no option${hint === '' ? '; ' : `${hint} (`}${all}`;
    throw new UsageError(hint === '' ? message : `${message})`, { cause: error });
  }
}

/** UsageError for a name that is none of `known`; `near` is what it was likely to be. */
export function unknownKind(
  path: string,
  kind: string,
  known: readonly string[],
  near = nearest(kind, known),
): UsageError {
  const hint = near === null ? '' : `: did you mean '${near}'?`;
  return new UsageError(`${path} needs one of ${known.join(', ')}, not ${show(kind)}${hint}`);
}

/** What a Spec asks for, by the function of its kind. */
export function madeOf<T>(path: string, makers: Makers<T>, { kind, options }: Spec): T {
  const make = Object.hasOwn(makers, kind) ? makers[kind] : undefined;
  if (make === undefined) throw unknownKind(path, kind, Object.keys(makers));
  return making(path, () => make(options as never));
}

/** `value` within the options at `path` as a Spec. */
export function innerSpec(path: string, value: unknown): Spec {
  const found = specOf(value);
  if (found !== null) return found;
  throw new UsageError(`${path} needs a kind, or an object with one, not ${show(value)}`);
}

/** `adam` with the settings optimizer and learningRate. */
export function optimizerOf(settings: Settings): sn.Optimizer {
  const { optimizer = { kind: 'adam', options: {} }, learningRate } = settings;
  const path = labelOf(settings, settings.optimizer ? 'optimizer' : 'learningRate');
  const options = learningRate === undefined ? {} : { learningRate };
  const kind = optimizer.kind === '' ? 'adam' : optimizer.kind;
  return madeOf(path, sn.optimizers, { kind, options: { ...optimizer.options, ...options } });
}

function scheduleAt(path: string, { kind, options }: Spec): sn.Schedule {
  const { next, ...rest } = options;
  const inner =
    next === undefined ? {} : { next: scheduleAt(`${path}.next`, innerSpec(`${path}.next`, next)) };
  return madeOf<sn.Schedule>(path, sn.schedules, { kind, options: { ...rest, ...inner } });
}

export function scheduleOf(settings: Settings): sn.Schedule | undefined {
  const { schedule } = settings;
  return schedule && scheduleAt(labelOf(settings, 'schedule'), schedule);
}

export function lossOf(settings: Settings): sn.Loss | undefined {
  const { loss } = settings;
  return loss && madeOf<sn.Loss>(labelOf(settings, 'loss'), sn.losses, loss);
}

/** "train.json: metrics[1]", or for the only one "--metric". */
function placed(settings: Settings, key: Key, place: number): string {
  const label = labelOf(settings, key);
  return label === longFlag(fields[key]) ? label : `${label}[${place}]`;
}

/** All but those that need a function. */
const metricMakers: Makers<sn.Metric> = (() => {
  const { mean: _, topK, ...rest } = sn.metrics;
  return {
    ...rest,
    topK: ({ k, ...options }: Options) => topK(k as number, options),
  };
})();

export function metricsOf(settings: Settings): sn.Metric[] {
  const { metrics = [] } = settings;
  return metrics.map((each, i) => {
    const path = placed(settings, 'metrics', i);
    const [, k] = /^top-?(\d+)$/i.exec(each.kind) ?? [];
    if (k !== undefined) {
      throw unknownKind(path, each.kind, Object.keys(metricMakers), `topK:k=${k}`);
    }
    if (each.kind === 'topK' && each.options.k === undefined) {
      throw new UsageError(`${path}.k is missing: give one like topK:k=5`);
    }
    return madeOf(path, metricMakers, each);
  });
}

const { apply: _, ...augmentationMakers } = sn.augmentations;

export function augmentationOf(settings: Settings): sn.Augmentation[] {
  const { augmentation = [] } = settings;
  return augmentation.map((each, i) =>
    madeOf<sn.Augmentation>(placed(settings, 'augmentation', i), augmentationMakers, each),
  );
}
