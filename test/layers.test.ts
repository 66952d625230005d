import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Architecture } from '../lib/train/architecture.ts';
import { backends, bits, digits, relativeDistance } from './support/networks.ts';

const { layers } = sn;

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stridenet-'));
});
afterAll(() => rm(folder, { recursive: true }));

function code(expected: sn.ErrorCode): unknown {
  return expect.objectContaining({ code: expected });
}

/** A stem, a residual block with a shortcut, one without, and a nested head that ends in softmax. */
function nested(options: Partial<sn.SequentialOptions> = {}): sn.Network {
  const conv = (filters: number, stride = 1): sn.layers.Layer =>
    layers.conv2d({ filters, kernelSize: 3, stride, padding: 1 });
  return sn.sequential({
    inputShape: [1, 28, 28],
    seed: 4,
    ...options,
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 5, stride: 4, activation: 'relu', name: 'stem' }),
      layers.residual({
        layers: [conv(5, 2), layers.activation('relu'), conv(5)],
        shortcut: [layers.conv2d({ filters: 5, kernelSize: 1, stride: 2, bias: false })],
        activation: 'relu',
      }),
      layers.residual({ layers: [conv(5), layers.activation('relu')] }),
      layers.sequential({
        layers: [
          layers.flatten(),
          layers.sequential({ layers: [layers.dense({ units: 10, activation: 'softmax' })] }),
        ],
        name: 'head',
      }),
    ],
  });
}

const keys = [
  ...['stem.weight', 'stem.bias'],
  ...['1.body.0.weight', '1.body.0.bias', '1.body.2.weight', '1.body.2.bias'],
  ...['1.shortcut.0.weight', '2.body.0.weight', '2.body.0.bias'],
  ...['head.1.0.weight', 'head.1.0.bias'],
];

