import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends, bits, digits, relativeDistance, small } from './support/networks.ts';

const native = backends.includes('native');

describe('the trainer', () => {
  const data = digits(50, 2);
  const options = {
    epochs: 2,
    batchSize: 20,
    optimizer: sn.optimizers.sgd({ learningRate: 0.05 }),
  };

  it.each(backends)(
    'keeps the partial batch and weights means by samples on %s',
    async (backend) => {
      const net = small({ backend });
      const losses: number[] = [];
      const history = await net.fit(data, {
        ...options,
        optimizer: sn.optimizers.sgd({ learningRate: 0 }),
        callbacks: { onStep: ({ samples }) => void losses.push(samples) },
      });
      expect(losses).toEqual([20, 40, 50, 20, 40, 50]);
      const { loss, accuracy } = await net.evaluate(data);
      expect(history.epochs[0]?.loss).toBeCloseTo(loss, 5);
      expect(history.epochs[0]?.accuracy).toBeCloseTo(accuracy as number, 10);
    },
  );

  it.each(backends)('B2: one optimizer per layer on %s', async (backend) => {
    const frozen = sn.optimizers.sgd({ learningRate: 0 });
    const net = sn.sequential({
      inputShape: [1, 28, 28],
      backend,
      layers: [
        sn.layers.flatten(),
        sn.layers.dense({ units: 6, activation: 'relu', optimizer: frozen }),
        sn.layers.dense({ units: 10 }),
      ],
    });
    const before = net.parameters();
    const momentum = sn.optimizers.sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true });
    await net.fit(data, { ...options, optimizer: momentum });
    const after = net.parameters();
    expect([...(after.get('1.weight') as sn.Tensor).data]).toEqual([
      ...(before.get('1.weight') as sn.Tensor).data,
    ]);
    const moved = relativeDistance(
      after.get('2.weight') as sn.Tensor,
      before.get('2.weight') as sn.Tensor,
    );
    expect(moved).toBeGreaterThan(0);
  });

  it.each(backends)('stops at a step boundary when its signal fires on %s', async (backend) => {
    const net = small({ backend });
    const controller = new AbortController();
    let steps = 0;
    const training = net.fit(data, {
      ...options,
      epochs: 100_000,
      signal: controller.signal,
      callbacks: {
        onStep: () => {
          if (++steps === 4) controller.abort(new Error('enough'));
        },
      },
    });
    await expect(training).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const loss = (await net.evaluate(data)).loss;
    expect(Number.isFinite(loss)).toBe(true);
  });

  it.each(backends)('changes nothing in a step whose loss is not finite on %s', async (backend) => {
    const net = small({ backend });
    const huge = sn.tensor(new Float32Array(50 * 784).fill(3e38), [50, 1, 28, 28]);
    const before = bits(net.parameters());
    await expect(net.fit({ x: huge, y: data.y }, options)).rejects.toMatchObject({
      code: 'ERR_NON_FINITE',
      message: expect.stringContaining('step 1'),
    });
    expect(bits(net.parameters())).toBe(before);
  });

  it.each(backends)('ends with break, and trains one step an event on %s', async (backend) => {
    const net = small({ backend });
    const steps: number[] = [];
    for await (const event of net.train(data, options)) {
      if (event.type === 'step') steps.push(event.step);
      if (steps.length === 2) break;
    }
    expect(steps).toEqual([1, 2]);
    await net.fit(data, { ...options, epochs: 1 });
  });

  it.each(backends)(
    'lets predict, evaluate and setParameters in between steps on %s',
    async (backend) => {
      const net = small({ backend });
      const training = net.fit(data, { ...options, epochs: 6 });
      const [probabilities, evaluation] = await Promise.all([
        net.predict(data.x),
        net.evaluate(data),
      ]);
      expect(probabilities.shape).toEqual([50, 10]);
      expect(Number.isFinite(evaluation.loss)).toBe(true);
      const zero = new Map(
        [...net.parameters()].map(([key, value]) => [key, sn.zeros(value.shape)]),
      );
      net.setParameters(zero);
      await training;
      const last = net.parameters().get('0.weight') as sn.Tensor;
      expect(last.data.every((value) => Math.abs(value) < 0.5)).toBe(true);
    },
  );

  it.each(backends)('answers predictions asked for at the same time on %s', async (backend) => {
    const net = small({ backend });
    const training = net.fit(data, options);
    const sizes = [1, 50, 1, 7, 50, 3];
    const part = (n: number): sn.Tensor =>
      sn.tensor(data.x.data.slice(0, n * 784), [n, 1, 28, 28], 'uint8');
    const answers = await Promise.all(sizes.map((n) => net.predict(part(n))));
    expect(answers.map(({ shape }) => shape[0])).toEqual(sizes);
    await training;
    const [first, second] = await Promise.all([net.predict(part(1)), net.predict(part(50))]);
    expect([...first.data]).toEqual([...second.data.slice(0, 10)]);
  });

  it.each(backends)(
    'lets setParameters change what it names and nothing else in a fit on %s',
    async (backend) => {
      const [plain, changed] = [small({ backend }), small({ backend })];
      const settings = { ...options, epochs: 3, optimizer: sn.optimizers.sgd(0.01) };
      await plain.fit(data, settings);
      const bias = changed.parameters().get('4.bias') as sn.Tensor;
      let [sets, latest] = [0, bias];
      await changed.fit(data, {
        ...settings,
        callbacks: {
          onStep: () => {
            latest = changed.parameters().get('4.bias') as sn.Tensor;
            changed.setParameters(new Map([['4.bias', latest]]));
            sets++;
          },
        },
      });
      expect(sets).toBe(9);
      expect(bits(changed.parameters())).toBe(bits(plain.parameters()));
    },
  );

  it.runIf(native)('shows and saves the trained parameters while it trains', async () => {
    const net = small();
    const before = bits(net.parameters());
    const controller = new AbortController();
    const training = net.fit(digits(2000, 3), {
      epochs: 100_000,
      batchSize: 500,
      optimizer: sn.optimizers.sgd(0.001),
      signal: controller.signal,
    });
    const ended = expect(training).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const folder = await mkdtemp(join(tmpdir(), 'stridenet-'));
    try {
      const moves = (): void => expect(bits(net.parameters())).not.toBe(before);
      await vi.waitFor(moves, { timeout: 4000, interval: 50 });
      await net.save(join(folder, 'net'));
      const saved = bits((await sn.load(join(folder, 'net'))).parameters());
      expect(saved).not.toBe(before);
      const moved = new Map([['4.bias', sn.full([10], 7)]]);
      net.setParameters(moved);
      expect(net.parameters().get('4.bias')?.data[0]).toBe(7);
      await wait(200);
      expect(net.parameters().get('4.bias')?.data[0]).toBeGreaterThan(5);
      expect(net.parameters().get('0.weight')?.data).not.toEqual(
        small().parameters().get('0.weight')?.data,
      );
    } finally {
      controller.abort();
      await rm(folder, { recursive: true });
    }
    await ended;
  });

  it.each(backends)('copies the data before it returns on %s', async (backend) => {
    const [plain, emptied] = [small({ backend }), small({ backend })];
    const copy = { x: data.x.clone(), y: data.y.clone() };
    const training = emptied.fit(copy, { ...options, verbose: false });
    copy.x.data.fill(0);
    await training;
    await plain.fit(data, options);
    expect(bits(emptied.parameters())).toBe(bits(plain.parameters()));
  });

  it('names a wrong label before anything is touched, wherever it stands', async () => {
    const wrong = { x: data.x, y: data.y.clone() };
    wrong.y.data[41] = 10;
    const net = small();
    const before = bits(net.parameters());
    await expect(net.fit(wrong, { batchSize: 5 })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('sample 41'),
    });
    expect(bits(net.parameters())).toBe(before);
  });

  it('refuses options that it does not know, wherever they stand', async () => {
    const x = sn.zeros([1, 1, 4, 4]);
    const calls: (() => unknown)[] = [
      () => sn.ops.conv2d(x, sn.zeros([1, 1, 2, 2]), null, { strides: 2 } as object),
      () => sn.ops.maxPool2d(x, { kernelSize: 2, strides: 2 } as never),
      () => sn.layers.conv2d({ filters: 1, kernelSize: 2, strides: 2 } as never),
      () => sn.layers.dense({ units: 1, activations: 'relu' } as never),
      () => sn.sequential({ inputShape: [1], layers: [], seeds: 1 } as never),
      () => sn.optimizers.adam({ lr: 1 } as never),
      () => sn.optimizers.adam(null as never),
      () => sn.ops.conv2d(x, sn.zeros([1, 1, 2, 2]), null, null as never),
      () => sn.ops.flatten(undefined as never),
    ];
    for (const call of calls) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    }
    await expect(small().fit(data, { batchsize: 5 } as never)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining('batchsize'),
    });
  });

  it('says what was meant where arguments stand in the wrong place', async () => {
    const image = sn.zeros([1, 1, 4, 4]);
    const layers = [sn.layers.flatten(), sn.layers.dense({ units: 10 })];
    const stride = { stride: 2 } as never;
    const calls: [call: () => unknown, message: string][] = [
      [() => sn.sequential(...(layers as unknown as [never])), '{ inputShape: […], layers: […] }'],
      [() => sn.sequential(layers as never), '{ inputShape: […], layers: […] }'],
      [() => sn.ops.conv2d(image, image, stride), 'options come after it'],
      [() => sn.ops.convTranspose2d(image, image, stride), 'options come after it'],
      [() => sn.ops.conv1d(sn.zeros([1, 1, 4]), sn.zeros([1, 1, 2]), stride), 'null for none'],
    ];
    for (const [call, message] of calls) {
      expect(call).toThrow(
        expect.objectContaining({
          code: 'ERR_ARGUMENT',
          message: expect.stringContaining(message),
        }),
      );
    }
    const net = sn.sequential({ inputShape: [1, 28, 28], layers });
    await expect(net.fit(data, { frozen: ['0'] })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: '[fit, frozen] layer 0 (flatten) has no parameters',
    });
  });

  it('takes a learning rate that is set after an epoch', async () => {
    const net = small({ backend: 'reference' });
    const optimizer = sn.optimizers.sgd({ learningRate: 0.05 });
    const seen: string[] = [];
    const onEpoch = () => {
      optimizer.learningRate = 0;
      seen.push(bits(net.parameters()));
    };
    const before = bits(net.parameters());
    await net.fit(data, { ...options, optimizer, callbacks: { onEpoch } });
    expect(seen[0]).not.toBe(before);
    expect(seen[1]).toBe(seen[0]);
  });

  it('refuses a second fit at the same time', async () => {
    const net = small();
    const first = net.fit(data, options);
    await expect(net.fit(data, options)).rejects.toMatchObject({ code: 'ERR_BUSY' });
    await first;
  });

  it.each([
    ['no samples', { x: sn.zeros([0, 1, 28, 28]), y: sn.zeros([0], 'int32') }, {}, 'ERR_ARGUMENT'],
    [
      'another image size',
      { x: sn.zeros([2, 1, 27, 28]), y: sn.zeros([2], 'int32') },
      {},
      'ERR_SHAPE',
    ],
    [
      'rows that differ',
      { x: sn.zeros([2, 1, 28, 28]), y: sn.zeros([3], 'int32') },
      {},
      'ERR_SHAPE',
    ],
    ['float labels', { x: sn.zeros([2, 1, 28, 28]), y: sn.zeros([2]) }, {}, 'ERR_DTYPE'],
    [
      'another dtype',
      { x: sn.zeros([2, 1, 28, 28], 'float64'), y: sn.zeros([2], 'int32') },
      {},
      'ERR_DTYPE',
    ],
    [
      'a label out of range',
      { x: sn.zeros([2, 1, 28, 28]), y: sn.tensor([3, 10], [2], 'int32') },
      {},
      'ERR_ARGUMENT',
    ],
    ['half an epoch', data, { epochs: 0.5 }, 'ERR_ARGUMENT'],
    ['batch size 0', data, { batchSize: 0 }, 'ERR_ARGUMENT'],
    ['a seed that is none', data, { seed: -1 }, 'ERR_ARGUMENT'],
    [
      'an optimizer that is none',
      data,
      { optimizer: 'adam' as unknown as undefined },
      'ERR_ARGUMENT',
    ],
  ] as const)('refuses %s', async (_, set, settings, code) => {
    for (const backend of backends) {
      const net = small({ backend });
      const before = bits(net.parameters());
      await expect(net.fit(set, settings as object)).rejects.toMatchObject({ code });
      expect(bits(net.parameters())).toBe(before);
    }
  });

  it('refuses parameters that do not fit, replacing none', () => {
    const net = small();
    const before = bits(net.parameters());
    const good = sn.zeros([5, 1, 5, 5]);
    const bad = [
      new Map([
        ['0.weight', good],
        ['9.weight', good],
      ]),
      new Map([
        ['0.weight', good],
        ['0.bias', sn.zeros([4])],
      ]),
      new Map([['0.weight', sn.zeros([5, 1, 5, 5], 'float64')]]),
      new Map([['0.num_batches_tracked', sn.zeros([])]]),
    ];
    for (const values of bad)
      expect(() => net.setParameters(values as never)).toThrow(sn.StridenetError);
    expect(bits(net.parameters())).toBe(before);
  });
});
