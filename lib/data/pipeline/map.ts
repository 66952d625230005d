import { argumentError } from '../../errors.ts';
import { Generator } from '../../random.ts';
import type { Pass, SampleContext } from '../sample.ts';
import {
  type Awaitable,
  chain,
  dropped,
  type Item,
  isPromise,
  nameSample,
  onItem,
  passOver,
} from './reader.ts';
import { indexed, type RandomAccess, type Stage, type Traits, type View } from './stage.ts';

/**
 * A user's function of a value.
 * @param value what the pipeline gives before it
 * @param context which sample of which pass it is, and random numbers for it
 */
export type SampleFunction<T, R> = (value: T, context: SampleContext) => R | PromiseLike<R>;

/** Makes its generator when it is first asked for: most functions draw nothing. */
class Context implements SampleContext {
  readonly index: number;
  readonly #pass: Pass;
  readonly #place: number;
  #random: Generator | null = null;

  constructor(pass: Pass, place: number, index: number) {
    this.index = index;
    this.#pass = pass;
    this.#place = place;
  }

  get epoch(): number {
    return this.#pass.epoch;
  }

  get random(): Generator {
    const { seed, epoch } = this.#pass;
    this.#random ??= new Generator(seed, `sample/${this.#place}/${epoch}/${this.index}`);
    return this.#random;
  }
}

/**
 * `use` of what the user's function gives for an item, whose errors it names.
 * @param place of the function among those of the pipeline
 */
function call<T, R, S>(
  fn: SampleFunction<T, R>,
  { value, index }: Item<T>,
  at: { pass: Pass; place: number },
  use: (result: R) => S,
): Awaitable<S> {
  let result: R | PromiseLike<R>;
  try {
    result = fn(value, new Context(at.pass, at.place, index));
  } catch (error) {
    throw nameSample(error, index);
  }
  if (!isPromise(result)) return use(result);
  return Promise.resolve(result as PromiseLike<R>).then(use, (error) => {
    throw nameSample(error, index);
  });
}

/** What a stage makes of one item. */
type Each<T, R> = (item: Item<T>) => Awaitable<Item<R> | typeof dropped>;

/** A view whose items went through `each`. */
function throughEach<T, R>(view: View<T>, each: Each<T, R>): View<R> {
  return { get: (place) => onItem(view.get(place), each) as ReturnType<View<R>['get']> };
}

/** A stage that asks a function about each value of another, and may pass over some. */
function calling<T, R>(
  source: Stage<T>,
  passesOver: boolean,
  begin: (pass: Pass, place: number) => Each<T, R>,
): Stage<R> {
  const place = source.traits.functions;
  const drops = source.traits.drops || passesOver;
  const traits: Traits = { ...source.traits, functions: place + 1, drops };
  const { access, length, span } = source;
  if (access !== null && span !== null) {
    const own: RandomAccess<R> = {
      ...access,
      samples: () => null,
      view: (pass) => chain(access.view(pass), (view) => throughEach(view, begin(pass, place))),
    };
    return indexed(own, { span, traits });
  }
  return {
    ...{ length: drops ? null : length, span, traits, access: null },
    open(pass, skip) {
      const each = begin(pass, place);
      const inner = source.open(pass, passesOver ? 0 : skip);
      const reader = { next: () => onItem(inner.next(), each), close: () => inner.close() };
      return passOver(reader, passesOver ? skip : 0);
    },
  };
}

/** What a function makes of each value. */
export function map<T, R>(source: Stage<T>, fn: SampleFunction<T, R>): Stage<R> {
  return calling(source, false, (pass, place) => (item) => {
    const { index } = item;
    return call(fn, item, { pass, place }, (value) => ({ index, value }));
  });
}

/** The values of which a function says true. Throws ERR_ARGUMENT when it says anything else. */
export function filter<T>(source: Stage<T>, fn: SampleFunction<T, boolean>): Stage<T> {
  return calling(
    source,
    true,
    (pass, place) => (item) =>
      call(fn, item, { pass, place }, (keep: unknown) => {
        if (typeof keep === 'boolean') return keep ? item : dropped;
        const { index } = item;
        throw argumentError('Dataset.filter', `true or false for sample ${index}`, keep);
      }),
  );
}
