import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { all, Counted, upTo } from './support/datasets.ts';
import { failsWith } from './support/errors.ts';

const { data, tensor } = sn;

/** Samples whose x (2, 3) says which they are, of classes that occur in different numbers. */
function samples(counts: readonly number[], seed = 1): sn.Samples {
  const labels = counts.flatMap((count, label) => Array<number>(count).fill(label));
  const order = new sn.Generator(seed).permutation(labels.length);
  const x = sn.zeros([labels.length, 2, 3], 'uint8');
  x.data.forEach((_, i) => {
    x.data[i] = i % 251;
  });
  const y = tensor(
    Array.from(order, (i) => labels[i] as number),
    [labels.length],
    'uint8',
  );
  return { x, y };
}

async function labelsOf(dataset: sn.data.Dataset): Promise<number[]> {
  return (await all(dataset)).map(({ y }) => y as number);
}

function countOf(values: readonly number[], value: number): number {
  return values.filter((each) => each === value).length;
}

describe('split', () => {
  const counts = [100, 40, 20, 60];

  it('cuts into parts that have nothing in common and together all', async () => {
    for (const shares of [0.3, [0.25, 0.75], [0.1, 0.2, 0.3, 0.4]]) {
      for (const stratified of [false, true]) {
        const parts = data
          .from(samples(counts))
          .map((sample, { index }) => ({ ...sample, index }))
          .split(shares, { stratified, seed: 3 });
        const indices = await Promise.all(
          parts.map(async (part) => (await all(part)).map(({ index }) => index)),
        );
        expect(indices.flat().sort((a, b) => a - b)).toEqual(upTo(220));
        for (const part of indices) expect(part).toEqual([...part].sort((a, b) => a - b));
        expect(parts.map(({ length }) => length)).toEqual(indices.map(({ length }) => length));
      }
    }
  });

  it('stratified gives each class its exact share', async () => {
    const dataset = data.from(samples(counts));
    for (const shares of [
      [0.2, 0.8],
      [0.05, 0.95],
      [0.1, 0.2, 0.7],
      [0.55, 0.15, 0.05, 0.25],
    ]) {
      const parts = dataset.split(shares, { stratified: true });
      for (const [i, part] of parts.entries()) {
        const labels = await labelsOf(part);
        const share = shares[i] as number;
        expect(counts.map((_, label) => countOf(labels, label))).toEqual(
          counts.map((count) => Math.round(count * share)),
        );
      }
    }
  });

  it.each(upTo(20))(
    'stratified is within one of the share of odd counts, seed %i',
    async (seed) => {
      const random = new sn.Generator(seed, 'counts');
      const odd = Array.from({ length: 7 }, () => random.integer(30));
      const share = 0.05 + 0.9 * random.uniform();
      const dataset = data.from(samples(odd, seed));
      const [first, second] = dataset.split(share, { stratified: true, seed });
      const [a, b] = [await labelsOf(first), await labelsOf(second)];
      odd.forEach((count, label) => {
        expect(Math.abs(countOf(a, label) - share * count)).toBeLessThan(1);
        expect(countOf(a, label) + countOf(b, label)).toBe(count);
      });
      const total = odd.reduce((sum, count) => sum + count, 0);
      expect(Math.abs(a.length - share * total)).toBeLessThan(1);
    },
  );

  it.each([0.29, 0.57, 0.58])('has exactly %d of 100, though no product of floats is', (share) => {
    expect(100 * share).not.toBe(Math.round(100 * share));
    const parts = data.from(upTo(100)).split(share);
    expect(parts.map(({ length }) => length)).toEqual([
      Math.round(100 * share),
      100 - Math.round(100 * share),
    ]);
  });

  it('depends on the seed, and on nothing else', async () => {
    const dataset = data.from(upTo(50));
    const first = async (seed?: number): Promise<number[]> =>
      all(dataset.map((i) => i).split(0.5, seed === undefined ? {} : { seed })[0]);
    expect(await first(4)).toEqual(await first(4));
    expect(await first()).toEqual(await first(0));
    expect(await first(4)).not.toEqual(await first(5));
    const prefix = await all(dataset.split(0.5)[0]);
    expect(prefix).not.toEqual(upTo(25));
  });

  it('goes by labelOf of a source, reading nothing', async () => {
    let read = 0;
    const source = {
      length: 40,
      get: (i: number) => {
        read++;
        return i;
      },
      labelOf: (i: number) => i % 4,
    };
    const [part] = data.from(source).split(0.5, { stratified: true });
    expect(read).toBe(0);
    const labels = (await all(part)).map((i) => i % 4);
    expect(upTo(4).map((label) => countOf(labels, label))).toEqual([5, 5, 5, 5]);
  });

  it('refuses what it cannot split', () => {
    const dataset = data.from(upTo(10));
    const error = (...words: string[]) => failsWith('ERR_ARGUMENT', 'Dataset.split', ...words);
    const wrong = [0, 1, -0.1, Number.NaN, '0.5', [], [0.5], [0.5, 0.6], [0.5, 0.4], null, {}];
    for (const shares of wrong) {
      expect(() => dataset.split(shares as number)).toThrow(error('fraction'));
    }
    expect(() => dataset.shuffle().split(0.5)).toThrow(error('split before shuffle'));
    expect(() => data.from(new Counted(5)).split(0.5)).toThrow(error('take and skip'));
    expect(() => dataset.split(0.5, { stratified: true })).toThrow(error('value 0', 'labelOf'));
    expect(() => dataset.split(0.5, { stratified: 1 as never })).toThrow(error('stratified'));
    expect(() => dataset.split(0.5, { seed: -1 })).toThrow(error('seed'));
    const targets = { x: sn.zeros([3, 2]), y: sn.zeros([3, 2]) };
    expect(() => data.from(targets).split(0.5, { stratified: true })).toThrow(error('value 0'));
  });
});

