import {
  type Awaitable,
  chain,
  dropped,
  type Item,
  onItem,
  passOver,
  type Reader,
  type Step,
  serial,
} from './reader.ts';
import { indexed, type RandomAccess, type Stage, type Traits, type View } from './stage.ts';

function bothTraits({ traits: a }: Stage<unknown>, { traits: b }: Stage<unknown>): Traits {
  return {
    functions: Math.max(a.functions, b.functions),
    shuffles: Math.max(a.shuffles, b.shuffles),
    drops: a.drops || b.drops,
    batched: a.batched || b.batched,
    ahead: Math.max(a.ahead, b.ahead),
  };
}

function sum(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

/** The second's values count on from the indices of the first. */
function moved<T>({ index, value }: Item<T>, by: number): Item<T> {
  return { index: index + by, value };
}

function bothViews<T>(
  first: RandomAccess<T>,
  second: RandomAccess<T>,
  offset: number,
): RandomAccess<T> {
  const join = (a: View<T>, b: View<T>): View<T> => ({
    get(place) {
      if (place < first.count) return a.get(place);
      const step = onItem(b.get(place - first.count), (item) => moved(item, offset));
      return step as Awaitable<Item<T> | typeof dropped>;
    },
  });
  return {
    count: first.count + second.count,
    view: (pass) => chain(first.view(pass), (a) => chain(second.view(pass), (b) => join(a, b))),
    labelAt: (place) =>
      place < first.count ? first.labelAt(place) : second.labelAt(place - first.count),
    samples: () => null,
  };
}

/** One reader, then another, whose indices count on from `offset` or from those of the first. */
function oneAfterTheOther<T>(
  first: Reader<T>,
  openSecond: () => Reader<T>,
  offset: number | null,
): Reader<T> {
  let reader = first;
  let [inSecond, closed] = [false, false];
  let span = 0;
  const use = (step: Step<T>): Awaitable<Step<T>> => {
    if (step === dropped) return step;
    if (inSecond) return step && moved(step, offset ?? span);
    if (step !== null) {
      span = Math.max(span, step.index + 1);
      return step;
    }
    if (closed) return null;
    inSecond = true;
    reader = openSecond();
    return chain(reader.next(), use);
  };
  return {
    next: serial(() => chain(reader.next(), use)),
    close() {
      closed = true;
      return reader.close();
    },
  };
}

/** The values of one stage, then those of another. */
export function concat<T>(first: Stage<T>, second: Stage<T>): Stage<T> {
  const traits = bothTraits(first, second);
  const span = sum(first.span, second.span);
  if (first.access !== null && second.access !== null && span !== null) {
    const access = bothViews(first.access, second.access, first.span as number);
    return indexed(access, { span, traits });
  }
  const { length } = first;
  return {
    ...{ span, traits, access: null },
    length: sum(length, second.length),
    open(pass, skip) {
      if (length !== null && skip >= length) {
        const reader = second.open(pass, skip - length);
        return oneAfterTheOther(nothing, () => reader, first.span);
      }
      if (length === null) {
        const all = oneAfterTheOther(first.open(pass, 0), () => second.open(pass, 0), first.span);
        return passOver(all, skip);
      }
      return oneAfterTheOther(first.open(pass, skip), () => second.open(pass, 0), first.span);
    },
  };
}

const nothing: Reader<never> = { next: () => null, close: () => undefined };
