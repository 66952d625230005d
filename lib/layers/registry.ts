import { checkOptions, StridenetError, show } from '../errors.ts';
import type { Initializer } from '../initializers/initializer.ts';
import { initializerOf, isListed } from '../initializers/registry.ts';
import { activation } from './activation.ts';
import type { Activation } from './activations.ts';
import { adaptiveAvgPool2d } from './adaptiveAvgPool2d.ts';
import { avgPool1d } from './avgPool1d.ts';
import { avgPool2d } from './avgPool2d.ts';
import { batchNorm } from './batchNorm.ts';
import { branches } from './branches.ts';
import { conv1d } from './conv1d.ts';
import { conv2d } from './conv2d.ts';
import { convTranspose2d } from './convTranspose2d.ts';
import { type CustomLayer, custom, type LayerSettings } from './custom.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { flatten } from './flatten.ts';
import { globalAvgPool1d } from './globalAvgPool1d.ts';
import { globalAvgPool2d } from './globalAvgPool2d.ts';
import { groupNorm } from './groupNorm.ts';
import type { Layer, LayerOptions } from './layer.ts';
import { layerNorm } from './layerNorm.ts';
import { localResponseNorm } from './localResponseNorm.ts';
import { maxout } from './maxout.ts';
import { maxPool1d } from './maxPool1d.ts';
import { maxPool2d } from './maxPool2d.ts';
import { normalization } from './normalization.ts';
import { pad } from './pad.ts';
import { prelu } from './prelu.ts';
import { residual } from './residual.ts';
import { selectChannels } from './selectChannels.ts';
import { sequential } from './sequential.ts';
import { spatialDropout } from './spatialDropout.ts';

/** Every layer that a file may name, but custom ones. */
const table: Readonly<Record<string, (options: never) => Layer>> = {
  activation: ({ activation: kind, ...options }: { activation: Activation }) =>
    activation(kind, options),
  adaptiveAvgPool2d,
  avgPool1d,
  avgPool2d,
  batchNorm,
  branches,
  conv1d,
  conv2d,
  convTranspose2d,
  dense,
  dropout,
  flatten,
  globalAvgPool1d,
  globalAvgPool2d,
  groupNorm,
  layerNorm,
  localResponseNorm,
  maxPool1d,
  maxPool2d,
  maxout,
  normalization,
  pad,
  prelu,
  residual,
  selectChannels,
  sequential,
  spatialDropout,
};

/** A layer as plain data. */
export interface LayerDescription {
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
}

/** The options whose values are initializers. */
const initializerOptions: readonly string[] = ['initializer', 'biasInitializer'];

function isLayer(value: unknown): value is Layer {
  return typeof (value as Layer | null)?.forward === 'function';
}

/** Layers and numbers that JSON does not have, in lists or not, as plain data; others as they are. */
function describe(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(describe);
  if (typeof value === 'number' && !Number.isFinite(value)) return { number: String(value) };
  return isLayer(value) ? describeLayer(value) : value;
}

/**
 * A layer as plain data. Its optimizer is a matter of training, not of the architecture; an
 * initializer of the user's own has done its work and is left out.
 */
export function describeLayer({ kind, options }: Layer): LayerDescription {
  const entries = Object.entries(options).flatMap(([name, value]): [string, unknown][] => {
    if (value === undefined || name === 'optimizer') return [];
    if (!initializerOptions.includes(name)) return [[name, describe(value)]];
    const known = value as Initializer;
    return isListed(known.kind) ? [[name, { kind: known.kind, options: known.options }]] : [];
  });
  return { kind, options: Object.fromEntries(entries) };
}

/** Finds the custom layer of a title and settings; null for none. */
export type CustomLayers = (
  title: string,
  settings: LayerSettings | undefined,
) => CustomLayer | null;

/** What `describe` described. */
function restored(value: unknown, known: CustomLayers): unknown {
  if (Array.isArray(value)) return value.map((entry) => restored(entry, known));
  if (typeof value !== 'object' || value === null) return value;
  return 'number' in value ? Number(value.number) : layerOf(value, known);
}

/** A custom layer under the settings that a file has of it. */
function restoredCustom(options: LayerOptions, known: CustomLayers): Layer {
  const layer = known(String(options.title), options.settings as LayerSettings | undefined);
  if (layer === null) {
    throw new StridenetError('ERR_FILE_FORMAT', `[load] no custom layer ${show(options.title)}`);
  }
  checkOptions(`load, custom layer ${show(layer.title)}`, options, [
    'title',
    'settings',
    'name',
    'trainable',
  ]);
  const { forward, options: given } = layer.definition;
  const { parameters = {}, optimizer } = given;
  const rest = optimizer === undefined ? { parameters } : { parameters, optimizer };
  return custom(forward, { ...options, ...rest });
}

/**
 * The layer that such data describes.
 * @param known custom layers, of which data has no more than the title and settings
 * @throws ERR_FILE_FORMAT for an unknown kind or title
 */
export function layerOf(data: unknown, known: CustomLayers = () => null): Layer {
  const { kind, options } = (data ?? {}) as Partial<LayerDescription>;
  const make = typeof kind === 'string' && Object.hasOwn(table, kind) ? table[kind] : undefined;
  const isObject = typeof options === 'object' && options !== null;
  if (kind === 'custom' && isObject) return restoredCustom(options, known);
  if (make === undefined || !isObject || 'optimizer' in options) {
    throw new StridenetError('ERR_FILE_FORMAT', `[load] no layer is called ${show(kind)}`);
  }
  const entries = Object.entries(options).map(([name, value]): [string, unknown] => {
    if (!initializerOptions.includes(name)) return [name, restored(value, known)];
    const initializer = value as Initializer;
    return [name, initializerOf(initializer.kind, initializer.options ?? {})];
  });
  return make(Object.fromEntries(entries) as never);
}
