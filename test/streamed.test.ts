import { setImmediate, setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Counted, late, upTo } from './support/datasets.ts';
import { failsWith } from './support/errors.ts';
import { backends, bits, digits, small } from './support/networks.ts';

const { data } = sn;

/** What a training leaves and tells, but for its times. */
async function trained(
  given: sn.data.TrainingData,
  options: sn.FitOptions = {},
  network: Partial<sn.SequentialOptions> = {},
): Promise<{ parameters: string; history: unknown }> {
  const net = small(network);
  const history = await net.fit(given, { batchSize: 7, epochs: 3, seed: 11, ...options });
  const told = history.epochs.map(({ seconds: _, ...epoch }) => epoch);
  return { parameters: bits(net.parameters()), history: told };
}

/** The same samples, read one by one: a map keeps them from being taken as they are. */
function lazily(samples: sn.Samples): sn.data.Dataset {
  return data.from(samples).map((sample) => sample);
}

const oneHot = (samples: sn.Samples, dtype: sn.FloatDType): sn.Samples => {
  const y = sn.zeros([samples.x.shape[0] as number, 10], dtype);
  samples.y.data.forEach((label, i) => {
    y.data[10 * i + label] = 1;
  });
  return { ...samples, y };
};

const kinds: Record<string, [sn.Samples, Partial<sn.SequentialOptions>?]> = {
  uint8: [digits(50, 2)],
  'uint8, scaled otherwise': [{ ...digits(50, 2), scale: 0.01 }],
  float32: [digits(50, 2, 'float32')],
  'float32, scaled': [{ ...digits(50, 2, 'float32'), scale: 0.5 }],
  float64: [digits(50, 2, 'float64'), { dtype: 'float64' }],
  'uint8 for float64': [digits(50, 2), { dtype: 'float64' }],
  'labels of uint8': [{ ...digits(50, 2), y: digits(50, 2).y.to('uint8') }],
  'targets of one 1': [oneHot(digits(50, 2), 'float32')],
};

describe.each(backends)('a streamed data set on %s', (backend) => {
  it.each(Object.entries(kinds))('trains to the bits of samples in memory: %s', async (_, kind) => {
    const [samples, network = {}] = kind;
    const own = { backend, ...network };
    const validation = { ...digits(23, 4, samples.x.dtype as 'uint8'), y: samples.y };
    const part = data.slice({ ...validation, y: data.slice(samples, 0, 23).y }, 0, 23);
    const expected = await trained(samples, { validationData: part }, own);
    const streamed = await trained(lazily(samples), { validationData: lazily(part) }, own);
    expect(streamed).toEqual(expected);
  });
});

