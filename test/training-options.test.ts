import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits, digits, small } from './support/networks.ts';

const data = digits(50, 2);
const batchSize = 20;

/** The events of a training. */
async function eventsOf(net: sn.Network, options: sn.TrainOptions): Promise<sn.TrainEvent[]> {
  const events: sn.TrainEvent[] = [];
  for await (const event of net.train(data, { batchSize, ...options })) events.push(event);
  return events;
}

function ratesOf(events: readonly sn.TrainEvent[]): number[] {
  return events.flatMap((event) => (event.type === 'step' ? [event.learningRate] : []));
}

describe.each(backends)('schedules in training on %s', (backend) => {
  const build = (): sn.Network => small({ backend });

  it('give every step its rate, as its event tells', async () => {
    const optimizer = sn.optimizers.sgd({ learningRate: 0.05, momentum: 0.9 });
    const schedule = sn.schedules.warmUp({ steps: 4, from: 0.1, next: sn.schedules.cosine() });
    const net = build();
    const events = await eventsOf(net, { epochs: 4, optimizer, schedule });
    const expected = Array.from({ length: 12 }, (_, step) => {
      const share =
        step < 4 ? 0.1 + (0.9 * step) / 4 : (1 + Math.cos((Math.PI * (step - 4)) / 8)) / 2;
      return 0.05 * share;
    });
    const found = ratesOf(events);
    expect(found).toHaveLength(12);
    found.forEach((rate, i) => {
      expect(Math.abs(rate - (expected[i] as number))).toBeLessThan(1e-15);
    });
    expect(events.at(-1)).toMatchObject({ type: 'epoch', learningRate: found[11] });

    // The same rates set by hand between the steps.
    const byHand = build();
    const own = sn.optimizers.sgd({ learningRate: found[0] as number, momentum: 0.9 });
    const options = { batchSize, epochs: 4, optimizer: own };
    for await (const event of byHand.train(data, options)) {
      if (event.type === 'step') own.learningRate = found[event.step] ?? 0;
    }
    expect(bits(net.parameters())).toBe(bits(byHand.parameters()));
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, undefined])(
    'refuse a rate of %s that was set by hand, before a step takes it',
    async (rate) => {
      const net = build();
      const own = sn.optimizers.sgd(0.05);
      let before = '';
      const onEpoch = ({ epoch }: sn.EpochEvent): void => {
        if (epoch !== 2) return;
        before = bits(net.parameters());
        own.learningRate = rate as number;
      };
      await expect(
        net.fit(data, { batchSize, epochs: 4, optimizer: own, callbacks: { onEpoch } }),
      ).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining(`learning rate of sgd`),
      });
      expect(before).not.toBe('');
      expect(bits(net.parameters())).toBe(before);
    },
  );

  it('give the same in few long runs as step by step', async () => {
    const schedule = sn.schedules.exponential({ factor: 0.5 });
    const optimizer = sn.optimizers.sgd(0.05);
    const [whole, single] = [build(), build()];
    await whole.fit(data, { batchSize, epochs: 3, optimizer, schedule });
    await eventsOf(single, { epochs: 3, optimizer, schedule });
    expect(bits(whole.parameters())).toBe(bits(single.parameters()));
  });

  it('multiply the rates of layers’ own optimizers too', async () => {
    const layers = (rate: number): sn.Layer[] => [
      sn.layers.flatten(),
      sn.layers.dense({ units: 6, optimizer: sn.optimizers.adam(rate) }),
      sn.layers.dense({ units: 10 }),
    ];
    const trained = async (factor: number, options: sn.FitOptions): Promise<string> => {
      const net = sn.sequential({
        inputShape: [1, 28, 28],
        backend,
        layers: layers(0.01 * factor),
      });
      await net.fit(data, { batchSize, optimizer: sn.optimizers.sgd(0.1 * factor), ...options });
      return bits(net.parameters());
    };
    const schedule = sn.schedules.constant({ factor: 0.5 });
    expect(await trained(1, { schedule })).toBe(await trained(0.5, {}));
  });

  it('follow a plateau of what they watch', async () => {
    const schedule = sn.schedules.plateau({
      monitor: 'loss',
      patience: 0,
      factor: 0.5,
      minDelta: 100,
    });
    const optimizer = sn.optimizers.sgd(0.02);
    const history = await build().fit(data, { batchSize, epochs: 4, optimizer, schedule });
    expect(history.epochs.map(({ learningRate }) => learningRate)).toEqual([
      0.02, 0.02, 0.01, 0.005,
    ]);
    const again = await build().fit(data, { batchSize, epochs: 2, optimizer, schedule });
    expect(again.epochs.map(({ learningRate }) => learningRate)).toEqual([0.02, 0.02]);
  });
});

