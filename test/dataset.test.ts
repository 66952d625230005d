import { describe, expect, it } from 'vitest';
import { data, Generator } from '../lib/index.ts';
import { all, Counted, late, SlowSource, upTo } from './support/datasets.ts';

const count = 57;

/** The same numbers from every kind of source. */
const sources: Readonly<Record<string, () => data.Dataset<number>>> = {
  array: () => data.from(upTo(count)),
  iterable: () => data.from(new Set(upTo(count))),
  'promises in an iterable': () => data.from(new Set(upTo(count).map((i) => late(i, i)))),
  'async iterable': () => data.from(new Counted(count)),
  'function of an iterable': () => data.from(() => upTo(count)),
  'function of a promise of an async iterable': () => data.from(async () => new Counted(count)),
  'function of an iterator': () => data.from(() => upTo(count)[Symbol.iterator]()),
  source: () => data.from({ length: count, get: (i: number) => i }),
  'asynchronous source': () => data.from(new SlowSource(count)),
};

type Pipeline = (dataset: data.Dataset<number>) => data.Dataset<number>;

/** Pipelines beside what they must make of the numbers, in a straightforward way. */
const pipelines: Readonly<Record<string, [Pipeline, (values: number[]) => number[]]>> = {
  nothing: [(d) => d, (v) => v],
  map: [(d) => d.map((i) => 3 * i), (v) => v.map((i) => 3 * i)],
  'asynchronous map': [(d) => d.map((i) => late(i + 1, i)), (v) => v.map((i) => i + 1)],
  filter: [(d) => d.filter((i) => i % 3 === 1), (v) => v.filter((i) => i % 3 === 1)],
  'asynchronous filter': [
    (d) => d.filter((i) => late(i % 4 > 1, i)),
    (v) => v.filter((i) => i % 4 > 1),
  ],
  'filter of none': [(d) => d.filter(() => false), () => []],
  take: [(d) => d.take(10), (v) => v.slice(0, 10)],
  'take of none': [(d) => d.take(0), () => []],
  'take of more than there are': [(d) => d.take(100), (v) => v],
  skip: [(d) => d.skip(10), (v) => v.slice(10)],
  'skip of more than there are': [(d) => d.skip(100), () => []],
  'take behind filter': [
    (d) => d.filter((i) => i % 2 === 0).take(7),
    (v) => v.filter((i) => i % 2 === 0).slice(0, 7),
  ],
  'skip behind filter': [
    (d) => d.filter((i) => i % 2 === 0).skip(7),
    (v) => v.filter((i) => i % 2 === 0).slice(7),
  ],
  concat: [(d) => d.concat(d.take(5)), (v) => [...v, ...v.slice(0, 5)]],
  'concat to filter': [
    (d) => d.filter((i) => i > 50).concat(d.take(5)),
    (v) => [...v.slice(51), ...v.slice(0, 5)],
  ],
  'concat of a stream': [
    (d) => d.concat(data.from(new Set([7, 8, 9]))).skip(2),
    (v) => [...v, 7, 8, 9].slice(2),
  ],
  prefetch: [(d) => d.prefetch(8), (v) => v],
  'all together': [
    (d) =>
      d
        .filter((i) => i % 5 !== 0)
        .prefetch(4)
        .map((i) => late(i * i, i))
        .skip(3)
        .filter((i) => late(i % 2 === 0, i))
        .concat(d.map((i) => -i).take(20))
        .prefetch(6)
        .take(35),
    (v) =>
      [
        ...v
          .filter((i) => i % 5 !== 0)
          .map((i) => i * i)
          .slice(3)
          .filter((i) => i % 2 === 0),
        ...v.map((i) => (i === 0 ? -0 : -i)).slice(0, 20),
      ].slice(0, 35),
  ],
};

describe.each(Object.entries(sources))('of: %s', (kind, make) => {
  it.each(Object.entries(pipelines))('%s gives what a loop gives', async (_, [build, loop]) => {
    const dataset = build(make());
    const expected = loop(upTo(count));
    expect(await all(dataset)).toEqual(expected);
    expect(await all(dataset), 'again').toEqual(expected);
    if (dataset.length !== null) expect(dataset.length).toBe(expected.length);
  });

  it.each(Object.entries(pipelines))('%s goes on behind any number', async (_, [build, loop]) => {
    const dataset = build(make());
    const expected = loop(upTo(count));
    for (const skip of [1, 4, 20, expected.length - 1, expected.length, 200]) {
      if (skip < 0) continue;
      expect(await all(dataset.open({ skip })), `behind ${skip}`).toEqual(expected.slice(skip));
    }
  });

  it('is told apart by random access', () => {
    const access = /array|source/.test(kind);
    expect(make().randomAccess).toBe(access);
    expect(make().length).toBe(access ? count : null);
  });

  it('shuffles: a permutation, another in each epoch, the same when read again', async () => {
    const dataset = make().shuffle({ seed: 5, buffer: 10 });
    const epochs = await Promise.all([1, 2, 1].map((epoch) => all(dataset.open({ epoch }))));
    const [first, second, again] = epochs as [number[], number[], number[]];
    expect([...first].sort((a, b) => a - b)).toEqual(upTo(count));
    expect([...second].sort((a, b) => a - b)).toEqual(upTo(count));
    expect(first).not.toEqual(upTo(count));
    expect(second).not.toEqual(first);
    expect(again).toEqual(first);
  });

  it('goes on in a shuffled pass as if it had read on', async () => {
    const dataset = make()
      .shuffle({ buffer: 10 })
      .map((i) => late(i, i))
      .prefetch(3);
    const whole = await all(dataset.open({ seed: 9, epoch: 3 }));
    for (const skip of [1, 11, 50]) {
      expect(await all(dataset.open({ seed: 9, epoch: 3, skip }))).toEqual(whole.slice(skip));
    }
  });
});

