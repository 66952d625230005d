import type { Awaitable, Reader, Step } from './reader.ts';

/** The next result, under way or there; an error that came at once too is one of its place. */
function ask<T>(reader: Reader<T>): Awaitable<Step<T>> {
  let step: Awaitable<Step<T>>;
  try {
    step = reader.next();
  } catch (error) {
    step = Promise.reject(error);
  }
  // Whoever takes it hears of its error; one that nobody takes must not end the process.
  if (step instanceof Promise) step.catch(() => undefined);
  return step;
}

/** `reader` with up to `ahead` values asked for before they are wanted; never more. */
export function readAhead<T>(reader: Reader<T>, ahead: number): Reader<T> {
  if (ahead === 0) return reader;
  const asked: Awaitable<Step<T>>[] = [];
  let ended = false;
  const fill = (size: number): void => {
    while (!ended && asked.length < size) {
      const next = ask(reader);
      asked.push(next);
      if (next === null) ended = true;
    }
  };
  return {
    next() {
      fill(1);
      const first = asked.shift();
      fill(ahead);
      return first ?? null;
    },
    close() {
      ended = true;
      asked.length = 0;
      return reader.close();
    },
  };
}
