import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { checkEarlyStopping, EarlyStopping } from '../lib/train/earlyStopping.ts';
import { backends, bits } from './support/networks.ts';

/** Labels at random: what is learned of some says nothing of others. */
function noise(samples: number, seed: number): sn.Samples & { y: sn.Tensor<'int32'> } {
  const random = new sn.Generator(seed, 'noise');
  const [x, y] = [sn.zeros([samples, 6]), sn.zeros([samples], 'int32')];
  for (let i = 0; i < x.size; i++) x.data[i] = random.normal();
  for (let n = 0; n < samples; n++) y.data[n] = random.integer(3);
  return { x, y };
}

function network(backend: sn.BackendName): sn.Network {
  return sn.sequential({
    ...{ inputShape: [6], backend, seed: 5 },
    layers: [
      sn.layers.dense({ units: 8, activation: 'tanh' }),
      sn.layers.batchNorm(),
      sn.layers.dense({ units: 3, activation: 'softmax' }),
    ],
  });
}

const [data, validationData] = [noise(40, 1), noise(40, 2)];
const optimizer = sn.optimizers.adam(0.05);

describe.each(backends)('early stopping on %s', (backend) => {
  /** A training with what the network was after each epoch. */
  async function trained(earlyStopping: sn.EarlyStoppingOptions, more: sn.FitOptions = {}) {
    const net = network(backend);
    const after: string[] = [];
    const history = await net.fit(data, {
      ...{ batchSize: 10, epochs: 30, optimizer, validationData, earlyStopping, ...more },
      callbacks: { onEpoch: () => void after.push(bits(net.parameters())) },
    });
    return { net, after, history };
  }

  it.each([1, 3])(
    'ends after %d epochs without the best, with the bits of the best',
    async (patience) => {
      const { net, after, history } = await trained({ patience });
      const losses = history.epochs.map(({ validation }) => validation?.loss as number);
      const best = losses.indexOf(Math.min(...losses));
      expect(losses).toHaveLength(best + 1 + patience);
      expect(losses.length).toBeLessThan(30);
      expect(history.earlyStopping).toEqual({
        ...{ stopped: true, monitor: 'validation.loss' },
        ...{ bestEpoch: best + 1, best: losses[best] },
      });
      expect(bits(net.parameters())).toBe(after[best]);
      expect(after.at(-1)).not.toBe(after[best]);
      expect((await net.evaluate(validationData)).loss).toBe(losses[best]);
    },
  );

  it('leaves the last bits without restoreBest', async () => {
    const { net, after } = await trained({ patience: 2, restoreBest: false });
    expect(bits(net.parameters())).toBe(after.at(-1));
  });

  it('restores the best when training comes to its end too', async () => {
    const { net, after, history } = await trained({ patience: 100 }, { epochs: 8 });
    expect(history.epochs).toHaveLength(8);
    expect(history.earlyStopping?.stopped).toBe(false);
    const best = (history.earlyStopping?.bestEpoch as number) - 1;
    expect(best).toBeLessThan(7);
    expect(bits(net.parameters())).toBe(after[best]);
  });

  it('watches any number, for more or less, by at least minDelta', async () => {
    const { history } = await trained({ monitor: 'accuracy', minDelta: 2, patience: 2 });
    expect(history.epochs).toHaveLength(3);
    expect(history.earlyStopping).toMatchObject({ monitor: 'accuracy', bestEpoch: 1 });
    const falling = await trained({ monitor: 'loss', mode: 'max', patience: 1 }, { epochs: 20 });
    expect(falling.history.epochs.length).toBeLessThan(20);
  });

  it('ends the events of train as well', async () => {
    const net = network(backend);
    let last: sn.EpochEvent | null = null;
    const best = { loss: Number.POSITIVE_INFINITY, bits: '' };
    const options = { batchSize: 10, epochs: 30, optimizer, validationData };
    for await (const event of net.train(data, { ...options, earlyStopping: { patience: 2 } })) {
      if (event.type !== 'epoch') continue;
      last = event;
      const { loss } = event.validation as sn.Evaluation;
      if (loss < best.loss) Object.assign(best, { loss, bits: bits(net.parameters()) });
    }
    expect(last?.epoch).toBeLessThan(30);
    expect(bits(net.parameters())).toBe(best.bits);
  });

  it('leaves things as they are when training is left by break', async () => {
    const net = network(backend);
    const options = { batchSize: 10, epochs: 30, optimizer, validationData };
    let before = '';
    for await (const event of net.train(data, { ...options, earlyStopping: {} })) {
      before = bits(net.parameters());
      if (event.epoch === 5) break;
    }
    expect(bits(net.parameters())).toBe(before);
  });
});

