import { existsSync } from 'node:fs';
import { checkOptions, StridenetError } from '../errors.ts';
import * as sn from '../index.ts';
import { nearest } from '../spelling.ts';
import { layersOf } from './layers.ts';
import { madeOf, making } from './make.ts';
import { note, UsageError } from './process.ts';
import { labelOf } from './readSettings.ts';
import type { Settings } from './settings.ts';
import type { Spec } from './spec.ts';

/** What data tell of the network that learns them. */
export interface Facts {
  readonly inputShape?: sn.Shape;
  readonly classes?: number;
  readonly classNames?: readonly string[];
}

const { inception: _, mlpconv: __, resnextBlock: ___, ...others } = sn.models;
const { partialConv2d: ____, lenet5Connections: _____, ...models } = others;
const modelNames = Object.keys(models);

/** `entries` without those that are undefined. */
function given<T extends object>(entries: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const known = Object.entries(entries).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]?: NonNullable<T[K]> };
}

/** Whether a name is that of a file rather than that of a model. */
function isFile(name: string): boolean {
  return !modelNames.includes(name) && (/[./\\]/.test(name) || existsSync(name));
}

/** Whether the setting model names a file: then the network is there before the data. */
export function isSaved({ model }: Settings): boolean {
  return model !== undefined && isFile(model.kind);
}

function runtime({ backend, winograd }: Settings) {
  return given({ backend, winograd });
}

async function loaded(
  settings: Settings,
  path: string,
  { kind, options }: Spec,
  names: Facts['classNames'],
) {
  const { dtype, inputShape, classes } = settings;
  const fixed = Object.entries({ dtype, inputShape, classes }).find(([, value]) => value);
  if (fixed !== undefined) {
    const what = labelOf(settings, fixed[0] as 'dtype');
    throw new UsageError(`${what} belongs to new networks, and ${kind} is one that was saved`);
  }
  making(path, () => checkOptions('model of a file', options, []));
  if (!existsSync(kind)) {
    throw new StridenetError('ERR_FILE_NOT_FOUND', `${path}: there is no file ${kind}`);
  }
  const chosen = { ...runtime(settings), ...given({ classNames: names }) };
  return sn.load(kind, chosen).catch((error: unknown) => {
    const isOfNames = error instanceof StridenetError && error.message.includes('classNames');
    if (names === undefined || !isOfNames || error.code !== 'ERR_ARGUMENT') throw error;
    throw new UsageError(`${labelOf(settings, 'classNames')}: ${error.message}`, { cause: error });
  });
}

/** The shape that a new network of layers takes. */
function shapeOf(
  settings: Settings,
  path: string,
  facts: Facts,
  options: Spec['options'],
): sn.Shape {
  const shape = settings.inputShape ?? options.inputShape ?? facts.inputShape;
  if (shape !== undefined) return shape as sn.Shape;
  throw new UsageError(
    `${path}.inputShape is missing, and no data tell it: give one like [1, 28, 28]`,
  );
}

function built(
  settings: Settings,
  path: string,
  { kind, options }: Spec,
  facts: Facts,
): sn.Network {
  const { seed, dtype, inputShape, classes } = settings;
  const names = settings.classNames ?? facts.classNames;
  const shared = { ...runtime(settings), ...given({ seed, dtype }) };
  if (kind === '') {
    making(path, () => checkOptions('model', options, ['inputShape', 'layers']));
    const layers = layersOf(`${path}.layers`, options.layers);
    return making(path, () =>
      sn.sequential({
        ...shared,
        ...given({ classNames: names }),
        inputShape: shapeOf(settings, path, facts, options),
        layers,
      }),
    );
  }
  const known = given({ inputShape: facts.inputShape, classes: facts.classes });
  const all = {
    ...known,
    ...given({ classNames: names }),
    ...options,
    ...shared,
    ...given({ inputShape, classes }),
  };
  if (!modelNames.includes(kind)) {
    const near = nearest(kind, modelNames);
    const hint = near === null ? '' : `: did you mean '${near}'?`;
    throw new UsageError(
      `${path} needs a model (${modelNames.join(', ')}) or a file, and '${kind}' is neither${hint}`,
    );
  }
  return madeOf<sn.Network>(path, models, { kind, options: all });
}

/** The setting model. Throws UsageError when there is none. */
export function neededModel({ model }: Settings): Spec {
  if (model !== undefined) return model;
  throw new UsageError(`a model is needed: one of ${modelNames.join(', ')}, or a file`);
}

/**
 * Puts in the parameters of a file: all of them, or with the setting partialWeights those that fit,
 * and says how many those are.
 */
async function loadWeights(net: sn.Network, path: string, settings: Settings): Promise<void> {
  if (!settings.partialWeights) return void (await net.loadWeights(path));
  const report = await net.loadWeights(path, { strict: false, ignoreMismatched: true });
  const { loaded, missing, mismatched } = report;
  const left = [...missing, ...mismatched.map(({ key }) => key)];
  if (loaded.length === 0) {
    const message = `${labelOf(settings, 'weights')}: no tensor of ${path} fits the model`;
    throw new StridenetError('ERR_ARGUMENT', message);
  }
  const rest = left.length === 0 ? '' : `; not ${left.slice(0, 8).join(', ')}`;
  const more = left.length > 8 ? ` and ${left.length - 8} others` : '';
  note(`${path}: ${loaded.length} of ${net.parameters().size} parameters loaded${rest}${more}`);
}

/**
 * The network that settings ask for.
 * @param facts of the data that it learns, which a new network goes by
 * @throws UsageError for a model that is none; what `load` throws
 */
export async function modelOf(settings: Settings, facts: Facts = {}): Promise<sn.Network> {
  const { weights, partialWeights, threads, backend } = settings;
  if (partialWeights && weights === undefined) {
    throw new UsageError(`${labelOf(settings, 'partialWeights')} needs weights: --weights FILE`);
  }
  const model = neededModel(settings);
  if (threads !== undefined && backend !== 'reference') sn.setThreads(threads);
  const path = labelOf(settings, 'model');
  const net = isSaved(settings)
    ? await loaded(settings, path, model, settings.classNames)
    : built(settings, path, model, facts);
  if (weights !== undefined) await loadWeights(net, weights, settings);
  return net;
}

/** 'lenet5 (1, 28, 28) → (10), 61,706 parameters'. */
export function describeModel({ model }: Settings, net: sn.Network): string {
  const { inputShape, outputShape } = net.architecture;
  const parameters = net.layers().reduce((sum, layer) => sum + layer.parameters, 0);
  const shapes = [inputShape, outputShape].map((shape) => `(${shape.join(', ')})`).join(' → ');
  const name = model === undefined || model.kind === '' ? 'layers' : model.kind;
  return `${name} ${shapes}, ${parameters.toLocaleString('en-US')} parameters`;
}
