import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { imageOptions } from '../data/images/decode.ts';
import { checkOptions, StridenetError, UnknownOptionError } from '../errors.ts';
import * as sn from '../index.ts';
import { nearest } from '../spelling.ts';
import { making } from './make.ts';
import type { Facts } from './model.ts';
import { count, UsageError } from './process.ts';
import { labelOf } from './readSettings.ts';
import type { Settings } from './settings.ts';
import type { Spec } from './spec.ts';

type TrainingData = sn.data.TrainingData;

/** Data that settings name. */
export interface Data {
  readonly name: string;
  /** All there is, where there is no part to test with. */
  readonly train: TrainingData;
  readonly test: TrainingData | null;
  readonly facts: Facts;
}

/** The two parts, and how many classes there are where labels alone do not tell. */
interface Parts {
  readonly train: TrainingData;
  readonly test: TrainingData | null;
  readonly classes?: number;
}

type Reader = (options: Readonly<Record<string, unknown>>) => Promise<Parts>;

const readers: Readonly<Record<string, Reader>> = {
  mnist: async (options) => ({ ...(await sn.data.mnist(options)), classes: 10 }),
  'fashion-mnist': async (options) => ({ ...(await sn.data.fashionMnist(options)), classes: 10 }),
  cifar10: (options) => sn.data.cifar10(options),
  cifar100: (options) => sn.data.cifar100(options),
};
const aliases: Readonly<Record<string, string>> = {
  fashionMnist: 'fashion-mnist',
  fashion: 'fashion-mnist',
};

/** An array of a .npz; null where it has none of the names. */
function arrayOf(arrays: ReadonlyMap<string, sn.Tensor>, ...names: unknown[]): sn.Tensor | null {
  const found = names.find((name) => arrays.has(String(name)));
  return found === undefined ? null : (arrays.get(String(found)) as sn.Tensor);
}

/** Samples of arrays x and y, or x_train, y_train, x_test and y_test. */
async function readArrays(
  path: string,
  options: Readonly<Record<string, unknown>>,
  inputShape: sn.Shape | undefined,
): Promise<Parts> {
  checkOptions('npz', options, ['x', 'y', 'scale']);
  const arrays = await sn.data.readNpz(path);
  const { x = 'x', y = 'y', scale } = options;
  const part = (...names: [unknown[], unknown[]]): sn.Samples | null => {
    const [found, labels] = names.map((each) => arrayOf(arrays, ...each));
    if (!found || !labels) return null;
    const fits = inputShape !== undefined && found.shape.length >= 1;
    const rows = found.shape[0] ?? 0;
    const size = fits ? inputShape.reduce((product, each) => product * each, rows) : -1;
    const images =
      size === found.size
        ? sn.tensor(found.data, [rows, ...(inputShape as sn.Shape)], found.dtype)
        : found;
    return { x: images, y: labels, ...(scale === undefined ? {} : { scale: scale as number }) };
  };
  const train = part([x, 'x_train'], [y, 'y_train']);
  if (train === null) {
    const names = [...arrays.keys()].map((name) => `'${name}'`).join(', ');
    throw new StridenetError(
      'ERR_FILE_FORMAT',
      `${path} has no arrays '${x}' and '${y}', nor 'x_train' and 'y_train', but ${names || 'none'}`,
    );
  }
  return { train, test: part(['x_test'], ['y_test']) };
}

/** Images of a folder: of one with folders train and test, or of one with a folder for each class. */
async function readFolder(path: string, options: sn.data.ImageFolderOptions): Promise<Parts> {
  const [train, test] = ['train', 'test'].map((name) => join(path, name)) as [string, string];
  if (!existsSync(train) || !existsSync(test)) {
    return { train: (await sn.data.imageFolder(path, options)).prefetch(16), test: null };
  }
  const first = await sn.data.imageFolder(train, options);
  const classes = first.classNames ?? [];
  const second = await sn.data.imageFolder(test, { ...options, classes });
  return { train: first.prefetch(16), test: second.prefetch(16) };
}

/** What images are read as unless the options say it: the network's shape and classes. */
function imageDefaults({ inputShape, classNames }: Facts): Record<string, unknown> {
  const [channels, height, width] = inputShape?.length === 3 ? inputShape : [];
  return {
    ...(height === undefined ? {} : { size: [height, width] }),
    ...(channels === 1 || channels === 3 ? { channels } : {}),
    ...(classNames === undefined ? {} : { classes: classNames }),
  };
}