describe('nested layers', () => {
  it('put their place before the names of their parameters', () => {
    expect([...nested().parameters().keys()]).toEqual(keys);
  });

  it('are listed in the summary under the layer that they are part of', () => {
    const net = nested({ backend: 'reference' });
    const rows = net.layers();
    expect(rows.map(({ outputShape }) => outputShape)).toEqual([
      [3, 6, 6],
      [5, 3, 3],
      [5, 3, 3],
      [10],
    ]);
    const [, first] = rows;
    expect(first?.layers.map(({ name }) => name)).toEqual([
      'body.0 (conv2d)',
      'body.1 (activation)',
      'body.2 (conv2d)',
      'shortcut.0 (conv2d)',
    ]);
    const within = first?.layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0);
    expect(first?.multiplyAdds).toBe(within);
    expect(first?.multiplyAdds).toBe(9 * 5 * (27 + 45 + 3));
    expect(first?.parameters).toBe(5 * 28 + 5 * 46 + 15);
    expect(first?.parameterBytes).toBe(4 * (first?.parameters ?? 0));
    // Four inner outputs of 45 values and their sum.
    expect(first?.activationBytes).toBe(4 * 5 * 45);
    // The head: flatten takes no memory, sequences have none of their own.
    expect(rows[3]?.activationBytes).toBe(40);
    expect(net.summary()).toMatch(/\n {2}body\.0 \(conv2d\) +\(5, 3, 3\) +140 /);
  });

  it.each(backends)('train, and fold a softmax at the end into the loss on %s', async (backend) => {
    const net = nested({ backend, dtype: 'float64' });
    const data = digits(30, 3);
    const { loss } = await net.evaluate(data);
    const probabilities = await net.predict(data.x);
    const mean = Array.from(data.y.data, (label, n) =>
      Math.log(probabilities.data[n * 10 + label] as number),
    ).reduce((sum, value) => sum - value / 30, 0);
    expect(loss).toBeCloseTo(mean, 12);
    await net.fit(data, { epochs: 4, batchSize: 10, optimizer: sn.optimizers.adam(0.01) });
    expect((await net.evaluate(data)).loss).toBeLessThan(0.9 * loss);
  });

  it.runIf(backends.length > 1)('train alike on both backends', async () => {
    const data = digits(40, 3);
    const [native, reference] = await Promise.all(
      (['native', 'reference'] as const).map(async (backend) => {
        const net = nested({ backend, dtype: 'float64' });
        await net.fit(data, { epochs: 2, batchSize: 8 });
        return net.parameters();
      }),
    );
    for (const key of keys) {
      const distance = relativeDistance(
        native?.get(key) as sn.Tensor,
        reference?.get(key) as sn.Tensor,
      );
      expect(distance, key).toBeLessThanOrEqual(1e-11);
    }
  });

  it('come back from a file', async () => {
    const path = join(folder, 'nested.safetensors');
    const net = nested({ backend: 'reference' });
    await net.save(path);
    const loaded = await sn.load(path, { backend: 'reference' });
    expect(loaded.summary()).toBe(net.summary());
    expect(bits(loaded.parameters())).toBe(bits(net.parameters()));
    const { x } = digits(3, 1);
    expect((await loaded.predict(x)).data).toEqual((await net.predict(x)).data);
  });

  it('name the place of a layer that does not fit, and both shapes of a sum', () => {
    const build = (inner: sn.layers.Layer): (() => unknown) => {
      return () => sn.sequential({ inputShape: [2, 6, 6], layers: [inner] });
    };
    const narrow = layers.conv2d({ filters: 2, kernelSize: 3 });
    expect(build(layers.residual({ layers: [narrow] }))).toThrow(code('ERR_SHAPE'));
    expect(build(layers.residual({ layers: [narrow] }))).toThrow(
      /layer 0 \(residual\).*\(2, 4, 4\).*\(2, 6, 6\)/,
    );
    expect(build(layers.sequential({ layers: [layers.dense({ units: 1 })] }))).toThrow(
      /layer 0 \(sequential\).*layer 0 \(dense\).*flatten/,
    );
    const apart = [[narrow], []];
    expect(build(layers.branches({ branches: apart }))).toThrow(
      /layer 0 \(branches\).*channels alone but is \(2, 4, 4\), \(2, 6, 6\)/,
    );
    expect(build(layers.branches({ branches: apart, merge: 'add' }))).toThrow(code('ERR_SHAPE'));
    for (const wrong of [{ branches: [] }, { branches: [5] }, { branches: apart, merge: 'mul' }]) {
      expect(() => layers.branches(wrong as never)).toThrow(code('ERR_ARGUMENT'));
    }
    const twice = [layers.flatten({ name: 'a' }), layers.flatten({ name: 'a' })];
    expect(() => layers.sequential({ layers: twice })).toThrow(code('ERR_ARGUMENT'));
    expect(() => layers.residual({ layers: [5 as never] })).toThrow(code('ERR_ARGUMENT'));
    const named = { layers: [layers.flatten({ name: 'same' })], shortcutName: 'same' };
    expect(() => layers.residual({ ...named, bodyName: null })).toThrow(code('ERR_ARGUMENT'));
    expect(() => layers.residual({ ...named, bodyName: 'same' })).toThrow(code('ERR_ARGUMENT'));
    expect(() => layers.residual(named)).not.toThrow();
  });
});

