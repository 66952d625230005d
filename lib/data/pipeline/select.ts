import type { Samples } from '../samples.ts';
import { select as selectSamples } from '../select.ts';
import { chain, nextKept, type Reader, serial } from './reader.ts';
import { indexed, type RandomAccess, type Stage } from './stage.ts';

/** The values at some places, `at(0)` to `at(count − 1)`, of a stage of random access. */
function places<T>(
  { span, traits }: Stage<T>,
  access: RandomAccess<T>,
  count: number,
  at: (place: number) => number,
): Stage<T> {
  const own: RandomAccess<T> = {
    count,
    view: (pass) =>
      chain(access.view(pass), (view) => ({ get: (place: number) => view.get(at(place)) })),
    labelAt: (place) => access.labelAt(at(place)),
    samples(): Samples | null {
      const all = access.samples();
      return (
        all &&
        selectSamples(
          all,
          Int32Array.from({ length: count }, (_, i) => at(i)),
        )
      );
    },
  };
  return indexed(own, { span: span as number, traits });
}

/** The values at `order` of a stage of random access, in that order. */
export function select<T>(source: Stage<T>, order: Int32Array): Stage<T> {
  const access = source.access as RandomAccess<T>;
  return places(source, access, order.length, (place) => order[place] as number);
}

/** The first values of a reader; it is closed as soon as they were read. */
function firstOf<T>(reader: Reader<T>, count: number): Reader<T> {
  let left = count;
  let closed = false;
  const close = (): ReturnType<Reader<T>['close']> => {
    if (closed) return;
    closed = true;
    return reader.close();
  };
  return {
    next: serial(() => {
      if (left === 0) return chain(close(), () => null);
      left--;
      return nextKept(reader);
    }),
    close,
  };
}

/** The first `count` values. */
export function take<T>(source: Stage<T>, count: number): Stage<T> {
  const { access, length, span, traits } = source;
  if (access !== null && !traits.drops) {
    return places(source, access, Math.min(count, access.count), (place) => place);
  }
  return {
    ...{ span, access: null, traits: { ...traits, drops: false } },
    length: length === null ? null : Math.min(count, length),
    open: (pass, skipped) => firstOf(source.open(pass, skipped), Math.max(0, count - skipped)),
  };
}

/** All but the first `count` values. */
export function skip<T>(source: Stage<T>, count: number): Stage<T> {
  const { access, length, traits } = source;
  if (access !== null && !traits.drops) {
    const left = Math.max(0, access.count - count);
    return places(source, access, left, (place) => place + count);
  }
  return {
    ...source,
    access: null,
    length: length === null ? null : Math.max(0, length - count),
    open: (pass, skipped) => source.open(pass, count + skipped),
  };
}
