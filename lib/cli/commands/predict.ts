import { extname } from 'node:path';
import { decodeImage } from '../../data/images/decode.ts';
import { loadSharp, type Sharp } from '../../data/images/sharp.ts';
import { openRegular } from '../../data/regularFile.ts';
import { StridenetError, shapeError } from '../../errors.ts';
import * as sn from '../../index.ts';
import { modelOf } from '../model.ts';
import { exitCodes, note, percent, print } from '../process.ts';
import type { Settings } from '../settings.ts';
import { type Command, endingWith, showProgress, table } from './common.ts';

/** Samples of files. */
interface Input {
  /** Null when no file could be read. */
  readonly x: sn.Tensor | null;
  /** The samples, and the files that could not be read among them, in the order given. */
  readonly places: readonly Place[];
}

/** What a sample, or a file that could not be read, is called. */
interface Place {
  readonly file: string;
  /** Of a file that could not be read. */
  readonly error?: string;
}

/** What a StridenetError says; others are thrown on. */
function messageOf(error: unknown): string {
  if (error instanceof StridenetError) return error.message;
  throw error;
}

/** Images of a run at most. */
const imagesAtOnce = 64;

/** (N, …inputShape) of an array that is this, one sample, or lacks a channel axis of 1. */
function shaped(file: string, x: sn.Tensor, inputShape: sn.Shape): sn.Tensor {
  const sample = inputShape.filter((size) => size !== 1);
  const [first = 1, ...rest] = x.shape;
  const same = (shape: readonly number[]): boolean =>
    String(shape.filter((size) => size !== 1)) === String(sample);
  const rows = x.shape.length === inputShape.length && same(x.shape) ? 1 : same(rest) ? first : -1;
  if (rows < 0) {
    const wanted = `(N, ${inputShape.join(', ')})`;
    throw shapeError(
      'predict',
      `${file} is (${x.shape.join(', ')}), and the model takes ${wanted}`,
    );
  }
  return sn.tensor(x.data, [rows, ...inputShape], x.dtype);
}

async function arrayIn(file: string): Promise<sn.Tensor> {
  if (file.endsWith('.npy')) return sn.data.readNpy(file);
  const arrays = await sn.data.readNpz(file);
  const found = arrays.get('x') ?? (arrays.size === 1 ? [...arrays.values()][0] : undefined);
  if (found !== undefined) return found;
  const names = [...arrays.keys()].map((name) => `'${name}'`).join(', ');
  const message = `${file} has the arrays ${names}: name the one of samples 'x'`;
  throw new StridenetError('ERR_FILE_FORMAT', message);
}

async function readArray(file: string, { architecture }: sn.Network): Promise<Input> {
  const { dtype, inputShape } = architecture;
  let x: sn.Tensor;
  try {
    x = shaped(file, await arrayIn(file), inputShape);
  } catch (error) {
    return { x: null, places: [{ file, error: messageOf(error) }] };
  }
  const [count] = x.shape as [number];
  const places = Array.from({ length: count }, (_, i) => ({
    file: count === 1 ? file : `${file}[${i}]`,
  }));
  return { x: x.dtype === 'uint8' ? x : x.to(dtype), places };
}

async function readImages(
  files: readonly string[],
  { architecture }: sn.Network,
  fit: 'cover' | 'contain' | 'fill',
): Promise<Input> {
  const [channels, height, width] = architecture.inputShape;
  const isImage = architecture.inputShape.length === 3 && (channels === 1 || channels === 3);
  if (!isImage || height === undefined || width === undefined) {
    const shape = `(${architecture.inputShape.join(', ')})`;
    throw shapeError('predict', `the model takes ${shape} and no images; give it a .npy file`);
  }
  let loading: Promise<Sharp> | undefined;
  const decode = async (file: string): Promise<sn.Tensor> => {
    // That a file is not there is told before a package is asked for.
    await (await openRegular('predict', file)).close();
    loading ??= loadSharp('predict');
    return decodeImage('predict', await loading, file, settings);
  };
  const limits = { maxPixels: 2 ** 26, maxFileBytes: 2 ** 26, onBroken: 'throw' } as const;
  const settings = { size: [height, width], channels, fit, ...limits } as const;
  const read = await Promise.allSettled(files.map(decode));
  const reasons = read.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  const needsSharp = (reason: unknown): boolean =>
    reason instanceof StridenetError && reason.code === 'ERR_PACKAGE_NOT_FOUND';
  if (reasons.some(needsSharp)) throw reasons.find((each) => !needsSharp(each)) ?? reasons[0];
  const images = read.flatMap((result) => (result.status === 'rejected' ? [] : [result.value]));
  const places = read.map((result, i): Place => {
    const file = files[i] as string;
    return result.status === 'rejected' ? { file, error: messageOf(result.reason) } : { file };
  });
  return { x: images.length === 0 ? null : sn.ops.stack(images), places };
}