describe('a streamed data set', () => {
  const samples = digits(50, 2);
  const own = sn.metrics.topK(2);

  it('is evaluated as samples in memory', async () => {
    const net = small();
    for (const batchSize of [3, 50, 1000]) {
      const options = { batchSize, metrics: [own] };
      const expected = await net.evaluate(samples, options);
      expect(await net.evaluate(lazily(samples), options)).toEqual(expected);
      const stream = data.from(() => data.from(samples));
      expect(await net.evaluate(stream, options)).toEqual(expected);
    }
  });

  it('does not depend on when its values come, nor on how many are read ahead', async () => {
    const expected = await trained(samples);
    for (const dataset of [
      lazily(samples).map((sample, { index }) => late(sample, index)),
      data
        .from(samples)
        .prefetch(3)
        .map((sample, { index }) => late(sample, index)),
      lazily(samples).prefetch(100),
    ]) {
      expect(await trained(dataset)).toEqual(expected);
    }
  });

  it('keeps the order of a source that is read one after the other', async () => {
    const { x, y } = samples;
    const stream = data.from(async function* ({ seed, epoch }: sn.data.Pass) {
      for (const i of new sn.Generator(seed, `shuffle/${epoch}`).permutation(50)) {
        const own = data.slice({ x, y }, i, i + 1);
        yield { x: sn.ops.reshape(own.x, [1, 28, 28]), y: own.y.item() };
      }
    });
    expect(await trained(stream)).toEqual(await trained(samples));
  });

  it('made of nothing but samples, or a part of them, is trained on in memory', async () => {
    expect(await trained(data.from(samples))).toEqual(await trained(samples));
    const [part] = data.from(samples).split(0.6, { stratified: true });
    const rest = data.from(samples).skip(5);
    expect(await trained(part)).toEqual(await trained(await part.toSamples()));
    expect(await trained(rest)).toEqual(await trained(data.slice(samples, 5)));
    expect(await trained(rest.map((s) => s))).toEqual(await trained(rest));
  });

  it('is split for validation by the same places', async () => {
    const options = { validationSplit: 0.3, metrics: [own] };
    expect(await trained(lazily(samples), options)).toEqual(await trained(samples, options));
    const stream = data.from(new Set(upTo(3))).map(() => ({ x: sn.zeros([1, 28, 28]), y: 0 }));
    for (const refused of [stream, lazily(samples).shuffle()]) {
      await expect(small().fit(refused, options)).rejects.toEqual(
        failsWith('ERR_ARGUMENT', 'fit', 'validationSplit'),
      );
    }
  });

  it('of unknown length tells it once it is known', async () => {
    const filtered = lazily(samples).filter(({ y }) => y !== 3);
    const count = samples.y.data.filter((label) => label !== 3).length;
    const told: unknown[] = [];
    const net = small();
    await net.fit(filtered, {
      ...{ epochs: 2, batchSize: 16, metrics: [own] },
      callbacks: {
        onStart: ({ steps, stepsPerEpoch, samplesPerEpoch }) =>
          void told.push([steps, stepsPerEpoch, samplesPerEpoch]),
        onStep: ({ epoch, samples: done, samplesPerEpoch, secondsLeft }) =>
          void told.push([epoch, done, samplesPerEpoch, secondsLeft]),
      },
    });
    const sizes = upTo(Math.ceil(count / 16)).map((i) => Math.min(count, 16 * (i + 1)));
    expect(told).toEqual([
      [null, null, null],
      ...sizes.map((done) => [1, done, null, null]),
      ...sizes.map((done) => [2, done, count, null]),
    ]);
  });

  it('trains for so many steps over an endless source', async () => {
    const endless = data.from(function* () {
      for (let i = 0; ; i++) yield i;
    });
    const source = endless.map((i) => ({ x: sn.full([1, 28, 28], i % 3), y: i % 3 }));
    const history = await small().fit(source, { steps: 9, batchSize: 4 });
    expect(history.epochs.map(({ step }) => step)).toEqual([9]);
  });

  it('gives its functions the seed of the fit and the epoch', async () => {
    const drawn: string[] = [];
    const dataset = data.from(samples).map((sample, { index, epoch, random }) => {
      drawn.push(`${epoch} ${index} ${random.word()}`);
      return sample;
    });
    await small().fit(dataset, { epochs: 2, seed: 5 });
    const expected = [1, 2].flatMap((epoch) =>
      upTo(50).map((i) => {
        return `${epoch} ${i} ${new sn.Generator(5, `sample/0/${epoch}/${i}`).word()}`;
      }),
    );
    expect(drawn.sort()).toEqual(expected.sort());
  });
});

describe('while training waits for a sample', () => {
  it('predictions and new parameters do not', async () => {
    let asked = (): void => undefined;
    let give = (): void => undefined;
    const waiting = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const given = new Promise<void>((resolve) => {
      give = resolve;
    });
    const samples = digits(12, 2);
    const slow = data.from(async function* () {
      let i = 0;
      for await (const sample of data.from(samples)) {
        if (i++ === 8) {
          asked();
          await given;
        }
        yield sample;
      }
    });
    const net = small();
    const optimizer = sn.optimizers.sgd({ learningRate: 0 });
    const steps: number[] = [];
    const fit = net.fit(slow, {
      ...{ batchSize: 4, optimizer },
      callbacks: { onStep: ({ step }) => void steps.push(step) },
    });
    await waiting;
    while (steps.length < 2) await setImmediate();
    const other = small({ seed: 8 });
    const x = digits(3, 9).x;
    expect(bits(new Map([['y', await net.predict(x)]]))).toBe(
      bits(new Map([['y', await small().predict(x)]])),
    );
    net.setParameters(other.parameters());
    const predicted = await net.predict(x);
    expect(bits(new Map([['y', predicted]]))).toBe(bits(new Map([['y', await other.predict(x)]])));
    expect(await net.evaluate(samples)).toEqual(await other.evaluate(samples));
    expect(steps).toEqual([1, 2]);
    give();
    await fit;
    expect(steps).toEqual([1, 2, 3]);
    expect(bits(net.parameters())).toBe(bits(other.parameters()));
  });
});

