import { closeQuietly } from '../data/pipeline/iterate.ts';
import { readAhead } from '../data/pipeline/readAhead.ts';
import { type Item, nextKept, passOver, type Reader } from '../data/pipeline/reader.ts';
import { shuffledOnce } from '../data/pipeline/shuffle.ts';
import type { Stage } from '../data/pipeline/stage.ts';
import { type RowSpec, Rows, type SampleSpec, sampleBytes, specOf } from '../data/rows.ts';
import { checkSample, type Sample } from '../data/sample.ts';
import { scaleOf } from '../data/samples.ts';
import type { StreamedData } from '../data/trainingData.ts';
import { argumentError } from '../errors.ts';
import type { Tracer } from '../graph/graph.ts';
import type { Loss } from '../losses/index.ts';
import { gatherRows } from '../ops/gatherRows.ts';
import type { Variable } from '../ops/operator.ts';
import { allocate, type DType, dtypeOfArray, type Tensor, type TypedArray } from '../tensor.ts';
import type { Architecture } from './architecture.ts';
import { Assembly } from './assembly.ts';
import type { Batches, BatchSource, TracedBatch } from './batches.ts';
import { checkFit } from './evaluator.ts';
import { outputOf } from './inputs.ts';
import { checkLabels, namingSample } from './sampleLabels.ts';
import { sampleAdvice } from './shapeAdvice.ts';
import type { Stop } from './stop.ts';

/** Batches that are kept ready at most: in bytes, and in number. */
const maxAheadBytes = 2 ** 26;
const maxAhead = 128;

/** Samples that are asked for ahead where the pipeline does not say it. */
const samplesAhead = 16;

/** How samples are cut into batches. */
export interface StreamedOptions {
  readonly architecture: Architecture;
  readonly loss: Loss;
  readonly batchSize: number;
  /** Of shuffling and functions; null: no shuffling, and functions by seed 0. */
  readonly seed: number | null;
}

/** The first pass, once its first sample was read to know what samples are like. */
interface Begun {
  readonly reader: Reader<Sample>;
  readonly first: Item<Sample>;
}

/** Begins a pass of `stage` behind its first batches. */
function begin(
  stage: Stage<Sample>,
  { batchSize, seed }: { batchSize: number; seed: number | null },
  epoch: number,
  batches: number,
): Reader<Sample> {
  const ordered = seed === null ? stage : shuffledOnce(stage);
  const reader = ordered.open({ seed: seed ?? 0, epoch }, batches * batchSize);
  return readAhead(reader, stage.traits.ahead > 0 ? 0 : Math.min(batchSize, samplesAhead));
}

/** Batches of samples that are read as they are wanted: feeds of the Program. */
export class StreamedBatches implements BatchSource {
  readonly batchSize: number;
  readonly targets: Tensor;
  readonly #where: string;
  readonly #data: StreamedData;
  readonly #options: StreamedOptions;
  readonly #spec: SampleSpec;
  readonly #scale: number;
  /** The rows of a batch, where they are gathered to be scaled. */
  readonly #places: Int32Array | null;
  /** Memory of batches that were trained on. */
  readonly #spare: Rows[] = [];
  readonly #x = new Stack();
  readonly #y = new Stack();
  readonly #rows = new Stack();
  #begun: Begun | null;
  #assembly: Assembly | null = null;
  #skipped = 0;
  #closed = false;
  #counted: number | null;

