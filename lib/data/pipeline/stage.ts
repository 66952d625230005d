import type { Pass } from '../sample.ts';
import type { Samples } from '../samples.ts';
import { readAhead } from './readAhead.ts';
import { type Awaitable, chain, passOver, type Reader, type Step } from './reader.ts';

/** The values of one pass by their places. */
export interface View<T> {
  /** Calls may overlap. */
  get(place: number): Awaitable<Exclude<Step<T>, null>>;
}

/** What a stage of which every value can be read by its place has besides. */
export interface RandomAccess<T> {
  readonly count: number;
  view(pass: Pass): Awaitable<View<T>>;
  /** The class number at a place, told without reading it. */
  labelAt(place: number): number | undefined;
  /** All of them, if they are in memory as they are. */
  samples(): Samples | null;
}

/** What a stage has of those before it. */
export interface Traits {
  /** Functions of the user so far, which tells their streams of random numbers apart. */
  readonly functions: number;
  /** Shufflings so far. */
  readonly shuffles: number;
  /** Readers may give `dropped`. */
  readonly drops: boolean;
  /** Values are batches. */
  readonly batched: boolean;
  /** How many values are read ahead. */
  readonly ahead: number;
}

/** A part of a pipeline: what it takes to begin a pass. It keeps nothing between passes. */
export interface Stage<T> {
  /** Values of a pass; null if only reading tells. */
  readonly length: number | null;
  /** One more than the largest index that a value can have; null if only reading tells. */
  readonly span: number | null;
  readonly traits: Traits;
  /** null where values come one after the other. */
  readonly access: RandomAccess<T> | null;
  /** @param skip how many values to begin after */
  open(pass: Pass, skip: number): Reader<T>;
}

/** Of a source. */
export const noTraits: Traits = {
  ...{ functions: 0, shuffles: 0, ahead: 0 },
  ...{ drops: false, batched: false },
};

/** Reads a view from a place to its last, as many places at a time as it is asked for. */
function inOrder<T>(begun: Awaitable<View<T>>, count: number, skip: number): Reader<T> {
  let place = skip;
  let view = begun;
  if (view instanceof Promise) {
    view.then(
      (ready) => {
        view = ready;
      },
      () => undefined,
    );
  }
  return {
    next() {
      if (place >= count) return null;
      const own = place++;
      return chain(view, (ready) => ready.get(own));
    },
    close() {
      place = count;
    },
  };
}

/** A stage of random access. */
export function indexed<T>(
  access: RandomAccess<T>,
  { span, traits }: { span: number; traits: Traits },
): Stage<T> {
  const { count } = access;
  const { ahead } = traits;
  return {
    ...{ access, span, traits },
    length: traits.drops ? null : count,
    open(pass, skip) {
      const first = traits.drops ? 0 : Math.min(skip, count);
      const reader = readAhead(inOrder(access.view(pass), count, first), ahead);
      return passOver(reader, traits.drops ? skip : 0);
    },
  };
}
