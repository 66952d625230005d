import { afterEach, describe, expect, it, vi } from 'vitest';
import * as sn from '../lib/index.ts';
import { random } from './support/graphs.ts';

const backends: sn.BackendName[] =
  sn.cpuInfo().addon === null ? ['reference'] : ['native', 'reference'];
if (backends.length === 1) console.log('skipped: native networks, no addon is built');

afterEach(() => {
  sn.releaseMemory();
});

function network(backend: sn.BackendName): sn.Network {
  return sn.sequential({
    inputShape: [1, 8, 8],
    layers: [
      sn.layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
      sn.layers.batchNorm(),
      sn.layers.flatten(),
      sn.layers.dense({ units: 5, activation: 'softmax' }),
    ],
    backend,
  });
}

const x = random([40, 1, 8, 8], 1);
const labels = Int32Array.from({ length: 40 }, (_, i) => i % 5);
const data = { x, y: new sn.Tensor(labels, [40], 'int32') };
const disposed = { code: 'ERR_DISPOSED', message: expect.stringMatching(/disposed of/) };

/** A source that never gives a second sample. */
async function* hanging(): AsyncGenerator<sn.data.Sample> {
  yield { x: random([1, 8, 8], 2), y: 1 };
  await new Promise(() => undefined);
}

describe.each(backends)('a network that is disposed of (%s)', (backend) => {
  it('leaves no native byte, trained, evaluated, looked at or not', async () => {
    sn.releaseMemory();
    const before = sn.memory();
    const net = network(backend);
    await net.fit(data, { batchSize: 16, epochs: 2, validationData: data });
    await net.evaluate(data);
    for (const count of [1, 3, 40]) await net.predict(sn.data.slice(data, 0, count).x);
    const copy = net.snapshot();
    await copy.predict(x);
    if (backend === 'native') expect(sn.memory().bytes).toBeGreaterThan(before.bytes);
    net.dispose();
    net.dispose();
    await copy.predict(x);
    copy[Symbol.dispose]();
    sn.releaseMemory();
    expect(sn.memory()).toEqual(before);
  });

  it('refuses every later call, by name', async () => {
    const net = network(backend);
    const parameters = net.parameters();
    net.dispose();
    const refused = (where: string) => ({
      code: 'ERR_DISPOSED',
      message: `[${where}] the network was disposed of`,
    });
    const calls: Record<string, () => unknown> = {
      predict: () => net.predict(x),
      evaluate: () => net.evaluate(data),
      fit: () => net.fit(data),
      save: () => net.save('never.safetensors'),
      saveWeights: () => net.saveWeights('never.safetensors'),
      loadWeights: () => net.loadWeights('never.safetensors'),
      train: () => net.train(data),
      parameters: () => net.parameters(),
      setParameters: () => net.setParameters(parameters),
      snapshot: () => net.snapshot(),
      apply: () => net.apply(x),
      graph: () => net.graph(),
    };
    for (const [name, call] of Object.entries(calls)) {
      await expect((async () => call())()).rejects.toMatchObject(refused(name));
    }
    expect(net.summary()).toContain('conv2d');
  });

  it('rejects predictions that are under way or wait', async () => {
    const net = network(backend);
    const before = sn.memory();
    const asked = Array.from({ length: 5 }, () => net.predict(x));
    const ends = Promise.allSettled(asked);
    await Promise.resolve();
    net.dispose();
    for (const end of await ends) expect(end).toMatchObject({ reason: disposed });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sn.memory()).toEqual(before);
  });

  it('ends evaluations at once, also those that wait for a step or that none has begun for', async () => {
    const before = sn.memory();
    const many = 20_000;
    const repeated = sn.data.select(
      data,
      Array.from({ length: many }, (_, i) => i % 40),
    );
    const net = network(backend);
    const training = net.fit(repeated, { batchSize: many });
    const ended: string[] = [];
    const told = (error: sn.StridenetError) => ended.push(error.code);
    void training.catch(() => undefined);
    for (let i = 0; i < 3; i++) void net.evaluate(repeated).catch(told);
    net.dispose();
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toEqual(['ERR_DISPOSED', 'ERR_DISPOSED', 'ERR_DISPOSED']);
    await expect(training).rejects.toMatchObject(disposed);
    // A step that is computed is ended, and its memory freed, a little later.
    await vi.waitFor(() => expect(sn.memory()).toEqual(before), { timeout: 10_000 });
  });

  it('ends training within a step, with the error told to whoever waits for it', async () => {
    const before = sn.memory();
    const net = network(backend);
    const training = net.fit(data, { batchSize: 8, epochs: 1_000_000 });
    const evaluation = net.evaluate(sn.data.from(hanging));
    const ended = expect(training).rejects.toMatchObject(disposed);
    const evaluated = expect(evaluation).rejects.toMatchObject(disposed);
    setTimeout(() => net.dispose(), 30);
    await ended;
    await evaluated;
    sn.releaseMemory();
    expect(sn.memory()).toEqual(before);
    const steps = network(backend);
    const seen: number[] = [];
    const walking = (async () => {
      for await (const event of steps.train(data, { batchSize: 8, epochs: 3 })) {
        if (event.type !== 'step') continue;
        seen.push(event.step);
        if (event.step === 4) steps.dispose();
      }
    })();
    await expect(walking).rejects.toMatchObject(disposed);
    expect(seen).toEqual([1, 2, 3, 4]);
    expect(sn.memory()).toEqual(before);
  });

  it('waits for no source of samples', async () => {
    const net = network(backend);
    const training = net.fit(sn.data.from(hanging), { batchSize: 1, steps: 100 });
    const ended = expect(training).rejects.toMatchObject(disposed);
    setTimeout(() => net.dispose(), 50);
    await ended;
  });

  it('may be disposed of by a callback of its own fit', async () => {
    const net = network(backend);
    const callbacks = { onStep: () => net.dispose() };
    await expect(net.fit(data, { callbacks })).rejects.toMatchObject(disposed);
  });
});

describe.each(backends)('evaluations (%s)', (backend) => {
  it('end when their signal fires', async () => {
    const net = network(backend);
    const endless = sn.data.from(hanging);
    const evaluation = net.evaluate(endless, { signal: AbortSignal.timeout(30) });
    await expect(evaluation).rejects.toMatchObject({
      code: 'ERR_ABORTED',
      message: '[evaluate] stopped by its signal',
    });
    const signal = AbortSignal.abort();
    await expect(net.evaluate(data, { signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect((await net.evaluate(data)).loss).toBeGreaterThan(0);
  });
});

describe('compiled functions', () => {
  it('are disposed of by `using` too', async () => {
    sn.releaseMemory();
    const before = sn.memory();
    const f = sn.compile((a: sn.Variable) => sn.ops.exp(a));
    await f(x);
    f[Symbol.dispose]();
    await expect(f(x)).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    expect(sn.memory()).toEqual(before);
  });
});