describe('batch', () => {
  it('puts samples together, the last ones too', async () => {
    const given = samples([5, 6]);
    const batches = await all(data.from(given).batch(4));
    expect(batches.map(({ x }) => x.shape)).toEqual([
      [4, 2, 3],
      [4, 2, 3],
      [3, 2, 3],
    ]);
    expect(batches.flatMap(({ x }) => [...x.data])).toEqual([...given.x.data]);
    expect(batches.flatMap(({ y }) => [...y.data])).toEqual([...given.y.data]);
    expect(batches.map(({ x, y }) => [x.dtype, y.dtype])).toEqual(
      Array(3).fill(['uint8', 'int32']),
    );
    expect(data.from(given).batch(4).length).toBe(3);
  });

  it('goes on behind batches, and keeps scale and targets', async () => {
    const given = { x: sn.randomNormal([7, 3], { seed: 1 }), y: sn.ones([7, 2]), scale: 2 };
    const dataset = data.from(given).batch(3).prefetch(1);
    const [, second, third] = await all(dataset);
    expect(await all(dataset.open({ skip: 1 }))).toEqual([second, third]);
    expect([third?.y.shape, third?.scale]).toEqual([[1, 2], 2]);
  });
});

describe('toSamples', () => {
  it('gives all of them', async () => {
    const given = samples([50, 60]);
    for (const dataset of [data.from(given), data.from(given).filter(() => true)]) {
      const found = await dataset.toSamples();
      expect([found.x.shape, found.x.dtype]).toEqual([[110, 2, 3], 'uint8']);
      expect(found.x.data).toEqual(given.x.data);
      expect([...found.y.data]).toEqual([...given.y.data]);
      expect('classNames' in found).toBe(false);
    }
    const named = data.from(given, { classNames: ['a', 'b'] });
    expect((await named.filter(() => true).toSamples()).classNames).toEqual(['a', 'b']);
  });

  it('stays below its bound, and asks for no memory above it', async () => {
    const source = (count: number): sn.data.Dataset =>
      data.from(new Counted(count)).map((y) => ({ x: sn.zeros([25]), y }));
    const error = failsWith('ERR_MEMORY', 'Dataset.toSamples', '10400 bytes');
    expect((await source(100).toSamples({ maxBytes: 10_400 })).x.shape).toEqual([100, 25]);
    await expect(source(101).toSamples({ maxBytes: 10_400 })).rejects.toEqual(error);
    const endless = data.from(new Counted(1e15)).map((y) => ({ x: sn.zeros([25]), y }));
    await expect(endless.toSamples({ maxBytes: 10_400 })).rejects.toEqual(error);
    const declared = data.from({ length: 2 ** 30, get: (y: number) => ({ x: sn.zeros([25]), y }) });
    await expect(declared.toSamples()).rejects.toEqual(failsWith('ERR_MEMORY', '1073741824'));
  });
});

describe('what is no sample', () => {
  const x = sn.zeros([2, 2]);
  const wrong: readonly [unknown, ...Parameters<typeof failsWith>][] = [
    [undefined, 'ERR_ARGUMENT', 'sample 2', 'undefined'],
    [null, 'ERR_ARGUMENT', 'sample 2', 'null'],
    [5, 'ERR_ARGUMENT', 'sample 2', '5'],
    [{ x: [1, 2], y: 0 }, 'ERR_ARGUMENT', 'sample 2', 'x a Tensor'],
    [{ x }, 'ERR_ARGUMENT', 'y of sample 2', 'undefined'],
    [{ x, y: 0.5 }, 'ERR_ARGUMENT', 'y of sample 2', '0.5'],
    [{ x, y: 2 ** 31 }, 'ERR_ARGUMENT', 'y of sample 2'],
    [{ x, y: '3' }, 'ERR_ARGUMENT', 'y of sample 2'],
    [{ x: sn.zeros([2, 3]), y: 0 }, 'ERR_SHAPE', 'x of sample 2', '(2, 3)', '(2, 2)'],
    [{ x: sn.zeros([2, 2], 'uint8'), y: 0 }, 'ERR_DTYPE', 'x of sample 2', 'uint8'],
    [{ x, y: sn.zeros([3]) }, 'ERR_SHAPE', 'y of sample 2', '(3)'],
    [{ x, y: sn.zeros([], 'uint8') }, 'ERR_DTYPE', 'y of sample 2'],
  ];

  it.each(wrong)('number %#', async (value, ...error) => {
    const dataset = data.from([{ x, y: 0 }, { x, y: 1 }, value as sn.data.Sample]);
    await expect(dataset.toSamples()).rejects.toEqual(failsWith(...error));
    await expect(all(dataset.batch(8))).rejects.toEqual(failsWith(...error));
  });

  it('memory that was detached', async () => {
    const gone = sn.zeros([2, 2]);
    structuredClone(gone.data.buffer, { transfer: [gone.data.buffer as ArrayBuffer] });
    const error = failsWith('ERR_ARGUMENT', 'x of sample 1', 'detached');
    await expect(
      data
        .from([
          { x, y: 0 },
          { x: gone, y: 0 },
        ])
        .toSamples(),
    ).rejects.toEqual(error);
  });

  it('none at all', async () => {
    const error = failsWith('ERR_ARGUMENT', 'at least one sample');
    await expect(data.from<sn.data.Sample>([]).toSamples()).rejects.toEqual(error);
    expect(await all(data.from<sn.data.Sample>([]).batch(3))).toEqual([]);
  });
});

