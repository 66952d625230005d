import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits } from './support/networks.ts';

const samples = 60;

/** Points of three classes, not quite apart. */
function points(dtype: 'float32' | 'float64' = 'float32'): { x: sn.Tensor; y: sn.Tensor<'int32'> } {
  const random = new sn.Generator(77, 'points');
  const [x, y] = [sn.zeros([samples, 4], dtype), sn.zeros([samples], 'int32')];
  for (let n = 0; n < samples; n++) {
    y.data[n] = random.integer(3);
    for (let i = 0; i < 4; i++) {
      x.data[n * 4 + i] = random.uniform() + (i === y.data[n] ? 0.5 : 0);
    }
  }
  return { x, y };
}

function network(
  backend: sn.BackendName,
  layers: readonly sn.Layer[] = [sn.layers.dense({ units: 3, activation: 'softmax' })],
): sn.Network {
  const hidden = sn.layers.dense({ units: 5, activation: 'tanh' });
  return sn.sequential({ inputShape: [4], backend, seed: 5, layers: [hidden, ...layers] });
}

const { accuracy, confusionMatrix, f1, mean, recall, topK } = sn.metrics;
const largest = (): sn.Metric => mean('confidence', (output) => Math.max(...output));

/** Results of metrics by `predict`. */
async function byHand(
  net: sn.Network,
  { x, y }: sn.Samples,
  metrics: readonly sn.Metric[],
): Promise<Record<string, sn.MetricValue>> {
  const outputs = await net.predict(x);
  return Object.fromEntries(
    metrics.map((metric) => {
      const accumulator = metric.create();
      accumulator.add(outputs, y);
      return [metric.name, accumulator.result()];
    }),
  );
}

function expectClose(found: unknown, expected: unknown): void {
  if (typeof expected === 'number') {
    expect(found).toBeCloseTo(expected, 6);
    return;
  }
  expect(found).toEqual(expected);
}

describe.each(backends)('metrics on %s', (backend) => {
  const data = points();
  const metrics = [
    accuracy(),
    topK(2),
    f1(),
    recall({ average: 'none' }),
    confusionMatrix(),
    largest(),
  ];

  it.each([undefined, 7, 60])(
    'of evaluate are those of predictions (batches of %s)',
    async (batchSize) => {
      const net = network(backend);
      const found = await net.evaluate(data, { metrics, ...(batchSize ? { batchSize } : {}) });
      const expected = await byHand(net, data, metrics);
      expect(Object.keys(found.metrics ?? {})).toEqual(metrics.map(({ name }) => name));
      for (const [name, value] of Object.entries(expected))
        expectClose(found.metrics?.[name], value);
      expect(found.metrics?.accuracy).toBe(found.accuracy);
      const { metrics: _, ...rest } = found;
      expect(await net.evaluate(data, batchSize ? { batchSize } : {})).toEqual(rest);
    },
  );

  it('of an epoch are those of its samples and of the validation data', async () => {
    const net = network(backend);
    const optimizer = sn.optimizers.sgd(0);
    const last: sn.StepEvent[] = [];
    const history = await net.fit(data, {
      ...{
        batchSize: 7,
        epochs: 2,
        optimizer,
        metrics,
        validationData: sn.data.slice(data, 0, 20),
      },
      callbacks: { onStep: (event) => void last.push(event) },
    });
    const expected = await byHand(net, data, metrics);
    const validated = await byHand(net, sn.data.slice(data, 0, 20), metrics);
    for (const epoch of history.epochs) {
      const found = { ...epoch.metrics, accuracy: epoch.accuracy };
      for (const [name, value] of Object.entries(expected)) {
        expectClose(found[name as keyof typeof found], value);
      }
      for (const [name, value] of Object.entries(validated)) {
        expectClose(epoch.validation?.metrics?.[name], value);
      }
    }
    const { loss: _, ...told } = last.at(-1)?.metrics ?? {};
    expect(Object.keys(told).sort()).toEqual(['accuracy', 'confidence', 'f1', 'top2']);
    for (const [name, value] of Object.entries(told)) expectClose(value, expected[name]);
    const header = sn.history.toCsv(history).split('\n')[0];
    expect(header).toContain('metrics.confusionMatrix.2.1');
    expect(header).toContain('validation.metrics.recall.0');
  });

  it('change no bit of what is trained', async () => {
    const [plain, judged] = [network(backend), network(backend)];
    await plain.fit(data, { batchSize: 7, epochs: 2 });
    await judged.fit(data, { batchSize: 7, epochs: 2, metrics });
    expect(bits(judged.parameters())).toBe(bits(plain.parameters()));
  });

  it('see probabilities of a final sigmoid, and what other networks give', async () => {
    const y = sn.tensor(
      Float32Array.from(data.y.data, (label) => Number(label > 0)),
      [samples, 1],
    );
    const sigmoid = network(backend, [
      sn.layers.dense({ units: 1 }),
      sn.layers.activation('sigmoid'),
    ]);
    const linear = network(backend, [sn.layers.dense({ units: 1 })]);
    const own = [largest(), accuracy(), sn.metrics.absoluteError()];
    for (const [net, loss] of [
      [sigmoid, sn.losses.binaryCrossEntropy()],
      [sigmoid, sn.losses.squaredError()],
      [linear, sn.losses.binaryCrossEntropy()],
      [linear, sn.losses.huber()],
    ] as const) {
      const found = await net.evaluate({ x: data.x, y }, { loss, metrics: own });
      const expected = await byHand(net, { x: data.x, y }, own);
      for (const [name, value] of Object.entries(expected))
        expectClose(found.metrics?.[name], value);
      const optimizer = sn.optimizers.sgd(0);
      const { epochs } = await net.fit({ x: data.x, y }, { loss, metrics: own, optimizer });
      for (const [name, value] of Object.entries(expected))
        expectClose(epochs[0]?.metrics?.[name] ?? epochs[0]?.accuracy, value);
    }
  });

  it('may be watched by a plateau', async () => {
    const schedule = sn.schedules.plateau({
      monitor: 'validation.f1',
      patience: 0,
      factor: 0.5,
      minDelta: 2,
    });
    const options = { batchSize: 20, epochs: 3, metrics: [f1()], schedule, validationData: data };
    const { epochs } = await network(backend).fit(data, {
      ...options,
      optimizer: sn.optimizers.sgd(0.2),
    });
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([0.2, 0.2, 0.1]);
  });

  it.each([
    ['no list', accuracy(), 'ERR_ARGUMENT', 'a list'],
    ['a maker', [accuracy], 'ERR_ARGUMENT', 'metrics[0]'],
    ['a name', ['accuracy'], 'ERR_ARGUMENT', 'metrics[0]'],
    ['two of one name', [f1(), f1({ class: 1 })], 'ERR_ARGUMENT', "'f1' already"],
    ['one called loss', [accuracy({ name: 'loss' })], 'ERR_ARGUMENT', "'loss' already"],
    ['too many classes', [topK(4)], 'ERR_ARGUMENT', 'metrics, topK'],
    ['targets that are classes', [sn.metrics.squaredError()], 'ERR_SHAPE', 'metrics, squaredError'],
  ])('refuse %s', async (_, wrong, code, named) => {
    const net = network(backend);
    const before = bits(net.parameters());
    const refused = { code, message: expect.stringContaining(named) };
    const given = { metrics: wrong as sn.Metric[] };
    await expect(net.evaluate(data, given)).rejects.toMatchObject(refused);
    await expect(net.fit(data, given)).rejects.toMatchObject(refused);
    expect(bits(net.parameters())).toBe(before);
    await net.fit(data, {});
  });
});
