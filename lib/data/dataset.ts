import { argumentError, checkBoolean, checkOptions, StridenetError } from '../errors.ts';
import { checkSeed } from '../random.ts';
import { checkInteger } from '../shape.ts';
import { collect, type ToSamplesOptions } from './collect.ts';
import { batch } from './pipeline/batch.ts';
import { concat } from './pipeline/concat.ts';
import { iterate } from './pipeline/iterate.ts';
import { filter, map, type SampleFunction } from './pipeline/map.ts';
import { prefetch } from './pipeline/prefetch.ts';
import { select, skip, take } from './pipeline/select.ts';
import { shuffle, shuffledOnce } from './pipeline/shuffle.ts';
import type { Stage } from './pipeline/stage.ts';
import type { Sample } from './sample.ts';
import type { Samples } from './samples.ts';
import { checkFractions, type Fractions, splitPlaces } from './split.ts';

/** Settings of a shuffling. */
export interface ShuffleOptions {
  /** Default: that of the pass, as `fit`'s. */
  seed?: number;
  /** Values among which the next one is drawn, where there is no random access; needed there. */
  buffer?: number;
}

/** Settings of a split. */
export interface SplitOptions {
  /** Every class has its share in every part; needs class numbers. Default false. */
  stratified?: boolean;
  /** Default 0. */
  seed?: number;
}

/** Which pass over a data set. */
export interface OpenOptions {
  /** Of functions' random numbers and of shufflings without a seed of their own; default 0. */
  seed?: number;
  /** Counted from 1; default 1. */
  epoch?: number;
  /** How many values to begin after; default 0. */
  skip?: number;
  /**
   * With random access, and unless the data set is shuffled already, values come in the order in
   * which `fit` takes samples in memory; default false.
   */
  shuffle?: boolean;
}

/** What a data set knows besides its values. */
export interface DatasetInfo {
  readonly classNames: readonly string[] | null;
  /** Factor of every value of x; null: 1/255 for uint8, else 1. */
  readonly scale: number | null;
}

/** What a data set is made of, for those within the library. */
let parts: <T>(dataset: Dataset<T>) => { stage: Stage<T>; info: DatasetInfo };

/**
 * Values that are read when they are wanted, most often samples, through a pipeline of methods that
 * each give a new data set. Nothing is kept between values, so that there may be more than fit into
 * memory. What a pass gives is a function of its seed and its epoch alone.
 *
 * Made by `sn.data.from`. With random access (from an array, `Samples` or a `SampleSource`, through
 * everything but `batch`, and `take` and `skip` behind a `filter`) shuffling is whole, `split` is
 * possible, and asynchronous values are read several at a time.
 *
 * What a source or a function throws reaches whoever reads as it is; errors get the place of the
 * sample as `sampleIndex`.
 */
export class Dataset<T = Sample> implements AsyncIterable<T> {
  readonly #stage: Stage<T>;
  readonly #info: DatasetInfo;

