/** What a reader gives at once where it can, and else in a promise. */
export type Awaitable<T> = T | Promise<T>;

/** A value on its way through a pipeline, and its place in its source. */
export interface Item<T> {
  readonly index: number;
  readonly value: T;
}

/** Takes the place of a value that is passed over, so that its reader need not wait for another. */
export const dropped = Symbol('dropped');

/** What a reader gives: null at the end, and again whenever it is asked after it. */
export type Step<T> = Item<T> | typeof dropped | null;

/**
 * One pass over some samples. `next` may be called before the result of an earlier call is there;
 * results belong to the samples in the order of the calls. After an error there is only `close`.
 */
export interface Reader<T> {
  next(): Awaitable<Step<T>>;
  /** Ends the pass early: what is under way is given up, iterators are told. At most once. */
  close(): Awaitable<void>;
}

/** Whether `value` is a promise of any kind. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<Promise<unknown>> | null)?.then === 'function';
}

/** `use` of the value, at once if it is there. */
export function chain<T, R>(value: Awaitable<T>, use: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(use) : use(value);
}

/** `use` of the value of a step that has one. */
export function onItem<T, R>(
  step: Awaitable<Step<T>>,
  use: (item: Item<T>) => Awaitable<R>,
): Awaitable<R | typeof dropped | null> {
  return chain<Step<T>, R | typeof dropped | null>(step, (found) =>
    found === null || found === dropped ? found : use(found),
  );
}

/** `body` so that a call begins when the one before has ended. */
export function serial<R>(body: () => Awaitable<R>): () => Awaitable<R> {
  let last: Promise<unknown> | null = null;
  return () => {
    const result = last === null ? body() : last.then(body, body);
    if (!(result instanceof Promise)) return result;
    last = result;
    const forget = (): void => {
      if (last === result) last = null;
    };
    result.then(forget, forget);
    return result;
  };
}

/** The next value that is there, or null at the end. Calls must not overlap. */
export function nextKept<T>(reader: Reader<T>): Awaitable<Item<T> | null> {
  for (;;) {
    const step = reader.next();
    if (step instanceof Promise) return keptAfter(reader, step);
    if (step !== dropped) return step;
  }
}

async function keptAfter<T>(reader: Reader<T>, first: Promise<Step<T>>): Promise<Item<T> | null> {
  let step = await first;
  while (step === dropped) step = await reader.next();
  return step;
}

/** `reader` without its first `count` values, which are read and dropped. */
export function passOver<T>(reader: Reader<T>, count: number): Reader<T> {
  if (count === 0) return reader;
  const skip = async (): Promise<void> => {
    for (let left = count; left > 0; left--) if ((await nextKept(reader)) === null) return;
  };
  let skipped: Awaitable<void> | null = null;
  return {
    next() {
      skipped ??= skip();
      return chain(skipped, () => reader.next());
    },
    close: () => reader.close(),
  };
}

/**
 * Names the sample in an error that is not ours: it reaches the consumer as it is, with the
 * sample's place as `sampleIndex`. Returns it.
 */
export function nameSample(error: unknown, index: number): unknown {
  if (error instanceof Error && !Object.hasOwn(error, 'sampleIndex')) {
    Reflect.defineProperty(error, 'sampleIndex', {
      ...{ value: index, enumerable: true, configurable: true, writable: true },
    });
  }
  return error;
}