describe('what early stopping knows', () => {
  const settings = checkEarlyStopping({ monitor: 'loss', patience: 2 });
  const values = new Map([['a', sn.zeros([1])]]);

  it('is plain data that it goes on from', () => {
    const losses = [1, 0.5, Number.NaN, 0.6, 0.4, 0.5, 0.5];
    for (let cut = 0; cut < 6; cut++) {
      const [first, second] = [new EarlyStopping(settings), new EarlyStopping(settings)];
      const step = (each: EarlyStopping, i: number): void =>
        each.observe(i + 1, { loss: losses[i] as number }, () => values);
      for (let i = 0; i < cut; i++) step(first, i);
      second.restore(JSON.parse(JSON.stringify(first.state())), first.best);
      for (let i = cut; i < losses.length; i++) {
        step(first, i);
        step(second, i);
        expect(second.state()).toEqual(first.state());
        expect(second.stops).toBe(first.stops);
      }
      expect(second.best).toBe(values);
    }
  });

  it.each([
    null,
    5,
    {},
    { epoch: 1, value: null, waited: 0 },
    { epoch: null, value: null, waited: -1 },
  ])('is not %j', (state) => {
    const restore = () => new EarlyStopping(settings).restore(state, null);
    expect(restore).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
  });
});

describe.each(backends)('a share of the data to validate with on %s', (backend) => {
  const ids = sn.tensor(
    Float32Array.from({ length: 10 }, (_, n) => n),
    [10, 1],
  );
  const layers = [sn.layers.activation('linear')];

  /** The samples that were validated with, and those that were trained on. */
  async function parts(seed: number): Promise<number[][]> {
    const seen: number[][] = [];
    const record: sn.Metric = {
      ...{ name: 'record', options: {} },
      create() {
        const part: number[] = [];
        seen.push(part);
        return { add: ({ data }) => void part.push(...data), result: () => 0 };
      },
    };
    const net = sn.sequential({ inputShape: [1], backend, layers });
    const options = { validationSplit: 0.4, batchSize: 3, seed, metrics: [record] };
    const loss = sn.losses.squaredError();
    await net.fit({ x: ids, y: ids }, { ...options, epochs: 2, loss });
    const filled = seen.filter(({ length }) => length > 1).map((part) => part.sort());
    return filled.sort((a, b) => a.length - b.length);
  }

  it('is not trained on, and the same for a seed', async () => {
    const found = await parts(0);
    expect(found.map(({ length }) => length)).toEqual([4, 4, 6, 6]);
    const [validated, again, trained] = found as [number[], number[], number[]];
    expect(again).toEqual(validated);
    expect([...validated, ...trained].sort()).toEqual([...ids.data]);
    expect(await parts(0)).toEqual(found);
    expect(await parts(1)).not.toEqual(found);
  });
});

describe('wrong settings', () => {
  it.each([
    [{ earlyStopping: true }, 'earlyStopping'],
    [{ earlyStopping: null }, 'earlyStopping'],
    [{ earlyStopping: { patience: 0 }, validationData }, 'patience'],
    [{ earlyStopping: { patience: '2' }, validationData }, 'patience'],
    [{ earlyStopping: { wait: 1 }, validationData }, 'wait'],
    [{ earlyStopping: { mode: 'less' }, validationData }, 'mode'],
    [{ earlyStopping: { minDelta: -1 }, validationData }, 'minDelta'],
    [{ earlyStopping: { restoreBest: 1 }, validationData }, 'restoreBest'],
    [{ earlyStopping: { monitor: 'perplexity' }, validationData }, "'min' or 'max'"],
    [{ earlyStopping: {} }, "'validation.loss': give validationData or validationSplit"],
    [{ earlyStopping: { monitor: 'validation.f1' }, validationData }, 'validation.accuracy'],
    [{ validationSplit: 0 }, 'validationSplit'],
    [{ validationSplit: 1 }, 'validationSplit'],
    [{ validationSplit: Number.NaN }, 'validationSplit'],
    [{ validationSplit: '0.1' }, 'validationSplit'],
    [{ validationSplit: 0.001 }, 'both sides of 40'],
    [{ validationSplit: 0.5, validationData }, 'not both'],
  ])('are refused (%#)', async (options, named) => {
    for (const backend of backends) {
      const net = network(backend);
      const before = bits(net.parameters());
      await expect(net.fit(data, options as sn.FitOptions)).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining(named),
      });
      expect(bits(net.parameters())).toBe(before);
    }
  });
});