describe('while validation runs', () => {
  it('the next epoch is read, and none behind the last', async () => {
    const passes: number[] = [];
    const reads: (() => void)[] = [];
    const begun = [1, 2, 3, 4].map((epoch) => {
      return new Promise<void>((resolve) => {
        reads[epoch] = resolve;
      });
    });
    const samples = digits(20, 2);
    const training = data.from(async function* ({ epoch }: sn.data.Pass) {
      passes.push(epoch);
      reads[epoch]?.();
      yield* data.from(samples);
    });
    let validations = 0;
    const validationData = data.from(async function* () {
      // The first reading tells what samples are like, and is the first validation too.
      validations++;
      yield { x: sn.zeros([1, 28, 28], 'uint8'), y: 1 };
      if (validations < 3) await begun[validations];
    });
    await small().fit(training, { ...{ epochs: 3, batchSize: 6 }, validationData });
    expect(passes).toEqual([1, 2, 3]);
    expect(validations).toBe(3);
  });

  it('an abort closes what was read ahead', async () => {
    const source = new Counted(20);
    const controller = new AbortController();
    const training = data.from(source).map((i) => ({ x: sn.full([1, 28, 28], i % 3), y: i % 3 }));
    const validationData = data.from(async function* () {
      yield { x: sn.ones([1, 28, 28]), y: 1 };
      while (source.given < 21) await setImmediate();
      controller.abort();
    });
    const { signal } = controller;
    const options = { batchSize: 4, epochs: 3, signal };
    await expect(small().fit(training, { ...options, validationData })).rejects.toEqual(
      failsWith('ERR_ABORTED', 'fit'),
    );
    for (let i = 0; i < 5; i++) await setImmediate();
    expect(source.open).toBe(0);
  });
});

describe('what is wrong with a sample', () => {
  const x = sn.ones([1, 28, 28]);
  const at = (sample: unknown, place = 20): sn.data.Dataset =>
    data.from(upTo(30)).map((i) => (i === place ? sample : { x, y: i % 10 }) as sn.data.Sample);
  const wrong: readonly [string, unknown, ...Parameters<typeof failsWith>][] = [
    ['no sample', undefined, 'ERR_ARGUMENT', 'fit', 'sample 20', 'undefined'],
    ['another shape', { x: sn.ones([1, 28, 27]), y: 0 }, 'ERR_SHAPE', 'x of sample 20', '27'],
    ['another dtype', { x: x.to('uint8'), y: 0 }, 'ERR_DTYPE', 'x of sample 20', 'uint8'],
    ['a label too high', { x, y: 10 }, 'ERR_ARGUMENT', 'label of sample 20', '9', '10'],
    ['a label below 0', { x, y: -1 }, 'ERR_ARGUMENT', 'label of sample 20', '-1'],
  ];

  it.each(wrong)('is told with its place: %s', async (_, sample, ...error) => {
    await expect(small().fit(at(sample))).rejects.toEqual(failsWith(...error));
    const [code, , ...words] = error;
    const validation = { validationData: at(sample) };
    const named = failsWith(code, 'fit, validationData', ...words.slice(-2));
    await expect(small().fit(digits(5, 1), validation)).rejects.toEqual(named);
    await expect(small().evaluate(at(sample))).rejects.toEqual(failsWith(code, 'evaluate'));
  });

  it('of the first one is told before anything is touched', async () => {
    const net = small();
    const before = bits(net.parameters());
    const first = (sample: unknown) => net.fit(data.from([sample as sn.data.Sample]));
    await expect(first({ x: sn.ones([28, 27]), y: 0 })).rejects.toEqual(
      failsWith('ERR_SHAPE', 'fit', 'takes (N, 1, 28, 28)'),
    );
    await expect(first({ x: sn.ones([1, 28, 27]), y: 0 })).rejects.toEqual(
      failsWith('ERR_SHAPE', 'fit', '(1, 1, 28, 27)'),
    );
    await expect(first({ x: x.to('int32'), y: 0 })).rejects.toEqual(failsWith('ERR_DTYPE', 'fit'));
    await expect(first({ x, y: 12 })).rejects.toEqual(failsWith('ERR_ARGUMENT', 'sample 0', '12'));
    const targets = { x, y: sn.full([10], 0.3) };
    await expect(first(targets)).rejects.toEqual(failsWith('ERR_ARGUMENT', 'sample 0'));
    await expect(net.fit(data.from<sn.data.Sample>([]))).rejects.toEqual(
      failsWith('ERR_ARGUMENT', 'fit', 'at least one sample'),
    );
    await expect(net.fit(at(0).filter(() => false))).rejects.toEqual(
      failsWith('ERR_ARGUMENT', 'fit', 'at least one sample'),
    );
    await expect(net.fit(at(0).batch(3) as never)).rejects.toEqual(
      failsWith('ERR_ARGUMENT', 'fit', 'leave out batch'),
    );
    expect(bits(net.parameters())).toBe(before);
  });

  it('comes behind the steps before it, and leaves the network to go on', async () => {
    const net = small();
    const steps: number[] = [];
    const error = new RangeError('broken');
    const broken = at(null).map((sample, { index }) => {
      if (index === 20) throw error;
      return sample;
    });
    const stream = data.from(() => broken);
    const onStep = ({ step }: sn.StepEvent) => void steps.push(step);
    await expect(net.fit(stream, { batchSize: 5, epochs: 4, callbacks: { onStep } })).rejects.toBe(
      error,
    );
    expect(steps).toEqual([1, 2, 3, 4]);
    await net.fit(digits(20, 1));
  });
});

