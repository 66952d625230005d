import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { decayAt } from '../lib/train/averaging.ts';
import { numbersOf } from '../lib/train/numbers.ts';
import { backends, bits, relativeDistance } from './support/networks.ts';

type FloatDType = 'float32' | 'float64';
type Parameters = ReadonlyMap<string, sn.Tensor>;

const samples = 50;

function data(dtype: FloatDType): sn.Samples {
  const random = new sn.Generator(31, 'accumulation');
  const [x, y] = [sn.zeros([samples, 2, 6, 6], dtype), sn.zeros([samples], 'int32')];
  for (let i = 0; i < x.size; i++) x.data[i] = random.normal();
  for (let n = 0; n < samples; n++) y.data[n] = random.integer(4);
  return { x, y };
}

function network(
  backend: sn.BackendName,
  dtype: FloatDType,
  more: { normalized?: boolean; threads?: number; dropped?: boolean } = {},
): sn.Network {
  const { threads, normalized = false, dropped = false } = more;
  return sn.sequential({
    ...{ inputShape: [2, 6, 6], backend, dtype, seed: 8 },
    ...(threads === undefined ? {} : { threads }),
    layers: [
      sn.layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }),
      ...(normalized ? [sn.layers.batchNorm()] : []),
      sn.layers.maxPool2d({ kernelSize: 2 }),
      sn.layers.flatten(),
      ...(dropped ? [sn.layers.dropout({ rate: 0.5 })] : []),
      sn.layers.dense({ units: 4, activation: 'softmax' }),
    ],
  });
}

function expectClose(found: Parameters, expected: Parameters, bound: number): void {
  expect([...found.keys()]).toEqual([...expected.keys()]);
  for (const [key, value] of expected) {
    expect(relativeDistance(found.get(key) as sn.Tensor, value), key).toBeLessThanOrEqual(bound);
  }
}