describe('wrong calls', () => {
  const error = (...words: string[]) => failsWith('ERR_ARGUMENT', ...words);
  const dataset = data.from(upTo(3));

  it.each([
    undefined,
    null,
    5,
    'text',
    true,
    {},
    { x: sn.zeros([2, 2]) },
    new Float32Array(3),
    sn.zeros([3]),
    Promise.resolve([1]),
    { length: 3 },
    { next: 5 },
  ])('data.from refuses number %#', (source) => {
    expect(() => data.from(source as number[])).toThrow(error('data.from'));
  });

  it('data.from refuses wrong options', () => {
    for (const [options, word] of [
      [{ length: -1 }, 'length'],
      [{ length: 1.5 }, 'length'],
      [{ length: 3 }, 'length'],
      [{ classNames: 'ab' }, 'classNames'],
      [{ classNames: [1] }, 'classNames'],
      [{ scale: Number.NaN }, 'scale'],
      [{ size: 1 }, 'size'],
    ] as const) {
      expect(() => data.from(upTo(3), options as object)).toThrow(error('data.from', word));
    }
    for (const length of [-1, 2.5, 2 ** 31, '3']) {
      const source = { length: length as number, get: (i: number) => i };
      expect(() => data.from(source)).toThrow(error('data.from', 'length'));
    }
    const mixed = { x: sn.zeros([3, 2]), y: sn.zeros([2]) };
    expect(() => data.from(mixed)).toThrow(failsWith('ERR_SHAPE', 'data.from'));
  });

  it('functions must give something to read', async () => {
    for (const given of [undefined, 5, {}, { [Symbol.iterator]: () => 5 }, async () => 5]) {
      const broken = data.from((() => given) as unknown as () => number[]);
      await expect(all(broken)).rejects.toEqual(error('data.from', 'iterable'));
    }
    const step = data.from(() => ({ next: () => 5 as never }));
    await expect(all(step)).rejects.toEqual(error('data.from', '{ value, done }', '5'));
  });

  it('methods refuse wrong arguments', () => {
    const any = dataset as unknown as Record<string, (...values: unknown[]) => unknown>;
    for (const [method, ...values] of [
      ['map', undefined, 5, 'f'],
      ['filter', undefined, {}],
      ['take', undefined, -1, 0.5, '3', Number.POSITIVE_INFINITY],
      ['skip', undefined, -1, 0.5, '3'],
      ['batch', undefined, 0, -1, 1.5],
      ['prefetch', undefined, 0, 2 ** 17],
      ['concat', undefined, upTo(3), {}],
      ['shuffle', 5, { seed: -1 }, { buffer: 0 }, { size: 5 }],
      ['open', { seed: 0.5 }, { epoch: 0 }, { skip: -1 }, { shuffle: 1 }, { index: 1 }],
    ] as const) {
      for (const value of values) {
        expect(() => any[method]?.call(dataset, value)).toThrow(error(`Dataset.${method}`));
      }
    }
    expect(() => data.from(new Counted(3)).shuffle()).toThrow(error('Dataset.shuffle', 'buffer'));
    expect(() => new (data.Dataset as unknown as new () => unknown)()).toThrow(error('data.from'));
  });

  it('filter must be told true or false', async () => {
    const forgotten = dataset.filter((() => undefined) as unknown as () => boolean);
    await expect(all(forgotten)).rejects.toEqual(error('Dataset.filter', 'sample 0', 'undefined'));
  });

  it('data sets of other classes or another scale are not put together', () => {
    const named = (names: string[]) => data.from(upTo(2), { classNames: names });
    expect(() => named(['a', 'b']).concat(named(['b', 'a']))).toThrow(error('Dataset.concat', 'b'));
    expect(named(['a']).concat(dataset).classNames).toEqual(['a']);
    expect(dataset.concat(named(['a'])).classNames).toEqual(['a']);
    const scaled = data.from(upTo(2), { scale: 2 });
    expect(() => scaled.concat(dataset)).toThrow(error('Dataset.concat', 'scale'));
  });
});