describe('parameters that stay', () => {
  const data = digits(20, 5);
  const moved = (before: Map<string, sn.Tensor>, after: Map<string, sn.Tensor>): string[] =>
    [...before.keys()].filter(
      (key) => relativeDistance(after.get(key) as sn.Tensor, before.get(key) as sn.Tensor) > 0,
    );

  it.each(backends)('frozen by key, by layer and by place on %s', async (backend) => {
    const net = nested({ backend });
    const before = net.parameters();
    const frozen = ['stem', '1.body.2.weight', '1.shortcut', 'head.1.0.bias'];
    await net.fit(data, { batchSize: 10, frozen });
    expect(moved(before, net.parameters())).toEqual([
      ...['1.body.0.weight', '1.body.0.bias', '1.body.2.bias'],
      ...['2.body.0.weight', '2.body.0.bias', 'head.1.0.weight'],
    ]);
  });

  it.each(backends)('of layers with trainable: false, nested ones too, on %s', async (backend) => {
    const dense = (trainable: boolean): sn.layers.Layer =>
      layers.dense({ units: 10, trainable, activation: 'relu' });
    const net = sn.sequential({
      inputShape: [1, 28, 28],
      backend,
      layers: [
        layers.flatten(),
        layers.sequential({ layers: [dense(true)], trainable: false }),
        dense(false),
        dense(true),
      ],
    });
    const before = net.parameters();
    await net.fit(data, { batchSize: 10 });
    expect(moved(before, net.parameters()).map((key) => key[0])).toEqual(['3', '3']);
  });

  it('are refused when they are all that training could change', async () => {
    const net = sn.sequential({
      inputShape: [1, 28, 28],
      layers: [
        layers.flatten(),
        layers.dense({ units: 5, trainable: false }),
        layers.batchNorm({ name: 'norm' }),
        layers.dense({ units: 10, name: 'head' }),
      ],
    });
    const before = bits(net.parameters());
    await expect(net.fit(data, { frozen: ['norm', 'head'] })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringMatching(/^\[fit, frozen\] frozen and .*nothing is left to train$/),
    });
    expect(bits(net.parameters())).toBe(before);
    // Statistics are something.
    const frozen = ['norm.weight', 'norm.bias', 'head'];
    const start = net.parameters();
    await net.fit(data, { frozen });
    expect(moved(start, net.parameters())).toEqual(['norm.running_mean', 'norm.running_var']);
  });

  it('are refused when no layer is trainable, but a network may have no parameters', async () => {
    const of = (trainable: boolean, ...more: sn.Layer[]): sn.Network =>
      sn.sequential({
        inputShape: [1, 28, 28],
        layers: [layers.flatten(), ...more, layers.dense({ units: 10, trainable })],
      });
    const held = of(false, layers.batchNorm({ trainable: false }));
    await expect(held.fit(data)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringMatching(/^\[fit\] trainable: false .*nothing is left to train$/),
    });
    await of(true).fit(data);
    // Statistics are something.
    await of(false, layers.batchNorm()).fit(data);
    const bare = sn.sequential({
      inputShape: [1, 28, 28],
      layers: [layers.maxPool2d({ kernelSize: 14 }), layers.flatten()],
    });
    expect(
      (await bare.fit({ x: data.x, y: sn.zeros([data.x.shape[0] as number], 'int32') })).epochs,
    ).toHaveLength(1);
  });

  it('are refused when nothing has that key', async () => {
    const net = nested({ backend: 'reference' });
    const before = bits(net.parameters());
    for (const frozen of [['0.weight'], ['stem.weigh'], ['stem.'], 'stem']) {
      await expect(net.fit(data, { frozen: frozen as string[] })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT',
      });
    }
    expect(bits(net.parameters())).toBe(before);
  });
});

describe('weight decay', () => {
  it.each(['adamW', 'sgd', 'rmsprop', 'adagrad'] as const)(
    'leaves out what %s names in noDecay',
    async (rule) => {
      const data = digits(20, 6);
      const run = async (
        weightDecay: number,
        noDecay: string[],
      ): Promise<Map<string, sn.Tensor>> => {
        const net = sn.sequential({
          inputShape: [1, 28, 28],
          backend: 'reference',
          layers: [
            layers.flatten(),
            layers.dense({ units: 4, biasInitializer: sn.initializers.constant(0.5) }),
            layers.dense({ units: 10, biasInitializer: sn.initializers.constant(0.5) }),
          ],
        });
        const optimizer = sn.optimizers[rule]({ learningRate: 0.01, weightDecay, noDecay });
        await net.fit(data, { batchSize: 20, optimizer });
        return net.parameters();
      };
      const plain = await run(0, []);
      const decayed = await run(0.1, ['bias', '1.weight']);
      for (const [key, value] of plain) {
        const distance = relativeDistance(decayed.get(key) as sn.Tensor, value);
        if (key === '2.weight') expect(distance).toBeGreaterThan(1e-4);
        else expect(distance, key).toBe(0);
      }
      const byLayer = await run(0.1, ['2', '1.weight', '1.bias']);
      expect(bits(byLayer)).toBe(bits(plain));
      for (const wrong of ['3.weight', 'bais', '3', 'weigh', '']) {
        await expect(run(0.1, [wrong])).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
      }
      expect(() => sn.optimizers[rule]({ noDecay: 'bias' as never })).toThrow(code('ERR_ARGUMENT'));
    },
  );
});

