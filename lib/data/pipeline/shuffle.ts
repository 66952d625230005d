import { setImmediate } from 'node:timers/promises';
import { Generator } from '../../random.ts';
import type { Pass } from '../sample.ts';
import {
  type Awaitable,
  chain,
  type Item,
  nextKept,
  passOver,
  type Reader,
  serial,
} from './reader.ts';
import { indexed, type RandomAccess, type Stage } from './stage.ts';

/** Places that are shuffled before other work on JavaScript's thread has its turn. */
const slice = 16_384;

/** The integers from 0 to `count` − 1 in random order. */
export function shuffledOrder(count: number, random: Generator): Awaitable<Int32Array> {
  const order = new Int32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  const from = (left: number): Awaitable<Int32Array> => {
    random.shuffle(order, left, Math.max(1, left - slice));
    return left <= slice ? order : setImmediate().then(() => from(left - slice));
  };
  return from(count);
}

/** The order of the samples in an epoch; the first shuffling of a pipeline is the trainer's. */
function generatorOf(pass: Pass, seed: number | null, shuffles: number): Generator {
  const name = `shuffle/${pass.epoch}`;
  return new Generator(seed ?? pass.seed, shuffles === 0 ? name : `${name}/${shuffles}`);
}

/** Draws each value from `size` that were read, and puts the next one in its place. */
function fromBuffer<T>(reader: Reader<T>, size: number, random: Generator): Reader<T> {
  const buffer: Item<T>[] = [];
  let ended = false;
  const draw = (): Item<T> | null => {
    if (buffer.length === 0) return null;
    const place = random.integer(buffer.length);
    const drawn = buffer[place] as Item<T>;
    const last = buffer.pop() as Item<T>;
    if (place < buffer.length) buffer[place] = last;
    return drawn;
  };
  const add = (item: Item<T> | null): void => {
    if (item === null) ended = true;
    else buffer.push(item);
  };
  const fill = async (item: Promise<Item<T> | null>): Promise<Item<T> | null> => {
    add(await item);
    while (!ended && buffer.length < size) add(await nextKept(reader));
    return draw();
  };
  return {
    next: serial(() => {
      while (!ended && buffer.length < size) {
        const item = nextKept(reader);
        if (item instanceof Promise) return fill(item);
        add(item);
      }
      return draw();
    }),
    close() {
      ended = true;
      buffer.length = 0;
      return reader.close();
    },
  };
}

/**
 * Another order in each epoch: any, with random access; else each value is drawn from `buffer`.
 * @param seed null: that of the pass
 * @param buffer is not asked for with random access
 */
export function shuffle<T>(source: Stage<T>, seed: number | null, buffer: number): Stage<T> {
  const { access, span } = source;
  const { shuffles } = source.traits;
  const traits = { ...source.traits, shuffles: shuffles + 1 };
  if (access === null || span === null) {
    return {
      ...source,
      traits: { ...traits, drops: false },
      open(pass, skip) {
        const random = generatorOf(pass, seed, shuffles);
        return passOver(fromBuffer(source.open(pass, 0), buffer, random), skip);
      },
    };
  }
  const shuffled: RandomAccess<T> = {
    ...access,
    samples: () => null,
    labelAt: () => undefined,
    view: (pass) =>
      chain(shuffledOrder(access.count, generatorOf(pass, seed, shuffles)), (order) =>
        chain(access.view(pass), (view) => ({
          get: (place: number) => view.get(order[place] as number),
        })),
      ),
  };
  return indexed(shuffled, { span, traits });
}

/** The stage in the order in which samples in memory are trained on, if it has no order of its own. */
export function shuffledOnce<T>(stage: Stage<T>): Stage<T> {
  const free = stage.access !== null && stage.traits.shuffles === 0;
  return free ? shuffle(stage, null, 1) : stage;
}