describe.each(backends)('batches that make a step together on %s', (backend) => {
  const optimizers = {
    'plain sgd': () => sn.optimizers.sgd({ learningRate: 0.1, weightDecay: 0.01 }),
    'sgd with momentum': () =>
      sn.optimizers.sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true }),
    adamW: () => sn.optimizers.adamW(0.01),
    rmsprop: () => sn.optimizers.rmsprop({ learningRate: 0.01, centered: true, momentum: 0.5 }),
    adagrad: () => sn.optimizers.adagrad({ learningRate: 0.05, initialAccumulatorValue: 0.1 }),
  } as const;

  it.each(Object.entries(optimizers))('are as one of all their samples: %s', async (_, make) => {
    for (const [dtype, bound] of [
      ['float64', 1e-12],
      ['float32', 2e-5],
    ] as const) {
      for (const [batchSize, accumulate] of [
        [5, 4],
        [4, 5],
        [1, 20],
      ] as const) {
        const [whole, parts] = [network(backend, dtype), network(backend, dtype)];
        const options = { epochs: 2, optimizer: make(), schedule: sn.schedules.cosine() };
        const expected = await whole.fit(data(dtype), { batchSize: 20, ...options });
        const found = await parts.fit(data(dtype), { batchSize, accumulate, ...options });
        expectClose(parts.parameters(), whole.parameters(), bound);
        found.epochs.forEach((epoch, i) => {
          expect(epoch.loss).toBeCloseTo(expected.epochs[i]?.loss as number, 5);
          expect(epoch.accuracy).toBeCloseTo(expected.epochs[i]?.accuracy as number, 10);
          expect(epoch.step).toBe(expected.epochs[i]?.step);
          expect(epoch.learningRate).toBe(expected.epochs[i]?.learningRate);
        });
      }
    }
  });

  it.each([{ clipNorm: 0.1 }, { clipValue: 0.01 }])('are clipped together: %j', async (clip) => {
    const [whole, parts] = [network(backend, 'float64'), network(backend, 'float64')];
    const options = { optimizer: sn.optimizers.sgd(0.5), ...clip };
    await whole.fit(data('float64'), { batchSize: 20, ...options });
    await parts.fit(data('float64'), { batchSize: 5, accumulate: 4, ...options });
    expectClose(parts.parameters(), whole.parameters(), 1e-12);
  });

  it('are one step in events and metrics', async () => {
    const net = network(backend, 'float32');
    const metrics = [sn.metrics.accuracy({ name: 'right' })];
    const events: sn.TrainEvent[] = [];
    const options = { batchSize: 6, accumulate: 3, epochs: 2, metrics };
    for await (const event of net.train(data('float32'), options)) events.push(event);
    const steps = events.flatMap((event) => (event.type === 'step' ? [event] : []));
    expect(steps.map((event) => event.samples)).toEqual([18, 36, 50, 18, 36, 50]);
    expect(steps.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(steps.map((event) => event.steps)).toEqual([6, 6, 6, 6, 6, 6]);
    for (const event of events) expect(event.metrics.right).toBe(event.accuracy);
  });

  it('give the same bits however runs are cut, and at any number of threads', async () => {
    const seen = new Set<string>();
    const options = { batchSize: 3, accumulate: 4, epochs: 2 };
    for (const threads of [1, 2, 3]) {
      const net = network(backend, 'float32', { threads, normalized: true, dropped: true });
      await net.fit(data('float32'), options);
      seen.add(bits(net.parameters()));
    }
    const stepwise = network(backend, 'float32', { normalized: true, dropped: true });
    for await (const _ of stepwise.train(data('float32'), options));
    seen.add(bits(stepwise.parameters()));
    expect(seen.size).toBe(1);
  });

  it('are read as they are wanted, also where nobody knows how many there are', async () => {
    const inMemory = data('float32');
    const lazily = sn.data.from(inMemory).map((sample) => sample);
    const options = { batchSize: 1, accumulate: 7, epochs: 2 };
    const expected = network(backend, 'float32');
    await expected.fit(inMemory, options);
    for (const dataset of [lazily, lazily.filter(() => true), lazily.prefetch(2)]) {
      const net = network(backend, 'float32');
      const history = await net.fit(dataset, options);
      expect(history.epochs.map(({ step }) => step)).toEqual([8, 16]);
      expect(bits(net.parameters())).toBe(bits(expected.parameters()));
    }
  });

  it('may be more than are kept ready', async () => {
    const once = sn.data.from(data('float32')).map((sample) => sample);
    const many = once.concat(once).concat(once);
    const options = { batchSize: 1, accumulate: 140 };
    const history = await network(backend, 'float32').fit(many, options);
    expect(history.epochs.map(({ step }) => step)).toEqual([2]);
  });

  it('may be more than an epoch has', async () => {
    const [whole, parts] = [network(backend, 'float64'), network(backend, 'float64')];
    const options = { epochs: 3, optimizer: sn.optimizers.sgd(0.1) };
    await whole.fit(data('float64'), { batchSize: 50, ...options });
    const history = await parts.fit(data('float64'), { batchSize: 20, accumulate: 10, ...options });
    expect(history.epochs.map(({ step }) => step)).toEqual([1, 2, 3]);
    expectClose(parts.parameters(), whole.parameters(), 1e-12);
  });

  it('are all done when training is stopped among them', async () => {
    const after: string[] = [];
    const options = { batchSize: 2, accumulate: 5, epochs: 20 };
    const watched = network(backend, 'float32');
    after.push(bits(watched.parameters()));
    for await (const { type } of watched.train(data('float32'), options)) {
      if (type === 'step') after.push(bits(watched.parameters()));
    }
    for (const wait of [0, 3, 7]) {
      const net = network(backend, 'float32');
      const controller = new AbortController();
      const training = net.fit(data('float32'), { ...options, signal: controller.signal });
      setTimeout(() => controller.abort(), wait);
      await training.catch((error) => expect(error).toMatchObject({ code: 'ERR_ABORTED' }));
      expect(after).toContain(bits(net.parameters()));
    }
  });

  it.each([0, 1.5, -1, '2', Number.NaN])('are not %s', async (accumulate) => {
    const options = { accumulate } as sn.FitOptions;
    await expect(network(backend, 'float32').fit(data('float32'), options)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('accumulate'),
    });
  });
});

it('the numbers of batches tell steps and batches apart', () => {
  const factor = (ahead: number): number => 1 / (1 + ahead);
  const sizes = Int32Array.of(4, 4, 4, 4, 3);
  expect(numbersOf({ step: 7, sizes, accumulate: 2, factor })).toEqual({
    steps: [8, 8, 9, 9, 10],
    batches: [15, 16, 17, 18, 19],
    factors: [1, 1, 1 / 2, 1 / 2, 1 / 3],
    samples: [4, 4, 4, 4, 3],
    totals: [4, 8, 4, 8, 3],
    ends: [false, true, false, true, true],
  });
});