describe.each(backends)('rates of layers on %s', (backend) => {
  it('are factors by key, place and name, of which the longest counts', async () => {
    const optimizer = sn.optimizers.sgd({ learningRate: 0.04, momentum: 0.5 });
    const build = (own: { optimizer?: sn.Optimizer } = {}): sn.Network =>
      sn.sequential({
        ...{ inputShape: [1, 28, 28], backend, seed: 4 },
        layers: [
          sn.layers.flatten(),
          sn.layers.sequential({
            name: 'stem',
            layers: [sn.layers.dense({ units: 7 }), sn.layers.dense({ units: 6, ...own })],
          }),
          sn.layers.dense({ units: 10 }),
        ],
      });
    const net = build();
    const before = net.parameters();
    const rates = { stem: 0.5, 'stem.0': 0, '2.bias': 0 };
    await net.fit(data, { batchSize, optimizer, rates });
    const after = net.parameters();
    const moved = [...after].filter(([key, { data }]) => {
      return data.some((value, i) => value !== before.get(key)?.data[i]);
    });
    expect(moved.map(([key]) => key)).toEqual(['stem.1.weight', 'stem.1.bias', '2.weight']);

    const halved = build({ optimizer: sn.optimizers.sgd({ learningRate: 0.02, momentum: 0.5 }) });
    await halved.fit(data, { batchSize, optimizer, frozen: ['stem.0', '2.bias'] });
    expect(bits(halved.parameters())).toBe(bits(after));
  });

  it('of 1 change nothing', async () => {
    const [plain, ones] = [small({ backend }), small({ backend })];
    const optimizer = sn.optimizers.adam();
    await plain.fit(data, { batchSize, optimizer });
    await ones.fit(data, { batchSize, optimizer, rates: { 0: 1, '4.bias': 1 } });
    expect(bits(ones.parameters())).toBe(bits(plain.parameters()));
  });
});

describe.each(backends)('training for so many steps on %s', (backend) => {
  const optimizer = sn.optimizers.sgd(0.05);

  it.each([0, 1, 3, 5])('%d', async (steps) => {
    const net = small({ backend });
    const seen: number[] = [];
    const history = await net.fit(data, {
      ...{ batchSize, optimizer, steps, validationData: data },
      callbacks: { onStep: (event) => void seen.push(event.step, event.steps as number) },
    });
    expect(seen).toEqual(Array.from({ length: steps }, (_, i) => [i + 1, steps]).flat());
    expect(history.epochs.map(({ step }) => step)).toEqual(
      Array.from({ length: Math.ceil(steps / 3) }, (_, i) => Math.min(steps, 3 * (i + 1))),
    );
    const reached = small({ backend });
    let done = 0;
    if (steps > 0) {
      for await (const event of reached.train(data, { batchSize, optimizer, epochs: 2 })) {
        if (event.type === 'step' && ++done === steps) break;
      }
    }
    expect(bits(net.parameters())).toBe(bits(reached.parameters()));
  });

  it('a schedule knows how long that is', async () => {
    const schedule = sn.schedules.polynomial();
    const events = await eventsOf(small({ backend }), { steps: 5, optimizer, schedule });
    const expected = [1, 0.8, 0.6, 0.4, 0.2].map((factor) => 0.05 * factor);
    ratesOf(events).forEach((rate, i) => {
      expect(rate).toBeCloseTo(expected[i] as number, 15);
    });
    expect(events.filter(({ type }) => type === 'epoch')).toHaveLength(2);
    expect(events.at(-1)).toMatchObject({ epoch: 2, epochs: 2, step: 5, steps: 5 });
  });
});

describe('callbacks', () => {
  it('are told of the start and of the end', async () => {
    const told: unknown[] = [];
    const net = small();
    const history = await net.fit(data, {
      ...{ batchSize, epochs: 2 },
      callbacks: {
        onStart: async (event) => void told.push(event),
        onEpoch: ({ epoch }) => void told.push(epoch),
        onEnd: (event) => void told.push(event),
      },
    });
    const place = { type: 'start', epoch: 1, step: 0 };
    const start = { ...place, epochs: 2, steps: 6, stepsPerEpoch: 3, samplesPerEpoch: 50 };
    expect(told).toEqual([start, 1, 2, history]);
  });

  it.each(['onStart', 'onStep', 'onEpoch', 'onEnd'])(
    'that never settle (%s) end by the signal',
    async (name) => {
      const net = small();
      const never = (): Promise<void> => new Promise(() => undefined);
      const signal = AbortSignal.timeout(50);
      const training = net.fit(data, { batchSize, signal, callbacks: { [name]: never } });
      await expect(training).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      const other = net.fit(data, { batchSize, callbacks: { [name]: never } });
      setTimeout(() => net.dispose(), 50);
      await expect(other).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
    },
  );

  it('that end the fit and reject are heard, and reject for nobody else', async () => {
    const net = small();
    const controller = new AbortController();
    const onStep = async (): Promise<void> => {
      controller.abort();
      throw new Error('of the callback');
    };
    const training = net.fit(data, { batchSize, signal: controller.signal, callbacks: { onStep } });
    await expect(training).rejects.toThrow('of the callback');
  });

  it.each<[string, sn.FitOptions]>([
    ['alone', {}],
    ['with early stopping', { earlyStopping: { monitor: 'loss' } }],
    ['with steps', { epochs: undefined as never, steps: 6 }],
  ])('that end the fit behind its last step make it reject, %s', async (_, options) => {
    for (const name of ['onEpoch', 'onEnd'] as const) {
      for (const onEnd of [undefined, () => undefined, () => wait(1)]) {
        const net = small();
        const controller = new AbortController();
        const { signal } = controller;
        let ended = 0;
        const callbacks: sn.Callbacks = {
          onEpoch: ({ epoch }) => {
            if (epoch === 2 && name === 'onEpoch') controller.abort();
          },
          onEnd: () => {
            ended++;
            if (name === 'onEnd') controller.abort();
            return onEnd?.();
          },
        };
        const training = net.fit(data, { batchSize, epochs: 2, ...options, signal, callbacks });
        await expect(training).rejects.toMatchObject({ code: 'ERR_ABORTED' });
        expect(ended).toBe(name === 'onEnd' ? 1 : 0);
        await net.fit(data, { batchSize });
      }
    }
  });

  it('give the network back when they throw', async () => {
    const net = small();
    const failing = (): never => {
      throw new Error('mine');
    };
    for (const name of ['onStart', 'onStep', 'onEpoch', 'onEnd']) {
      const training = net.fit(data, { batchSize, callbacks: { [name]: failing } });
      await expect(training).rejects.toThrow('mine');
    }
    await net.fit(data, { batchSize });
  });

  it('know how long is left', async () => {
    const left: (number | null)[] = [];
    const onStep = ({ secondsLeft }: sn.StepEvent): void => void left.push(secondsLeft);
    await small().fit(data, { batchSize, epochs: 2, callbacks: { onStep } });
    expect(left).toHaveLength(6);
    expect(left.slice(0, 5).every((seconds) => (seconds as number) > 0)).toBe(true);
    expect(left[5]).toBe(0);
  });
});

