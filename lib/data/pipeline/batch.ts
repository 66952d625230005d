import { Rows, specOf } from '../rows.ts';
import { checkSample, type Sample } from '../sample.ts';
import type { Samples } from '../samples.ts';
import { type Awaitable, type Item, nextKept, type Reader, serial } from './reader.ts';
import type { Stage } from './stage.ts';

const where = 'Dataset.batch';

/** Puts `size` values of a reader at a time together. */
class BatchReader implements Reader<Samples> {
  readonly next: () => Awaitable<Item<Samples> | null>;
  readonly #reader: Reader<Sample>;
  readonly #size: number;
  readonly #scale: { readonly scale?: number };
  #batches: number;
  #rows: Rows | null = null;
  #ended = false;

  constructor(reader: Reader<Sample>, size: number, scale: { scale?: number }, first: number) {
    this.#reader = reader;
    this.#size = size;
    this.#scale = scale;
    this.#batches = first;
    this.next = serial(() => this.#fill());
  }

  close(): Awaitable<void> {
    this.#ended = true;
    return this.#reader.close();
  }

  #fill(): Awaitable<Item<Samples> | null> {
    while (!this.#ended && this.#rows?.count !== this.#size) {
      const item = nextKept(this.#reader);
      if (item instanceof Promise) return this.#fillFrom(item);
      this.#add(item);
    }
    return this.#finished();
  }

  async #fillFrom(pending: Promise<Item<Sample> | null>): Promise<Item<Samples> | null> {
    this.#add(await pending);
    while (!this.#ended && this.#rows?.count !== this.#size) {
      this.#add(await nextKept(this.#reader));
    }
    return this.#finished();
  }

  #add(item: Item<Sample> | null): void {
    if (item === null) {
      this.#ended = true;
      return;
    }
    checkSample(where, item.value, item.index);
    this.#rows ??= new Rows(where, specOf(item.value), this.#size);
    this.#rows.add(item.value, item.index);
  }

  #finished(): Item<Samples> | null {
    if (this.#rows === null) return null;
    const value: Samples = { ...this.#scale, ...this.#rows.samples() };
    this.#rows = null;
    return { index: this.#batches++, value };
  }
}

/** Batches of `size` samples; the last one may be smaller. */
export function batch(source: Stage<Sample>, size: number, scale: number | null): Stage<Samples> {
  const { length, span, traits } = source;
  const own = scale === null ? {} : { scale };
  const batches = (count: number | null) => (count === null ? null : Math.ceil(count / size));
  return {
    length: batches(length),
    span: batches(span),
    traits: { ...traits, drops: false, batched: true },
    access: null,
    open: (pass, skip) => new BatchReader(source.open(pass, skip * size), size, own, skip),
  };
}