  static {
    parts = (dataset) => ({ stage: dataset.#stage, info: dataset.#info });
  }

  /** @internal `sn.data.from` makes data sets. */
  constructor(stage: Stage<T>, info: DatasetInfo) {
    if (typeof (stage as Partial<Stage<T>> | undefined)?.open !== 'function') {
      throw new StridenetError('ERR_ARGUMENT', '[Dataset] sn.data.from(…) makes data sets');
    }
    this.#stage = stage;
    this.#info = info;
  }

  /** How many values a pass gives; null if only reading tells. */
  get length(): number | null {
    return this.#stage.length;
  }

  /** Of the classes by their numbers; null where they are not known. */
  get classNames(): readonly string[] | null {
    return this.#info.classNames;
  }

  /** Whether values can be read by their place. */
  get randomAccess(): boolean {
    return this.#stage.access !== null;
  }

  /**
   * What `fn` gives, or promises, for each value. It is asked in each pass anew; random numbers of
   * `context.random` are the same in each pass of the same seed and epoch.
   * @param fn of a value and its context
   * @throws ERR_ARGUMENT unless fn is a function
   */
  map<R>(fn: SampleFunction<T, R>): Dataset<R> {
    checkFunction('Dataset.map', fn);
    return new Dataset(map(this.#stage, fn), this.#info);
  }

  /**
   * The values of which `fn` says true, or promises it; anything but true and false is
   * ERR_ARGUMENT. The length is unknown then.
   * @param fn of a value and its context
   * @throws ERR_ARGUMENT unless fn is a function
   */
  filter(fn: SampleFunction<T, boolean>): Dataset<T> {
    checkFunction('Dataset.filter', fn);
    return new Dataset(filter(this.#stage, fn), this.#info);
  }

  /**
   * The first `count` values, fewer if there are fewer. Throws ERR_ARGUMENT.
   * @param count an integer of 0 or more
   */
  take(count: number): Dataset<T> {
    checkInteger('Dataset.take', 'count', count, 0);
    return new Dataset(take(this.#stage, count), this.#info);
  }

  /**
   * All but the first `count` values. Throws ERR_ARGUMENT.
   * @param count an integer of 0 or more
   */
  skip(count: number): Dataset<T> {
    checkInteger('Dataset.skip', 'count', count, 0);
    return new Dataset(skip(this.#stage, count), this.#info);
  }

  /**
   * The values in another order in each epoch. With random access it is any order; else each value
   * is drawn from the next `buffer`, which are kept in memory.
   * @throws ERR_ARGUMENT for a missing buffer
   */
  shuffle(options: ShuffleOptions = {}): Dataset<T> {
    const where = 'Dataset.shuffle';
    checkOptions(where, options, ['seed', 'buffer']);
    const seed = options.seed === undefined ? null : checkSeed(where, options.seed);
    const buffer = checkInteger(where, 'buffer', options.buffer ?? 1, 1);
    if (options.buffer === undefined && this.#stage.access === null) {
      throw new StridenetError(
        'ERR_ARGUMENT',
        `[${where}] values that come one after the other are drawn from a buffer: say how many it holds, shuffle({ buffer: 10_000 })`,
      );
    }
    return new Dataset(shuffle(this.#stage, seed, buffer), this.#info);
  }

  /**
   * Random parts that have no value in common and together all. Of n values, or of each class's n if
   * stratified, a part has its share to less than one (to less than two from the second part on,
   * with three or more parts), and exactly where that is an integer. Values keep their order.
   *
   * @param fractions of the first part, between 0 and 1, the rest being the second; or of all parts,
   *   with the sum 1
   * @throws ERR_ARGUMENT without random access, behind `shuffle`, for shares that are none, and
   *   where classes are unknown but asked for
   */
  split(fractions: number, options?: SplitOptions): [Dataset<T>, Dataset<T>];
  split(fractions: Fractions, options?: SplitOptions): Dataset<T>[];
  split(fractions: Fractions, options: SplitOptions = {}): Dataset<T>[] {
    const where = 'Dataset.split';
    checkOptions(where, options, ['stratified', 'seed']);
    const shares = checkFractions(where, fractions);
    const stratified = checkBoolean(where, 'stratified', options.stratified ?? false);
    const seed = checkSeed(where, options.seed ?? 0);
    const { access, traits } = this.#stage;
    if (access === null) {
      throw new StridenetError(
        'ERR_ARGUMENT',
        `[${where}] values that come one after the other cannot be split: use take and skip, or a source with length and get`,
      );
    }
    if (traits.shuffles > 0) {
      throw new StridenetError(
        'ERR_ARGUMENT',
        `[${where}] split before shuffle: of an order that changes from epoch to epoch the parts would too`,
      );
    }
    const labels = stratified ? labelsOf(where, access) : null;
    return splitPlaces(access.count, shares, seed, labels).map(
      (places) => new Dataset(select(this.#stage, places), this.#info),
    );
  }

  /**
   * These values, then those of another data set. Throws ERR_ARGUMENT where classes differ.
   * @param other of values of the same kind, scale and classes
   */
  concat(other: Dataset<T>): Dataset<T> {
    const where = 'Dataset.concat';
    if (!(other instanceof Dataset)) throw argumentError(where, 'a Dataset', other);
    const [own, theirs] = [this.#info, other.#info];
    if (own.scale !== theirs.scale) {
      throw argumentError(where, `a data set of the same scale, ${own.scale},`, theirs.scale);
    }
    const classNames = own.classNames ?? theirs.classNames;
    if (theirs.classNames !== null && String(classNames) !== String(theirs.classNames)) {
      throw argumentError(where, `a data set of the same classes, ${classNames},`, [
        ...theirs.classNames,
      ]);
    }
    return new Dataset(concat(this.#stage, other.#stage), { ...own, classNames });
  }

  /**
   * Samples put together: x (size, …), y (size) for class numbers, else (size, …). The last batch
   * may be smaller. `fit` puts samples into batches itself.
   * @param this samples, { x, y }
   * @param size samples a batch, 1 or more
   */
  batch(this: Dataset<Sample>, size: number): Dataset<Samples> {
    checkInteger('Dataset.batch', 'size', size, 1);
    return new Dataset(batch(this.#stage, size, this.#info.scale), this.#info);
  }

  /**
   * Values are asked for before they are wanted: up to `count` at a time where they are independent,
   * as with random access and behind an asynchronous `map`.
   * @param count values at a time, 1 or more
   */
  prefetch(count: number): Dataset<T> {
    checkInteger('Dataset.prefetch', 'count', count, 1, 2 ** 16);
    return new Dataset(prefetch(this.#stage, count), this.#info);
  }

  /**
   * All samples of the first epoch in memory.
   * @param this samples, { x, y }
   * @throws ERR_MEMORY where they take more than `maxBytes`; ERR_SHAPE, ERR_DTYPE for samples that
   *   are not like the first one; ERR_ARGUMENT for what is no sample, or if there is none
   */
  async toSamples(this: Dataset<Sample>, options: ToSamplesOptions = {}): Promise<Samples> {
    const { scale, classNames } = this.#info;
    const samples = await collect(this.#stage, scale, options);
    return classNames === null ? samples : { ...samples, classNames };
  }

  /**
   * One pass. It begins with the first `next()`; `return()`, as by `break`, ends what the sources
   * have open.
   */
  open(options: OpenOptions = {}): AsyncGenerator<T, void, void> {
    const where = 'Dataset.open';
    checkOptions(where, options, ['seed', 'epoch', 'skip', 'shuffle']);
    const seed = checkSeed(where, options.seed ?? 0);
    const epoch = checkInteger(where, 'epoch', options.epoch ?? 1, 1);
    const skipped = checkInteger(where, 'skip', options.skip ?? 0, 0);
    const whole = checkBoolean(where, 'shuffle', options.shuffle ?? false);
    const stage = whole ? shuffledOnce(this.#stage) : this.#stage;
    return iterate(() => stage.open({ seed, epoch }, skipped));
  }

  /** One pass with seed 0 and epoch 1. */
  [Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    return this.open();
  }
}

/** What a data set is made of. */
export function partsOf<T>(dataset: Dataset<T>): { stage: Stage<T>; info: DatasetInfo } {
  return parts(dataset);
}

function checkFunction(where: string, fn: unknown): void {
  if (typeof fn !== 'function') throw argumentError(where, 'a function', fn);
}

/** The class numbers of all places. Throws ERR_ARGUMENT where one is unknown. */
function labelsOf(
  where: string,
  access: { count: number; labelAt(place: number): number | undefined },
): Float64Array {
  return Float64Array.from({ length: access.count }, (_, place) => {
    const label = access.labelAt(place);
    if (label !== undefined) return label;
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[${where}] the class number of value ${place} is unknown, which stratified needs: y must be one, or the source have labelOf(index)`,
    );
  });
}