describe('noDecay of the optimizer of a layer', () => {
  it.each([
    ['trained', true],
    ['untrained', false],
  ])('is checked too, in a layer that is %s', async (_, trainable) => {
    const run = (noDecay: string[]): Promise<unknown> => {
      const optimizer = sn.optimizers.adamW({ noDecay });
      const dense = layers.dense({ units: 10, name: 'head', optimizer, trainable });
      const before = [layers.flatten(), layers.dense({ units: 4 })];
      const net = sn.sequential({ inputShape: [1, 28, 28], layers: [...before, dense] });
      return net.fit(digits(4, 6));
    };
    await expect(run(['head'])).resolves.toBeDefined();
    await expect(run(['haed'])).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining("'haed'"),
    });
  });
});

describe.each(backends)('slots on %s', (backend) => {
  const data = digits(20, 6, 'float64');
  const step = async (optimizer: sn.Optimizer): Promise<Float64Array> => {
    const net = sn.sequential({
      inputShape: [1, 28, 28],
      dtype: 'float64',
      backend,
      layers: [layers.flatten(), layers.dense({ units: 10 })],
    });
    const before = net.parameters().get('1.weight') as sn.Tensor;
    await net.fit(data, { batchSize: 20, optimizer });
    const after = net.parameters().get('1.weight') as sn.Tensor;
    return Float64Array.from(after.data, (value, i) => value - (before.data[i] as number));
  };

  it('start from what the optimizer says', async () => {
    const gradient = (await step(sn.optimizers.sgd(1))).map((change) => -change);
    const settings = { learningRate: 0.1, epsilon: 0 };
    const changes = await step(
      sn.optimizers.adagrad({ ...settings, initialAccumulatorValue: 0.5 }),
    );
    gradient.forEach((g, i) => {
      expect(Math.abs((changes[i] as number) + (0.1 * g) / Math.sqrt(0.5 + g * g))).toBeLessThan(
        1e-14,
      );
    });
  });
});

describe('activations', () => {
  it.each<[string, () => unknown]>([
    ['a name that is none', () => layers.activation('reLU' as never)],
    ['no name', () => layers.activation(undefined as never)],
    [
      'a name of Object.prototype',
      () => layers.dense({ units: 1, activation: 'toString' as never }),
    ],
    ['an option of another', () => layers.activation('relu', { axis: 1 } as never)],
    ['a slope that is none', () => layers.activation('leakyRelu', { negativeSlope: '1' as never })],
    ['a misspelt option', () => layers.activation('softmax', { axes: 1 } as never)],
    ['an option out of range', () => layers.activation('softmax', { axis: 9 })],
    ['options that are none', () => layers.activation('relu', 5 as never)],
    ['null as options', () => layers.activation('relu', null as never)],
  ])('refuse %s', (_, call) => {
    expect(call).toThrow(code('ERR_ARGUMENT'));
  });

  it('of convolution and dense layers have the same names', () => {
    for (const name of ['leakyRelu', 'gelu', 'tanh'] as const) {
      const x = sn.tensor([-2, -0.5, 0.25, 3], [1, 4], 'float64');
      const run = (list: sn.layers.Layer[]): number[] => {
        const net = sn.sequential({ inputShape: [4], layers: list, dtype: 'float64', seed: 1 });
        return [...(net.apply(x) as sn.Tensor).data];
      };
      const apart = [layers.dense({ units: 3 }), layers.activation(name)];
      expect(run([layers.dense({ units: 3, activation: name })])).toEqual(run(apart));
    }
  });

  it('a final softmax is left to the loss over classes, not over channels of images', () => {
    const logitsOf = (axis: number | undefined, input: readonly number[]): sn.Tensor => {
      const softmax = layers.activation('softmax', axis === undefined ? {} : { axis });
      const net = new Architecture(input, [softmax], 'float32');
      const x = sn.tensor([1, 2, 3, 4, 5, 6], [1, ...input]);
      return net.forward(x as never, new Map(), { logits: 'softmax' }) as never;
    };
    const kept = [1, 2, 3, 4, 5, 6];
    for (const axis of [undefined, -1, 1]) expect([...logitsOf(axis, [6]).data]).toEqual(kept);
    expect([...logitsOf(1, [3, 1, 2]).data]).not.toEqual(kept);
    expect([...logitsOf(2, [3, 1, 2]).data]).not.toEqual(kept);
  });
});