  private constructor(where: string, data: StreamedData, options: StreamedOptions, begun: Begun) {
    const { architecture, loss, batchSize } = options;
    this.#where = where;
    this.#data = data;
    this.#options = options;
    this.#begun = begun;
    this.#counted = data.stage.length;
    this.batchSize = batchSize;
    const { value, index } = begun.first;
    checkSample(where, value, index);
    this.#spec = specOf(value);
    const rows = new Rows(where, this.#spec, 1);
    rows.add(value, index);
    const samples = rows.samples();
    namingSample(index, () => checkFit(where, architecture, samples, loss, sampleAdvice));
    this.targets = samples.y;
    const { scale } = data.info;
    this.#scale = scaleOf({ ...samples, ...(scale === null ? {} : { scale }) });
    const asIs = this.#spec.x.dtype === architecture.dtype && this.#scale === 1;
    this.#places = asIs ? null : Int32Array.from({ length: batchSize }, (_, i) => i);
  }

  /**
   * Reads the first sample, to know what samples are like.
   * @param where what messages begin with
   * @param stop ends the wait for it
   * @throws ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT when it does not fit the network and the loss, or if
   *   there is none; and what its source throws
   */
  static async open(
    where: string,
    data: StreamedData,
    given: StreamedOptions,
    stop: Stop,
  ): Promise<StreamedBatches> {
    const { length } = data.stage;
    const batchSize = Math.min(given.batchSize, length ?? given.batchSize);
    const options = { ...given, batchSize };
    const reader = begin(data.stage, options, 1, 0);
    try {
      const first = await stop.until(nextKept(reader));
      if (first === null) throw argumentError(where, 'at least one sample', 0);
      return new StreamedBatches(where, data, options, { reader, first });
    } catch (error) {
      const closed = closeQuietly(reader);
      // A source that hangs must not hold up the end.
      if (!stop.stopped) await closed;
      throw error;
    }
  }

  get samplesPerEpoch(): number | null {
    return this.#counted;
  }

  get stepsPerEpoch(): number | null {
    return this.#counted === null ? null : Math.ceil(this.#counted / this.batchSize);
  }

  trace(tracer: Tracer): TracedBatch {
    const feed = ({ shape, dtype }: RowSpec, name: string): Variable =>
      tracer.input({ shape: [this.batchSize, ...shape], dtype, batched: true }, 'feed', name);
    const [x, y] = [feed(this.#spec.x, 'data.x'), feed(this.#spec.y, 'data.y')];
    const states = new Map();
    if (this.#places === null) return { x, y, states };
    const rows = tracer.input({ shape: [this.batchSize], dtype: 'int32', batched: true });
    const { dtype } = this.#options.architecture;
    return { x: gatherRows(x, rows, { dtype, scale: this.#scale }), y, states };
  }

  async begin(epoch: number, skip: number): Promise<void> {
    await this.#assembly?.close();
    const { reader, first } = await this.#pass(epoch, skip);
    const bytes = Math.max(1, sampleBytes(this.#spec) * this.batchSize);
    this.#assembly = new Assembly({
      ...{ reader, first },
      ahead: Math.max(2, Math.min(maxAhead, Math.floor(maxAheadBytes / bytes))),
      rows: () => this.#spare.pop() ?? new Rows(this.#where, this.#spec, this.batchSize),
      check: (rows, indices) => this.#check(rows, indices),
    });
    this.#skipped = skip;
    if (this.#closed) await this.#assembly.close();
  }

  async peek(most: number, least = 1): Promise<Batches | null> {
    const assembly = this.#assembly as Assembly;
    const ready = (await assembly.ready(least)).slice(0, most);
    if (ready.length === 0) {
      const { samples, complete } = assembly;
      if (complete) this.#counted = this.#skipped * this.batchSize + samples;
      return null;
    }
    const sizes = Int32Array.from(ready, ({ count }) => count);
    const memory = ready.map((rows) => rows.memory);
    const feeds = [
      this.#x.of(memory.map(({ x }) => x)),
      this.#y.of(memory.map(({ y }) => y)),
      ...(this.#places === null
        ? []
        : [this.#rows.of(ready.map(() => this.#places as Int32Array))]),
    ];
    return { sizes, feeds };
  }

  take(batches: number): void {
    for (const rows of this.#assembly?.take(batches) ?? []) {
      rows.clear();
      this.#spare.push(rows);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const begun = this.#begun;
    this.#begun = null;
    await begun?.reader.close();
    await this.#assembly?.close();
  }

  /** The reader of a pass behind its first batches, and what was read of it already. */
  async #pass(
    epoch: number,
    skip: number,
  ): Promise<{ reader: Reader<Sample>; first: Item<Sample> | null }> {
    const { stage } = this.#data;
    const begun = this.#begun;
    this.#begun = null;
    if (begun !== null && epoch === 1 && skip === 0) return begun;
    // What can be read only once must be read on.
    if (begun !== null && epoch === 1 && stage.access === null) {
      return { reader: passOver(begun.reader, skip * this.batchSize - 1), first: null };
    }
    await begun?.reader.close();
    return { reader: begin(stage, this.#options, epoch, skip), first: null };
  }

  /** Throws, with the sample, for labels that the loss does not take. */
  #check(rows: Rows, indices: readonly number[]): void {
    const { architecture, loss } = this.#options;
    checkLabels(this.#where, loss, outputOf(architecture), rows.labels, indices);
  }
}

/** Arrays of one length put one behind the other, in memory that the next ones take again. */
class Stack {
  #memory: TypedArray = new Uint8Array();

  /** One alone is given as it is. */
  of(arrays: readonly TypedArray[]): TypedArray {
    const [first] = arrays as [TypedArray];
    if (arrays.length === 1) return first;
    const length = arrays.length * first.length;
    if (this.#memory.length < length) {
      this.#memory = allocate(dtypeOfArray(first) as DType, length);
    }
    arrays.forEach((each, i) => {
      this.#memory.set(each, i * first.length);
    });
    return this.#memory.subarray(0, length);
  }
}
