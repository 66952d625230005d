import { argumentError, dtypeError, shapeError } from '../errors.ts';
import { firstLargest } from '../reference/indexing.ts';
import { formatShape, sameShape } from '../shape.ts';
import { checkMemory, describe, Tensor } from '../tensor.ts';

/** What a metric tells: a number, one for each class, or rows of them. */
export type MetricValue = number | readonly number[] | readonly (readonly number[])[];

/** Takes a metric over samples that come batch by batch; how they are cut changes nothing. */
export interface Accumulator {
  /**
   * @param outputs (N, …): what the network predicts, probabilities where it ends in softmax or
   *   sigmoid
   * @param labels class numbers (N), or targets of the outputs' shape
   * @throws ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT for what does not fit; then nothing was added
   */
  add(outputs: Tensor, labels: Tensor): void;
  /** Over all samples added; NaN, or no rows, where there was none. */
  result(): MetricValue;
  /** What `restore` goes on from; without them a training that is resumed begins it anew. */
  state?(): readonly number[];
  /**
   * Throws ERR_ARGUMENT unless `numbers` are a state.
   * @param numbers as `state` gave them
   */
  restore?(numbers: readonly number[]): void;
}

/** Throws ERR_ARGUMENT that shows the state which is none. */
export function checkState(where: string, numbers: readonly number[], fits: boolean): void {
  if (!fits) throw argumentError(where, 'a state as it gave', numbers);
}

/** How well outputs fit labels. It keeps nothing itself. */
export interface Metric {
  /** What results are found by; no two of one evaluation may have the same. */
  readonly name: string;
  /** Its settings as plain data. */
  readonly options: Readonly<Record<string, unknown>>;
  /** A new count of nothing, for one pass over a data set. */
  create(): Accumulator;
}

/** What every metric takes. */
export interface MetricOptions {
  /** What results are found by. */
  name?: string;
}

/** The name that `options` give. Throws ERR_ARGUMENT unless it is a text. */
export function nameOf(kind: string, { name = kind }: MetricOptions): string {
  if (typeof name === 'string' && name !== '' && !name.includes('.')) return name;
  throw argumentError(kind, 'name to be a text without dots', name);
}

/** Throws unless these are outputs and labels of as many samples. */
export function checkRows(where: string, outputs: unknown, labels: unknown): void {
  if (!(outputs instanceof Tensor)) throw argumentError(where, 'outputs to be a Tensor', outputs);
  if (!(labels instanceof Tensor)) throw argumentError(where, 'labels to be a Tensor', labels);
  checkMemory(where, 'outputs', outputs);
  checkMemory(where, 'labels', labels);
  const rows = labels.shape[0];
  if (outputs.shape.length >= 1 && labels.shape.length >= 1 && outputs.shape[0] === rows) return;
  const shapes = `outputs ${formatShape(outputs.shape)} and labels ${formatShape(labels.shape)}`;
  throw shapeError(where, `${shapes} must have as many rows`);
}

/** Outputs over classes, and the class that each sample has. */
export interface Classified {
  readonly samples: number;
  readonly classes: number;
  readonly labels: Int32Array;
  readonly predictions: Int32Array;
}

/** 1 where the one value of a row is above a half. */
function halves(values: Tensor['data']): Int32Array {
  return Int32Array.from(values, (value) => (value > 0.5 ? 1 : 0));
}

/** The first largest of every row of (N,C); NaN is above every number. */
function largest(data: Tensor['data'], samples: number, classes: number): Int32Array {
  return Int32Array.from({ length: samples }, (_, n) => firstLargest(data, n * classes, classes));
}

function labelsOf(where: string, outputs: Tensor, labels: Tensor, classes: number): Int32Array {
  const [samples = 0, width = 0] = outputs.shape;
  if (sameShape(labels.shape, outputs.shape)) {
    return width === 1 ? halves(labels.data) : largest(labels.data, samples, width);
  }
  if (labels.shape.length !== 1) {
    const needed = `class numbers (N), or targets ${formatShape(outputs.shape)}`;
    throw shapeError(where, `labels must be ${needed} but are ${describe(labels)}`);
  }
  if (labels.dtype !== 'int32' && labels.dtype !== 'uint8') {
    const message = `class numbers must be int32 or uint8 but are ${describe(labels)}`;
    throw dtypeError(where, `${message}: convert them by labels.to('int32')`);
  }
  const wrong = labels.data.findIndex((label: number) => label < 0 || label >= classes);
  if (wrong < 0) return Int32Array.from(labels.data);
  const expected = `the label of sample ${wrong} to be from 0 to ${classes - 1}`;
  throw argumentError(where, expected, labels.data[wrong]);
}

/**
 * The classes of samples: the first largest of C outputs, or of one output, a probability, class 1
 * where it is above a half, else class 0.
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT that names the sample
 */
export function classify(where: string, outputs: Tensor, labels: Tensor): Classified {
  checkRows(where, outputs, labels);
  const [samples = 0, width] = outputs.shape;
  if (outputs.shape.length !== 2 || width === undefined || width === 0) {
    const needed = 'outputs (N, classes), or (N, 1) of two classes';
    throw shapeError(where, `${needed} are needed but they are ${formatShape(outputs.shape)}`);
  }
  const classes = Math.max(2, width);
  return {
    ...{ samples, classes, labels: labelsOf(where, outputs, labels, classes) },
    predictions: width === 1 ? halves(outputs.data) : largest(outputs.data, samples, width),
  };
}

/** Throws ERR_SHAPE unless there are as many classes as in the batches before, if there were any. */
export function checkClasses(where: string, before: number, { classes }: Classified): void {
  if (before === 0 || before === classes) return;
  throw shapeError(where, `${classes} classes after batches of ${before}`);
}