describe.each(backends)('averaged parameters on %s', (backend) => {
  const options = { batchSize: 12, epochs: 3, optimizer: sn.optimizers.adam(0.02) };

  /** The parameters after each step, and the losses that were told. */
  async function watched(
    more: sn.TrainOptions,
  ): Promise<{ after: Parameters[]; losses: number[] }> {
    const net = network(backend, 'float64', { normalized: true });
    const after: Parameters[] = [net.parameters()];
    const losses: number[] = [];
    for await (const event of net.train(data('float64'), { ...options, ...more })) {
      if (event.type !== 'step') continue;
      after.push(net.parameters());
      losses.push(event.loss);
    }
    return { after, losses };
  }

  it.each<[string, sn.AveragingOptions, sn.TrainOptions]>([
    ['with a warm-up', { decay: 0.9 }, {}],
    ['without', { decay: 0.75, warmUp: false }, {}],
    ['of several batches', { decay: 0.75, warmUp: false }, { batchSize: 4, accumulate: 3 }],
    ['that follow at once', { decay: 0 }, {}],
    ['of which some are frozen', { decay: 0.9 }, { frozen: ['0.bias', '1'] }],
  ])('are those of a plain loop: %s', async (_, averaging, more) => {
    const plain = await watched(more);
    const averaged = await watched({ ...more, averaging });
    expect(averaged.losses).toEqual(plain.losses);
    const [first] = plain.after as [Parameters];
    const means = new Map([...first].map(([key, { data: values }]) => [key, [...values]]));
    for (let step = 1; step < plain.after.length; step++) {
      const decay =
        averaging.warmUp === false
          ? averaging.decay
          : Math.min(averaging.decay, (1 + step) / (10 + step));
      for (const [key, { data: values }] of plain.after[step] as Parameters) {
        const found = averaged.after[step]?.get(key) as sn.Tensor;
        if (key.includes('running')) {
          expect(found.data).toEqual(values);
          continue;
        }
        const mean = means.get(key) as number[];
        for (let i = 0; i < mean.length; i++) {
          mean[i] = decay * (mean[i] as number) + (1 - decay) * (values[i] as number);
          const distance = Math.abs((found.data[i] as number) - (mean[i] as number));
          expect(distance, `${key} after step ${step}`).toBeLessThan(1e-14);
        }
      }
    }
  });

  it('are what validation and the network at the end have', async () => {
    const net = network(backend, 'float32', { normalized: true });
    const plain = network(backend, 'float32', { normalized: true });
    const settings = { ...options, validationData: data('float32') };
    const seen: string[] = [];
    const history = await net.fit(data('float32'), {
      ...{ ...settings, averaging: { decay: 0.8 } },
      callbacks: { onEpoch: () => void seen.push(bits(net.parameters())) },
    });
    expect(bits(net.parameters())).toBe(seen.at(-1));
    // The batches in which a fit validates: a loss of others differs in its last bits.
    const evaluated = await net.evaluate(data('float32'), { batchSize: 3 * options.batchSize });
    expect(history.epochs.at(-1)?.validation).toEqual(evaluated);
    await plain.fit(data('float32'), settings);
    expect(bits(plain.parameters())).not.toBe(bits(net.parameters()));
  });

  it('are restored by early stopping', async () => {
    const net = network(backend, 'float32');
    const after: string[] = [];
    const history = await net.fit(data('float32'), {
      ...{ ...options, epochs: 6, averaging: { decay: 0.5 } },
      earlyStopping: { monitor: 'loss', mode: 'max', patience: 2 },
      callbacks: { onEpoch: () => void after.push(bits(net.parameters())) },
    });
    expect(bits(net.parameters())).toBe(after[(history.earlyStopping?.bestEpoch as number) - 1]);
  });

  it('take what is set during training', async () => {
    const net = network(backend, 'float32');
    const bias = sn.full([4], 3);
    const settings = { ...options, rates: { '3.bias': 0 }, averaging: { decay: 0.99 } };
    for await (const { step } of net.train(data('float32'), settings)) {
      if (step === 2) net.setParameters(new Map([['3.bias', bias]]));
      if (step === 4) break;
    }
    expect(net.parameters().get('3.bias')?.data).toEqual(bias.data);
  });

  it('begin with a decay that grows', () => {
    expect(decayAt({ decay: 0.999 }, 1)).toBe(2 / 11);
    expect(decayAt({ decay: 0.999 }, 1_000_000)).toBe(0.999);
    expect(decayAt({ decay: 0.999, warmUp: false }, 1)).toBe(0.999);
  });

  it.each([
    [0.9, 'averaging'],
    [{}, 'decay'],
    [{ decay: 1 }, 'decay'],
    [{ decay: -0.1 }, 'decay'],
    [{ decay: '0.9' }, 'decay'],
    [{ decay: 0.9, warmUp: 5 }, 'warmUp'],
    [{ decay: 0.9, steps: 5 }, 'steps'],
  ])('are not %j', async (averaging, named) => {
    const wrong = { averaging } as sn.FitOptions;
    await expect(network(backend, 'float32').fit(data('float32'), wrong)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining(named),
    });
  });
});