/** The files in groups that one run takes: an array alone, images together. */
function groups(files: readonly string[]): { array: boolean; files: string[] }[] {
  const found: { array: boolean; files: string[] }[] = [];
  for (const file of files) {
    const array = /^\.np[yz]$/.test(extname(file));
    const last = found.at(-1);
    if (!array && last && !last.array && last.files.length < imagesAtOnce) last.files.push(file);
    else found.push({ array, files: [file] });
  }
  return found;
}

interface Class {
  readonly class: number;
  readonly name?: string;
  readonly probability: number;
}

/** The largest outputs of a sample, the largest first. */
function topOf(row: ArrayLike<number>, top: number, names: readonly string[] | null): Class[] {
  const order = Array.from(row, (probability, i) => ({ class: i, probability }));
  order.sort((a, b) => b.probability - a.probability || a.class - b.class);
  return order.slice(0, top).map(({ class: place, probability }) => {
    const name = names?.[place];
    return { class: place, ...(name === undefined ? {} : { name }), probability };
  });
}

/** What is told of a sample. An error besides an output is that it is not finite. */
interface Told extends Place {
  /** Of a model that tells classes apart; null when its output is not finite. */
  readonly classes?: readonly Class[] | null;
  readonly output?: readonly number[];
}

const notFinite = 'not finite';

function cells({ file, classes, output = [] }: Told): string[] {
  if (classes === null) return [file, notFinite];
  if (classes === undefined) {
    return [
      file,
      ...output.map((value) => (Number.isFinite(value) ? value.toPrecision(6) : notFinite)),
    ];
  }
  return [
    file,
    ...classes.flatMap((each) => [each.name ?? String(each.class), percent(each.probability)]),
  ];
}

/** What is told of the sample `file` that has these values and this output. */
function toldOf(
  settings: Settings,
  net: sn.Network,
  file: string,
  sample: sn.Tensor['data'],
  row: sn.Tensor['data'],
): Told {
  const classifies = net.architecture.outputShape.length === 1 && row.length > 1;
  const names = settings.classNames ?? net.classNames;
  if (row.every(Number.isFinite)) {
    if (!classifies) return { file, output: Array.from(row) };
    return { file, classes: topOf(row, settings.top ?? 1, names) };
  }
  const given = sample.every(Number.isFinite) ? '' : ', as values of the sample are';
  const error = `[predict] ${file}: what the model gives is not finite${given}`;
  return { file, ...(classifies ? { classes: null } : { output: Array.from(row) }), error };
}

async function predictions(
  settings: Settings,
  net: sn.Network,
  { x, places }: Input,
  signal: AbortSignal,
): Promise<readonly Told[]> {
  if (x === null) return places;
  const { scale } = settings;
  const y = await net.predict(x, { signal, ...(scale === undefined ? {} : { scale }) });
  const samples = Math.max(1, x.shape[0] as number);
  const [from, to] = [x.size / samples, y.size / samples];
  let next = 0;
  return places.map((place): Told => {
    if (place.error !== undefined) return place;
    const i = next++;
    const sample = x.data.subarray(i * from, (i + 1) * from);
    return toldOf(settings, net, place.file, sample, y.data.subarray(i * to, (i + 1) * to));
  });
}

/**
 * `stridenet predict`: what a saved network takes images or arrays for. Files that cannot be read or
 * do not fit, and outputs that are not finite, do not disturb the others; then the exit code is 1.
 */
export const predict: Command = async (settings, { files, interrupted }) => {
  const signal = interrupted();
  const told: Told[] = [];
  const code = await endingWith(signal, async () => {
    const net = await modelOf(settings);
    for (const { array, files: some } of groups(files)) {
      const input = array
        ? await readArray(some[0] as string, net)
        : await readImages(some, net, settings.fit ?? 'cover');
      for (const each of await predictions(settings, net, input, signal)) told.push(each);
      if (files.length > imagesAtOnce) showProgress(`${told.length} samples`);
    }
    showProgress('');
    const read = told.filter(({ classes, output }) => classes !== undefined || output);
    if (settings.json) print(JSON.stringify(told, null, 2));
    else if (read.length > 0) print(table(read.map(cells)));
  });
  const errors = told.flatMap(({ error }) => error ?? []);
  for (const error of errors) note(error);
  return code === exitCodes.done && errors.length > 0 ? exitCodes.failed : code;
};