it('shuffles by random access in the order of the generator that training uses', async () => {
  const permutation = new Generator(4, 'shuffle/2').permutation(count);
  const dataset = data.from(upTo(count));
  expect(await all(dataset.shuffle().open({ seed: 4, epoch: 2 }))).toEqual([...permutation]);
  const ordered = { seed: 4, epoch: 2, shuffle: true };
  expect(await all(dataset.map((i) => i).open(ordered))).toEqual([...permutation]);
  // A data set with an order of its own keeps it, as does one that is read one after the other.
  const own = dataset.shuffle({ seed: 1 });
  expect(await all(own.open(ordered))).toEqual(await all(own.open({ seed: 4, epoch: 2 })));
  expect(await all(data.from(new Counted(count)).open(ordered))).toEqual(upTo(count));
});

it('shuffles 100,000 places in turns with other work as in one go', async () => {
  const size = 100_000;
  const source = { length: size, get: (i: number) => i };
  const order = new Generator(0, 'shuffle/1').permutation(size);
  expect(await all(data.from(source).shuffle())).toEqual([...order]);
});

it('draws from a buffer: no value comes more than its size early, and all may come late', async () => {
  const drawn = await all(data.from(new Counted(1000)).shuffle({ seed: 2, buffer: 16 }));
  drawn.forEach((value, place) => {
    expect(value).toBeLessThan(place + 16);
  });
  expect(Math.max(...drawn.map((value, place) => place - value))).toBeGreaterThan(16);
});

it('two shufflings of a pipeline differ', async () => {
  const once = data.from(upTo(count)).shuffle({ seed: 3 });
  const positions = await all(once);
  const twice = await all(once.shuffle({ seed: 3 }));
  const sameAgain = positions.map((i) => positions[i] as number);
  expect(twice).not.toEqual(sameAgain);
  expect([...twice].sort((a, b) => a - b)).toEqual(upTo(count));
});

describe('random numbers of functions', () => {
  const draws = (dataset: data.Dataset<number>): data.Dataset<string> =>
    dataset.map((i, { random, index, epoch }) => `${i} ${index} ${epoch} ${random.word()}`);

  it('are of seed, epoch, sample and function alone', async () => {
    const dataset = draws(data.from(upTo(count)));
    const expected = upTo(count).map(
      (i) => `${i} ${i} 2 ${new Generator(6, `sample/0/2/${i}`).word()}`,
    );
    expect(await all(dataset.open({ seed: 6, epoch: 2 }))).toEqual(expected);
    expect(await all(draws(data.from(new Counted(count))).open({ seed: 6, epoch: 2 }))).toEqual(
      expected,
    );
    const shuffled = await all(
      draws(data.from(upTo(count)).shuffle({ seed: 1 }).prefetch(5)).open({ seed: 6, epoch: 2 }),
    );
    expect(shuffled).not.toEqual(expected);
    expect([...shuffled].sort()).toEqual([...expected].sort());
    expect(await all(dataset.open({ seed: 7, epoch: 2 }))).not.toEqual(expected);
  });

  it('differ between the functions of a pipeline', async () => {
    const twice = data
      .from([0])
      .map((_, { random }) => random.word())
      .map((first, { random }) => [first, random.word()]);
    const [[first, second] = []] = await all(twice);
    expect(first).not.toBe(second);
  });

  it('of data sets put together count on', async () => {
    const part = data.from(upTo(5));
    const stream = data.from(new Counted(5)).filter(() => true);
    for (const [a, b] of [
      [part, part],
      [stream, part],
      [part, stream],
      [stream, stream],
    ] as const) {
      const joined = a.concat(b).map((i, { index }) => [i, index]);
      expect(await all(joined)).toEqual(upTo(10).map((i) => [i % 5, i]));
    }
  });
});