describe('histories', () => {
  const history = {
    epochs: [
      { epoch: 1, step: 3, learningRate: 0.1, loss: 0.5, seconds: 2, validation: { loss: 0.25 } },
      { epoch: 2, step: 6, learningRate: 0.1, loss: 0.4, seconds: 2, 'a,"b"': [1, [2]] },
    ],
  };

  it('as CSV', () => {
    expect(sn.history.toCsv(history)).toBe(
      'epoch,step,learningRate,loss,seconds,validation.loss,"a,""b"".0","a,""b"".1.0"\n' +
        '1,3,0.1,0.5,2,0.25,,\n2,6,0.1,0.4,2,,1,2\n',
    );
  });

  it('as JSON lines', () => {
    const lines = sn.history.toJsonLines(history).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(history.epochs);
  });

  it('are what fit returns, plain data', async () => {
    const found = await small().fit(data, { batchSize, validationData: data });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
    expect(sn.history.toCsv(found).split('\n')[0]).toBe(
      'epoch,step,learningRate,loss,accuracy,validation.loss,validation.accuracy,seconds',
    );
  });

  it.each([null, {}, [], 5])('refuse %j', (wrong) => {
    for (const format of [sn.history.toCsv, sn.history.toJsonLines]) {
      expect(() => format(wrong as never)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT' }),
      );
    }
  });
});

describe('options of training that are wrong', () => {
  const plateau = (monitor: string): sn.Schedule => sn.schedules.plateau({ monitor });

  it.each([
    ['epochs and steps', { epochs: 1, steps: 1 }, 'epochs or steps'],
    ['half a step', { steps: 0.5 }, 'steps'],
    ['steps below 0', { steps: -1 }, 'steps'],
    ['a schedule that is none', { schedule: 'cosine' }, 'sn.schedules'],
    ['a schedule’s options', { schedule: { kind: 'cosine', options: {} } }, 'sn.schedules'],
    [
      'a schedule that throws',
      { schedule: sn.schedules.warmUp({ steps: 1 }), steps: 'x' },
      'steps',
    ],
    ['a plateau of validation without it', { schedule: plateau('validation.loss') }, 'validation'],
    ['a plateau of nothing', { schedule: plateau('f1') }, "one of 'loss', 'accuracy'"],
    ['rates that are a list', { rates: [0.1] }, 'rates'],
    ['rates that are a Map', { rates: new Map() }, 'rates'],
    ['a rate below 0', { rates: { 0: -1 } }, "rates['0']"],
    ['a rate that is none', { rates: { 0: '1' } }, "rates['0']"],
    ['a rate of no layer', { rates: { stem: 1 } }, "'stem'"],
    ['a rate of a layer without parameters', { rates: { 1: 1 } }, 'no parameters'],
    ['a rate of __proto__', { rates: JSON.parse('{"__proto__": 1}') }, '__proto__'],
    ['a callback that is none', { callbacks: { onStart: 5 } }, 'callbacks'],
    ['a callback of another name', { callbacks: { onStop() {} } }, 'onStop'],
  ])('refuse %s', async (_, options, named) => {
    for (const backend of backends) {
      const net = small({ backend });
      const before = bits(net.parameters());
      await expect(net.fit(data, options as sn.FitOptions)).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining(named),
      });
      expect(bits(net.parameters())).toBe(before);
      await net.fit(data, { batchSize });
    }
  });
});
