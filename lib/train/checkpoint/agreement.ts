import { StridenetError } from '../../errors.ts';
import type { LayerDescription } from '../../layers/registry.ts';
import type { Optimizer } from '../../optimizers/optimizer.ts';
import type { Architecture } from '../architecture.ts';
import type { BatchSource } from '../batches.ts';
import type { Description } from '../description.ts';
import type { Settings } from '../options.ts';
import { listAt, objectAt, toJson } from './json.ts';

/** The longest text of a value in a message. */
const shownLength = 160;

function shown(value: unknown): string {
  const text = value === undefined ? 'not there' : toJson(value);
  return text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
}

/** What files keep of an optimizer, without its rate, which may change. */
function ruleOf({ kind, options }: Optimizer): unknown {
  const { learningRate: _, ...rest } = options;
  return { kind, options: rest };
}

/** The optimizers of a network's training: its own one, and those that layers have. */
export function optimizersOf(architecture: Architecture, optimizer: Optimizer): Optimizer[] {
  const own = architecture.parameters.flatMap(({ optimizer: each }) => each ?? []);
  return [...new Set([optimizer, ...own])];
}

/** What trainings must agree in for one to go on where the other was, as plain data by option. */
export function agreementOf(
  architecture: Architecture,
  settings: Settings,
  batches: BatchSource,
): Map<string, unknown> {
  const { seed, loss, optimizer, frozen, clipValue, clipNorm, augmentation } = settings;
  const own = architecture.parameters.flatMap(({ key, optimizer: each }) =>
    !each ? [] : [[`optimizer of ${key}`, ruleOf(each)] as const],
  );
  return new Map<string, unknown>([
    ['seed', seed],
    ['batchSize', batches.batchSize],
    ['accumulate', settings.accumulate],
    ['averaging', settings.averaging],
    ['number of samples', batches.samplesPerEpoch],
    ['validationSplit', settings.validationSplit],
    ['augmentation', augmentation.length === 0 ? null : augmentation],
    ['loss', { kind: loss.kind, options: loss.options }],
    ['optimizer', ruleOf(optimizer)],
    ...own,
    ['frozen', frozen],
    ['clipValue', clipValue],
    ['clipNorm', clipNorm],
  ]);
}

function differs(path: string, what: string, there: unknown, here: unknown): never {
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[fit, resume] ${path} is of another training: ${what} is ${shown(there)} there and ${shown(here)} here`,
  );
}

/** Throws ERR_ARGUMENT that names the first option in which a checkpoint differs. */
export function checkAgreement(
  path: string,
  there: ReadonlyMap<string, unknown>,
  here: ReadonlyMap<string, unknown>,
): void {
  for (const name of new Set([...here.keys(), ...there.keys()])) {
    const [old, own] = [there.get(name), here.get(name)];
    if (toJson(old ?? null) !== toJson(own ?? null)) differs(path, name, old, own);
  }
}

/** Throws ERR_ARGUMENT that names what differs, of layers the first. */
export function checkDescription(path: string, there: unknown, here: Description): void {
  if (toJson(there) === toJson(here)) return;
  const old = objectAt('architecture', there);
  for (const name of ['inputShape', 'dtype'] as const) {
    const value = old.get(name);
    if (toJson(value ?? null) !== toJson(here[name])) differs(path, name, value, here[name]);
  }
  const layers = listAt('architecture.layers', old.get('layers'));
  if (layers.length !== here.layers.length) {
    differs(path, 'the number of layers', layers.length, here.layers.length);
  }
  here.layers.forEach((layer: LayerDescription, i) => {
    if (toJson(layers[i] ?? null) !== toJson(layer)) differs(path, `layer ${i}`, layers[i], layer);
  });
}