async function readFiles(
  label: string,
  path: string,
  { options }: Spec,
  facts: Facts,
): Promise<Parts> {
  if (path.endsWith('.npz')) return readArrays(path, options, facts.inputShape);
  const lists = ['folder', 'header', 'columns', 'delimiter', 'maxListBytes'];
  checkOptions('images', options, [...imageOptions, 'extensions', 'classes', ...lists]);
  const all = { ...imageDefaults(facts), ...options };
  if (!('size' in all)) {
    throw new UsageError(
      `${label}.size is missing: images need one, like ${label} ${path}:size=64`,
    );
  }
  if (statSync(path).isDirectory()) return readFolder(path, all as never);
  if (/\.(csv|tsv|txt)$/.test(path)) {
    return { train: (await sn.data.imageList(path, all as never)).prefetch(16), test: null };
  }
  throw new UsageError(
    `${label}: ${path} is no folder of images, .npz file or .csv list of images`,
  );
}

function notData(label: string, name: string): Error {
  if (/[/\\.]/.test(name)) {
    return new StridenetError('ERR_FILE_NOT_FOUND', `${label}: there is no file or folder ${name}`);
  }
  const known = Object.keys(readers);
  const near = nearest(name, known);
  const hint = near === null ? '' : `: did you mean '${near}'?`;
  return new UsageError(
    `${label} needs one of ${known.join(', ')}, or a file or folder, and '${name}' is none${hint}`,
  );
}

async function readParts(label: string, spec: Spec, facts: Facts): Promise<Parts> {
  const kind = aliases[spec.kind] ?? spec.kind;
  const reader = Object.hasOwn(readers, kind) ? readers[kind] : undefined;
  if (reader !== undefined) {
    return reader(spec.options).catch((error: unknown) => {
      const isMissing = error instanceof StridenetError && error.code === 'ERR_FILE_NOT_FOUND';
      if (!isMissing) throw error;
      const message = `${error.message}\nHere: ${label} ${kind}:path=FOLDER`;
      throw new StridenetError(error.code, message, { cause: error });
    });
  }
  const { path = kind, ...options } = spec.options;
  if (typeof path !== 'string' || path === '') throw new UsageError(`${label}.path needs a path`);
  if (!existsSync(path)) throw notData(label, path);
  return readFiles(label, path, { kind, options }, facts);
}

function limited(data: TrainingData, limit: number | undefined): TrainingData {
  if (limit === undefined) return data;
  return data instanceof sn.data.Dataset ? data.take(limit) : sn.data.slice(data, 0, limit);
}

/** One more than the largest class number; undefined for targets. */
function classesIn({ y }: sn.Samples): number | undefined {
  const numbered = y.shape.length === 1 && (y.dtype === 'int32' || y.dtype === 'uint8');
  if (!numbered) return y.shape[1];
  let most = 0;
  for (const label of y.data) most = Math.max(most, label + 1);
  return most;
}

async function sampleShape(data: TrainingData): Promise<sn.Shape | undefined> {
  if (!(data instanceof sn.data.Dataset)) return data.x.shape.slice(1);
  for await (const { x } of data.take(1)) return x.shape;
  return undefined;
}

async function factsOf({ train, classes }: Parts): Promise<Facts> {
  const classNames = train.classNames ?? undefined;
  const inputShape = await sampleShape(train);
  const number =
    classes ??
    classNames?.length ??
    (train instanceof sn.data.Dataset ? undefined : classesIn(train));
  return {
    ...(inputShape === undefined ? {} : { inputShape }),
    ...(number === undefined ? {} : { classes: number }),
    ...(classNames === undefined ? {} : { classNames }),
  };
}

/**
 * The data that a setting names.
 * @param known of the network where it is there already: what images are read as
 * @throws UsageError for a name or an option that is none; what readers throw
 */
export async function dataOf(
  settings: Settings,
  known: Facts = {},
  key: 'data' | 'validationData' = 'data',
): Promise<Data> {
  const label = labelOf(settings, key);
  const spec = settings[key];
  if (spec === undefined) {
    throw new UsageError('data are needed: --data mnist, a folder of images or a .npz file');
  }
  const facts = settings.inputShape ? { ...known, inputShape: settings.inputShape } : known;
  const parts = await readParts(label, spec, facts).catch((error: unknown) => {
    const wrong = error instanceof UnknownOptionError;
    throw wrong
      ? making(label, () => {
          throw error;
        })
      : error;
  });
  const train = limited(parts.train, settings.limit);
  const test = parts.test && limited(parts.test, settings.limit);
  const name = spec.kind === '' ? String(spec.options.path) : spec.kind;
  return { name, train, test, facts: await factsOf({ ...parts, train }) };
}

/** '1,000' samples, or 'samples' where only reading tells how many. */
export function sizeOf(data: TrainingData): string {
  const length = data instanceof sn.data.Dataset ? data.length : (data.x.shape[0] as number);
  return length === null ? 'samples' : `${count(length)} samples`;
}