describe('a training that ends early', () => {
  const sample = { x: sn.ones([1, 28, 28]), y: 1 };
  const endless = (source = new Counted(1e9)): [Counted, sn.data.Dataset] => [
    source,
    data.from(source).map(() => sample),
  ];

  it('by break closes its iterators', async () => {
    const [source, dataset] = endless();
    for await (const event of small().train(dataset)) {
      if (event.step === 3) break;
    }
    expect(source.open).toBe(0);
  });

  it('by its steps, and by an error of a callback, closes them too', async () => {
    const [source, dataset] = endless();
    const [validation, validationData] = endless(new Counted(5));
    await small().fit(dataset, { steps: 3, validationData });
    expect([source.open, validation.open]).toEqual([0, 0]);
    const onStep = () => {
      throw new Error('own');
    };
    const fit = small().fit(dataset, { validationData, callbacks: { onStep } });
    await expect(fit).rejects.toThrow('own');
    expect([source.open, validation.open]).toEqual([0, 0]);
  });

  it('when another fit is in progress closes them too', async () => {
    const [source, dataset] = endless();
    const net = small();
    const running = net.fit(digits(50, 2), { epochs: 3 });
    await expect(net.fit(dataset)).rejects.toEqual(failsWith('ERR_BUSY', 'fit'));
    await running;
    for (let i = 0; i < 5; i++) await setImmediate();
    expect(source.open).toBe(0);
  });

  it('by its signal waits for no source', async () => {
    const stop = new AbortController();
    const hanging = data.from(async function* () {
      for (let i = 0; i < 64; i++) yield sample;
      await new Promise(() => undefined);
    });
    const net = small();
    const fit = net.fit(hanging, { signal: stop.signal, batchSize: 16, epochs: 2 });
    await wait(300);
    const before = performance.now();
    stop.abort();
    await expect(fit).rejects.toEqual(failsWith('ERR_ABORTED', 'fit'));
    expect(performance.now() - before).toBeLessThan(200);
    expect((await net.predict(sn.ones([1, 1, 28, 28]))).shape).toEqual([1, 10]);
  });

  it('reads no more than its bound ahead', async () => {
    const [source, dataset] = endless();
    for await (const event of small().train(dataset, { batchSize: 4, steps: 3 })) {
      await wait(100);
      if (event.type === 'step') expect(source.given).toBeLessThan(4 * (128 + 3 + 2) + 16);
    }
  });
});
