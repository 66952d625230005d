import { argumentError, checkOptions, StridenetError } from '../errors.ts';
import { checkInteger } from '../shape.ts';
import { Tensor } from '../tensor.ts';
import { Dataset } from './dataset.ts';
import { arraySource, sampleSource, samplesSource } from './pipeline/placeSource.ts';
import type { Stage } from './pipeline/stage.ts';
import { isStream, type Stream, streamSource } from './pipeline/streamSource.ts';
import type { Pass, Sample, SampleSource } from './sample.ts';
import { checkSamples, type Samples } from './samples.ts';

/** What a data set can be made from. */
export type Source<T> =
  | readonly T[]
  | SampleSource<T>
  | Stream<T>
  | ((pass: Pass) => Stream<T> | PromiseLike<Stream<T>>);

/** Settings of `from`. */
export interface FromOptions {
  /**
   * How many values come, where they come one after the other; another number is ERR_ARGUMENT when
   * it is noticed. Default: unknown.
   */
  length?: number;
  /** Of the classes by their numbers; default: those of the source. */
  classNames?: readonly string[];
  /** Factor of every value of x; default 1/255 for uint8, else 1. */
  scale?: number;
}

const where = 'data.from';

function isSamples(source: unknown): source is Samples {
  const { x, y } = source as Partial<Samples>;
  return x instanceof Tensor && y instanceof Tensor;
}

function isSampleSource(source: unknown): source is SampleSource<unknown> {
  return (
    typeof (source as Partial<SampleSource>).get === 'function' && 'length' in (source as object)
  );
}

function checkNames(names: unknown): readonly string[] | null {
  if (names === undefined) return null;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return [...names];
  throw argumentError(where, 'classNames to be a list of names', names);
}

function checkScale(scale: unknown): number | null {
  if (scale === undefined) return null;
  if (typeof scale === 'number' && Number.isFinite(scale)) return scale;
  throw argumentError(where, 'scale to be a finite number', scale);
}

/** The first stage of a pipeline over `source`. */
function stageOf<T>(source: Source<T> | Samples, length: number | undefined): Stage<unknown> {
  const isObject = typeof source === 'object' && source !== null;
  const known = isObject && !ArrayBuffer.isView(source) && !(source instanceof Tensor);
  const stream = typeof source === 'function' || (known && isStream(source));
  const access = known && (Array.isArray(source) || isSamples(source) || isSampleSource(source));
  if (access && length !== undefined) {
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[${where}] length is that of the source, and no option`,
    );
  }
  if (known && Array.isArray(source)) return arraySource(source);
  if (known && isSamples(source)) {
    checkSamples(where, source);
    return samplesSource(source);
  }
  if (known && isSampleSource(source)) return sampleSource(source);
  if (stream) return streamSource(source, length ?? null);
  const expected =
    'Samples { x, y }, an array, an iterable, an async iterable, a function that gives one, or { length, get(index) }';
  throw argumentError(where, expected, source);
}

/**
 * A lazy data set of samples in memory, of an array, of an iterable or an async iterable, of what a
 * function gives for each pass (it is told seed and epoch), or of a source that reads by number.
 * An iterator, generator or stream can be read once; a function makes a new one for each pass.
 *
 * Values may be anything, as names of files, that `map` makes samples of.
 *
 * @param source { x, y } in memory, an array, an iterable, a function of the pass, or a source that
 *   reads by number
 * @throws ERR_ARGUMENT for anything else
 */
export function from(source: Samples, options?: FromOptions): Dataset<Sample>;
export function from<T>(source: Source<T>, options?: FromOptions): Dataset<T>;
export function from<T>(source: Source<T> | Samples, options: FromOptions = {}): Dataset<unknown> {
  checkOptions(where, options, ['length', 'classNames', 'scale']);
  const { length } = options;
  if (length !== undefined) checkInteger(where, 'length', length, 0);
  const stage = stageOf(source, length);
  const own = source as { classNames?: readonly string[]; scale?: number };
  return new Dataset(stage, {
    classNames: checkNames(options.classNames ?? own.classNames),
    scale: checkScale(options.scale ?? own.scale),
  });
}
