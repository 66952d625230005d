import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { data, StridenetError, tensor } from '../lib/index.ts';
import { all, Counted, late, SlowSource, upTo } from './support/datasets.ts';
import { failsWith } from './support/errors.ts';

/** What `use` of it is rejected with. */
async function rejection(use: Promise<unknown>): Promise<unknown> {
  return use.then(
    () => expect.unreachable('nothing was thrown'),
    (error: unknown) => error,
  );
}

/** Some turns of the event loop, in which what is under way ends. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate();
}

describe('prefetch', () => {
  it('asks a source for several values at a time, never for more than it may', async () => {
    for (const ahead of [1, 3, 10]) {
      const source = new SlowSource(40);
      let taken = 0;
      for await (const value of data.from(source).prefetch(ahead)) {
        expect(value).toBe(taken);
        taken++;
        expect(source.asked).toBeLessThanOrEqual(taken + ahead);
        await settle();
        expect(source.asked, 'no more is asked for meanwhile').toBe(Math.min(40, taken + ahead));
      }
      expect(source.most).toBe(ahead + 1);
    }
  });

  it('reads an iterator ahead, one value at a time, and maps several', async () => {
    const source = new Counted(40);
    let [underWay, most, taken] = [0, 0, 0];
    const dataset = data
      .from(source)
      .map(async (i) => {
        most = Math.max(most, ++underWay);
        await late(i, i);
        underWay--;
        return i;
      })
      .prefetch(6);
    for await (const value of dataset) {
      expect(value).toBe(taken++);
      await settle();
      expect(source.given).toBe(Math.min(40, taken + 6));
    }
    expect(most).toBeGreaterThan(3);
    expect(most).toBeLessThanOrEqual(7);
  });

  it('without it nothing is read before it is wanted', async () => {
    const source = new Counted(40);
    const pass = data
      .from(source)
      .map((i) => i)
      .open();
    await settle();
    expect([source.given, source.open]).toEqual([0, 0]);
    await pass.next();
    await settle();
    expect(source.given).toBe(1);
    await pass.return();
  });

  it('does not change what comes', async () => {
    const build = (d: data.Dataset<number>): data.Dataset<number> =>
      d.shuffle({ buffer: 7 }).map((i, { random }) => i + random.uniform());
    const plain = await all(build(data.from(new Counted(50))));
    const ahead = build(data.from(new Counted(50)).prefetch(3)).prefetch(11);
    expect(await all(ahead)).toEqual(plain);
  });

  it('delivers an error in its place, and ends no process when nobody takes it', async () => {
    const broken = data.from(upTo(20)).map(async (i) => {
      if (i >= 5) throw new RangeError(`no ${i}`);
      return i;
    });
    const found: number[] = [];
    const reading = (async () => {
      for await (const value of broken.prefetch(8)) found.push(value);
    })();
    expect(await rejection(reading)).toMatchObject({ message: 'no 5', sampleIndex: 5 });
    expect(found).toEqual([0, 1, 2, 3, 4]);
    for await (const _ of broken.prefetch(8)) break;
    await settle();
  });
});

describe('closing', () => {
  const pipelines: Record<string, (d: data.Dataset<number>) => data.Dataset<unknown>> = {
    nothing: (d) => d,
    'map and filter': (d) => d.map((i) => late(i, i)).filter(() => true),
    prefetch: (d) => d.prefetch(4),
    shuffle: (d) => d.shuffle({ buffer: 4 }),
    'take, skip': (d) => d.take(20).skip(2),
    'concat, first': (d) => d.concat(d),
    'concat, second': (d) => d.take(1).concat(d),
    batch: (d) => d.map((i) => ({ x: tensor([i]), y: i })).batch(3),
  };

  it.each(Object.entries(pipelines))('%s ends its iterators with break', async (_, build) => {
    const source = new Counted(1000);
    let read = 0;
    for await (const _ of build(data.from(source))) if (++read === 3) break;
    await settle();
    expect(source.open).toBe(0);
    expect(source.given).toBeLessThan(20);
  });

  it.each(Object.entries(pipelines))('%s ends its iterators after an error', async (_, build) => {
    const source = new Counted(1000);
    const dataset = build(data.from(source)).map(() => {
      throw new Error('broken');
    });
    expect(await rejection(all(dataset))).toMatchObject({ message: 'broken' });
    await settle();
    expect(source.open).toBe(0);
  });

  it('take ends an iterator as soon as it has enough', async () => {
    const source = new Counted(1000);
    expect(await all(data.from(source).take(5))).toEqual(upTo(5));
    expect([source.given, source.open]).toEqual([5, 0]);
  });

  it('asks an iterator to return once, also of one that waits', async () => {
    let [returned, asked] = [0, 0];
    const waiting: AsyncIterator<number> = {
      next: () =>
        asked++ === 0 ? Promise.resolve({ value: 0, done: false }) : new Promise(() => 0),
      return: async () => {
        returned++;
        return { value: undefined, done: true };
      },
    };
    for await (const _ of data.from(() => waiting).prefetch(2)) break;
    expect([returned, asked]).toEqual([1, 2]);
  });

  it('passes on what closing throws, unless there is an error already', async () => {
    const source = {
      *[Symbol.iterator]() {
        try {
          yield 1;
          yield 2;
        } finally {
          // biome-ignore lint/correctness/noUnsafeFinally: an iterator that fails at its end
          throw new Error('at the end');
        }
      },
    };
    const stopped = (async () => {
      for await (const _ of data.from(source)) break;
    })();
    expect(await rejection(stopped)).toMatchObject({ message: 'at the end' });
    const broken = data.from(source).map(() => {
      throw new Error('first');
    });
    expect(await rejection(all(broken))).toMatchObject({ message: 'first' });
  });
});

describe('errors', () => {
  const error = Object.assign(new RangeError('own'), { code: 'OWN' });
  const at = (i: number): number => {
    if (i === 7) throw error;
    return i;
  };
  const broken: Record<string, data.Dataset<number>> = {
    'a source': data.from({ length: 20, get: at }),
    'an asynchronous source': data.from({ length: 20, get: async (i: number) => at(i) }),
    'an iterator': data.from(function* () {
      for (const i of upTo(20)) yield at(i);
    }),
    'an async iterator': data.from(async function* () {
      for (const i of upTo(20)) yield at(i);
    }),
    'map of an array': data.from(upTo(20)).map(at),
    'map of an iterator': data.from(new Counted(20)).map(at),
    'asynchronous map': data.from(new Counted(20)).map(async (i) => at(i)),
    filter: data.from(upTo(20)).filter((i) => at(i) >= 0),
    'map of a shuffled array': data.from(upTo(20)).shuffle({ seed: 1 }).map(at),
  };

  it.each(Object.entries(broken))('of %s come as they are and name the sample', async (_, d) => {
    Reflect.deleteProperty(error, 'sampleIndex');
    for (const dataset of [d, d.prefetch(3), d.skip(2).prefetch(30)]) {
      expect(await rejection(all(dataset))).toBe(error);
      expect(error).toMatchObject({ sampleIndex: 7 });
    }
  });

  it('that are no Error come as they are too', async () => {
    const thrown = await rejection(all(data.from([1]).map(() => Promise.reject('text'))));
    expect(thrown).toBe('text');
    const frozen = Object.freeze(new Error('frozen'));
    const of = data.from([1]).map(() => {
      throw frozen;
    });
    expect(await rejection(all(of))).toBe(frozen);
  });

  it('end the pass', async () => {
    const pass = data
      .from(new Counted(5))
      .map(at)
      .map(() => at(7))
      .open();
    expect(await rejection(pass.next())).toBe(error);
    expect(await pass.next()).toEqual({ value: undefined, done: true });
  });
});

describe('what can be read once', () => {
  const used = failsWith('ERR_ARGUMENT', 'data.from', 'was read before', 'data.from(() => …)');
  const once: Record<string, () => unknown> = {
    'a generator': () => upTo(5).values(),
    'an async generator': () => new Counted(5)[Symbol.asyncIterator](),
    'a bare iterator': () => {
      const inner = upTo(5).values();
      return { next: () => inner.next() };
    },
    'a stream of the web': () =>
      new ReadableStream({
        start(controller) {
          for (const i of upTo(5)) controller.enqueue(i);
          controller.close();
        },
      }),
  };

  it.each(Object.entries(once))('%s', async (_, make) => {
    const dataset = data.from(make() as Iterable<number>).map((i) => i);
    expect(await all(dataset)).toEqual(upTo(5));
    expect(await rejection(all(dataset))).toEqual(used);
    const again = data.from(() => make() as Iterable<number>);
    expect(await all(again)).toEqual(await all(again));
  });

  it('is named where its class has no name', async () => {
    const generator = data.from(
      (async function* () {
        yield* upTo(2);
      })(),
    );
    await all(generator);
    expect(String(await rejection(all(generator)))).toContain('an object of AsyncGenerator was');
  });

  it('is used up by a part of it', async () => {
    const dataset = data.from(upTo(5).values());
    for await (const _ of dataset) break;
    expect(await rejection(all(dataset))).toEqual(used);
  });
});

describe('a source that passes samples over', () => {
  const get = (i: number): number | null => (i % 3 === 0 ? null : i);
  const there = upTo(20).filter((i) => i % 3 !== 0);

  it('gives the others, in any number of epochs and from any place', async () => {
    const dataset = data.from({ length: 20, get, mayDrop: true }).prefetch(4);
    expect(dataset.length).toBe(null);
    expect(await all(dataset)).toEqual(there);
    expect(await all(dataset.open({ skip: 5 }))).toEqual(there.slice(5));
    expect(await all(dataset.take(5))).toEqual(there.slice(0, 5));
    const [a, b] = dataset.split(0.5);
    expect([...(await all(a)), ...(await all(b))].sort((p, q) => p - q)).toEqual(there);
    const shuffled = await all(dataset.shuffle());
    expect(shuffled.sort((p, q) => p - q)).toEqual(there);
  });

  it('must say so', async () => {
    const dataset = data.from({ length: 20, get });
    const error = failsWith('ERR_ARGUMENT', 'data.from', 'null for sample 0', 'mayDrop');
    expect(await rejection(all(dataset))).toEqual(error);
  });
});

describe('a declared length', () => {
  it('is told, and held against what comes', async () => {
    const of = (length: number): data.Dataset<number> => data.from(new Counted(5), { length });
    expect(of(5).length).toBe(5);
    expect(of(5).take(3).length).toBe(3);
    expect(of(5).skip(3).concat(of(5)).length).toBe(7);
    expect(of(5).filter(() => true).length).toBe(null);
    expect(await all(of(5))).toEqual(upTo(5));
    const wrong = (...words: string[]) => failsWith('ERR_ARGUMENT', 'data.from', ...words);
    expect(await rejection(all(of(6)))).toEqual(wrong('length is 6', 'gave 5'));
    expect(await rejection(all(of(4)))).toEqual(wrong('length is 4', 'gave more'));
  });
});

it('values of arrays are those of the beginning', async () => {
  const values = upTo(5);
  const dataset = data.from(values);
  values.length = 0;
  expect(await all(dataset)).toEqual(upTo(5));
});

it('samples of tensors have memory of their own', async () => {
  const samples = {
    x: tensor([
      [1, 2],
      [3, 4],
    ]),
    y: tensor([0, 1], [2], 'uint8'),
  };
  const spoil = ({ x, y }: data.Sample): data.Sample => {
    x.data.fill(9);
    return { x, y };
  };
  const [first] = await all(data.from(samples).map(spoil));
  expect(first?.x.toArray()).toEqual([9, 9]);
  expect(samples.x.toArray()).toEqual([
    [1, 2],
    [3, 4],
  ]);
});

it('StridenetErrors of functions pass through as they are', async () => {
  const own = new StridenetError('ERR_SHAPE', 'own');
  const dataset = data.from([1]).map(() => Promise.reject(own));
  expect(await rejection(all(dataset))).toBe(own);
});
