import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { networkOf, scaled } from './support/customLayers.ts';
import { backends, bits, digits } from './support/networks.ts';
import { thrownBy } from './support/ownOperators.ts';

const { layers, ops } = sn;

function refused(
  forward: (x: sn.Variable, parameters: object, context: sn.layers.CustomContext) => unknown,
): sn.StridenetError {
  const layer = layers.custom(forward as sn.layers.CustomForward<never>, { title: 'mine' });
  return thrownBy(() => networkOf([layers.flatten(), layer]));
}

describe.each(backends)('a custom layer on %s', (on) => {
  it('is the same network as the layer that it copies', async () => {
    const parameters = {
      weight: { shape: [10, 784] },
      bias: { shape: [10], initializer: sn.initializers.zeros() },
    };
    const own = layers.custom((x, { weight, bias }) => ops.linear(x, weight, bias), { parameters });
    const [a, b] = [own, layers.dense({ units: 10 })].map((last) =>
      sn.sequential({
        ...{ inputShape: [1, 28, 28], backend: on, seed: 5 },
        layers: [layers.flatten(), last],
      }),
    ) as [sn.Network, sn.Network];
    expect(bits(a.parameters())).toBe(bits(b.parameters()));
    const data = digits(60, 1);
    const settings = { epochs: 2, batchSize: 16, optimizer: sn.optimizers.adam() };
    const [one, other] = [await a.fit(data, settings), await b.fit(data, settings)];
    expect(one.epochs.map(({ loss }) => loss)).toEqual(other.epochs.map(({ loss }) => loss));
    expect(bits(a.parameters())).toBe(bits(b.parameters()));
    expect((await a.predict(data.x)).data).toEqual((await b.predict(data.x)).data);
    const [, row] = a.layers();
    expect(row).toMatchObject({ name: '1 (custom)', parameters: 7850, multiplyAdds: 7840 });
  });

  it('learns within residual blocks and branches, each place with values of its own', async () => {
    const net = networkOf(
      [
        layers.residual({ layers: [scaled({ name: 'inner' })], activation: 'relu' }),
        layers.branches({ branches: [[scaled()], [scaled({ trainable: false })]] }),
        layers.flatten(),
        layers.dense({ units: 2, activation: 'softmax' }),
      ],
      { backend: on, dtype: 'float64' },
    );
    const keys = ['0.body.inner.scale', '1.0.0.scale', '1.1.0.scale'];
    expect([...net.parameters().keys()].slice(0, 3)).toEqual(keys);
    expect(net.summary()).toContain("body.0 (scaled 'inner')");
    const x = sn.zeros([6, 2, 4, 4], 'float64');
    x.data.forEach((_, i) => {
      x.data[i] = Math.sin(i + 1);
    });
    expect(sn.gradientCheck(net, [x], { backend: on }).maxError).toBeLessThan(1e-7);
    const before = net.parameters();
    await net.fit({ x, y: sn.tensor(Int32Array.of(0, 1, 0, 1, 0, 1)) }, { epochs: 1 });
    const moved = keys.map(
      (key) => net.parameters().get(key)?.data[0] !== before.get(key)?.data[0],
    );
    expect(moved).toEqual([true, true, false]);
  });

  it('knows the step, the seed and its place, and updates its states in training alone', async () => {
    const seen = new Set<string>();
    const counter = layers.custom(
      (x, { steps, held }, { training, step, seed, key, update, holds }) => {
        seen.add(`${training} ${seed} ${key} ${holds('held')}`);
        update('steps', sn.full([1], 7));
        if (training) update('steps', ops.mul(ops.add(steps, 1), 1));
        update('held', ops.add(held, 1));
        return ops.dropout(x, { rate: training ? 0.5 : 0, seed, step, stream: key });
      },
      {
        parameters: {
          steps: { shape: [1], state: true },
          held: { shape: [], state: true, trainable: false },
        },
      },
    );
    const net = sn.sequential({
      ...{ inputShape: [3], backend: on },
      layers: [counter, layers.dense({ units: 2, activation: 'softmax' })],
    });
    const data = { x: sn.full([5, 3], 1), y: sn.tensor(Int32Array.of(0, 1, 0, 1, 0)) };
    await net.predict(data.x);
    expect(net.parameters().get('0.steps')?.data).toEqual(Float32Array.of(0));
    await net.fit(data, { epochs: 3, batchSize: 2, seed: 4 });
    expect(net.parameters().get('0.steps')?.data).toEqual(Float32Array.of(9));
    expect(net.parameters().get('0.held')?.data).toEqual(Float32Array.of(0));
    expect(net.layers()[0]?.parameters).toBe(0);
    expect([...seen]).toEqual(expect.arrayContaining(['false 0  false', 'true 4 0 true']));
  });

  it('keeps a state that the output is made of when the step is refused', async () => {
    const averaging = layers.custom(
      (x, { running }, { update }) => {
        const next = ops.add(ops.mul(running, 0.9), ops.mean(x, { axis: 0 }));
        update('running', next);
        return ops.sub(x, next);
      },
      { parameters: { running: { shape: [3], state: true } } },
    );
    const net = sn.sequential({
      ...{ inputShape: [3], backend: on },
      layers: [averaging, layers.dense({ units: 2 })],
    });
    const y = sn.zeros([4, 2]);
    const of = (value: number) => ({ x: sn.full([4, 3], value), y });
    const options = { epochs: 1, loss: sn.losses.squaredError() };
    await net.fit(of(2), options);
    const before = bits(net.parameters());
    expect(net.parameters().get('0.running')?.data).toEqual(Float32Array.of(2, 2, 2));
    await expect(net.fit(of(Number.NaN), options)).rejects.toMatchObject({
      code: 'ERR_NON_FINITE',
    });
    expect(bits(net.parameters())).toBe(before);
  });

  it('takes an optimizer of its own, and one for a parameter', async () => {
    const still = sn.optimizers.sgd({ learningRate: 0 });
    const net = networkOf(
      [
        layers.custom((x, { a, b, c }) => ops.add(ops.mul(x, a), ops.mul(b, c)), {
          optimizer: still,
          parameters: {
            a: { shape: [1], initializer: sn.initializers.ones() },
            b: { shape: [1], initializer: sn.initializers.ones(), optimizer: sn.optimizers.sgd() },
            c: { shape: [1], initializer: sn.initializers.ones(), trainable: false },
          },
        }),
      ],
      { inputShape: [1], backend: on },
    );
    const data = { x: sn.full([4, 1], 1), y: sn.full([4, 1], 0) };
    await net.fit(data, { epochs: 1, loss: sn.losses.squaredError() });
    const values = [...net.parameters().values()].map(({ data }) => data[0]);
    expect(values).toEqual([1, Math.fround(1 - 0.01 * 4), 1]);
  });
});

describe('a custom layer', () => {
  it('is a function of its parameters for a network that is applied', () => {
    const net = networkOf([scaled()], { dtype: 'float64' });
    const x = sn.full([1, 2, 4, 4], 1, 'float64');
    const sum = (scale: sn.Variable): sn.Variable =>
      ops.sum(net.apply(x, new Map([['0.scale', scale]])) as sn.Variable);
    const [gradient] = sn.grad(sum)(sn.full([2, 1, 1], 1, 'float64'));
    const each = 16 / (1 + Math.exp(-1));
    expect(gradient?.data[1]).toBeCloseTo(each, 12);
    expect((net.apply(x) as sn.Tensor).shape).toEqual([1, 2, 4, 4]);
  });

  it('draws each parameter as its shape asks for', () => {
    const seen: sn.initializers.Fan[] = [];
    const initializer = {
      ...{ kind: 'mine', options: {} },
      draw: (fan: sn.initializers.Fan) => seen.push(fan),
    };
    const layer = layers.custom((x) => x, {
      parameters: {
        filters: { shape: [6, 2, 3, 3], initializer },
        own: { shape: [1], initializer, fan: { fanIn: 7, fanOut: 8 } },
        offset: { shape: [3] },
        table: { shape: [300, 3] },
        mean: { shape: [2, 2], state: true },
      },
    });
    const values = networkOf([layer]).parameters();
    expect(seen[0]).toEqual({ fanIn: 18, fanOut: 54 });
    expect(seen.at(-1)).toEqual({ fanIn: 7, fanOut: 8 });
    expect([...(values.get('0.offset')?.data ?? [])]).toEqual([0, 0, 0]);
    expect([...(values.get('0.mean')?.data ?? [])]).toEqual([0, 0, 0, 0]);
    const table = [...(values.get('0.table')?.data ?? [])];
    const variance = table.reduce((sum, value) => sum + value ** 2, 0) / table.length;
    expect(Math.abs(variance / (2 / 3) - 1)).toBeLessThan(0.2);
  });

  it('has constants in the dtype of its network, within other layers too', async () => {
    const add = (dtype: sn.DType): sn.Layer =>
      layers.custom((x) => ops.add(x, sn.full([2, 1, 1], 3, dtype)));
    const nested = (layer: sn.Layer): sn.Layer[] => [
      layers.sequential({ layers: [layer] }),
      layers.residual({ layers: [layer], shortcut: [layer] }),
      layers.branches({ branches: [[layer], [layer]], merge: 'add' }),
    ];
    for (const [dtype, other] of [
      ['float64', 'float32'],
      ['float32', 'float64'],
    ] as const) {
      const net = networkOf(nested(add(dtype)), { dtype });
      const [y] = (await net.predict(sn.full([1, 2, 4, 4], 1, dtype))).data;
      expect(y).toBe(2 * (2 * (1 + 3 + 3) + 3));
      for (const layer of [add(other), ...nested(add(other))]) {
        expect(thrownBy(() => networkOf([layer], { dtype })).code).toBe('ERR_DTYPE');
      }
    }
  });

  it('gives types to its parameters', () => {
    layers.custom(
      (x, parameters) => {
        // @ts-expect-error: no such parameter
        void parameters.weigth;
        return ops.mul(x, parameters.weight);
      },
      { parameters: { weight: { shape: [1] } } },
    );
  });
});

describe('what a custom layer refuses', () => {
  const label = 'layer 1 (mine), whose input is (32)';

  it.each([
    ['no value', () => undefined],
    ['a number', () => 5],
    ['a list', (x: sn.Variable) => [x]],
    ['a promise', async (x: sn.Variable) => x],
  ])('%s', (_, forward) => {
    const { code, message } = refused(forward);
    expect(code).toBe('ERR_ARGUMENT');
    expect(message).toContain(
      `${label}: [custom 'mine'] expected the result of forward to be a value`,
    );
  });

  it('a function that throws, with the cause', () => {
    const cause = new TypeError('no such thing');
    const error = refused(() => {
      throw cause;
    });
    expect(error.code).toBe('ERR_ARGUMENT');
    expect(error.message).toContain(`${label}: [custom 'mine'] forward threw TypeError: no such`);
    expect((error.cause as Error).cause).toBe(cause);
  });

  it('operands that do not fit, in the words of the operator', () => {
    const { code, message } = refused((x) => ops.add(x, sn.zeros([5])));
    expect(code).toBe('ERR_SHAPE');
    expect(message).toContain(`${label}: [add]`);
  });

  it('values of another trace, as a result and as an operand', () => {
    const over = sn.trace((x) => x as sn.Variable, { shape: [1, 32], dtype: 'float32' });
    const foreign = over.outputs[0] as sn.Variable;
    for (const forward of [() => foreign, (x: sn.Variable) => ops.mul(x, foreign)]) {
      const { code, message } = refused(forward);
      expect(code).toBe('ERR_ARGUMENT');
      expect(message).toContain(label);
      expect(message).toContain('another trace');
    }
  });

  it.each([
    ['a sum over the batch', (x: sn.Variable) => ops.sum(x, { axis: 0, keepDims: true })],
    ['one number', (x: sn.Variable) => ops.sum(x)],
    ['a constant', () => sn.zeros([1, 32])],
    ['one sample less', (x: sn.Variable) => ops.sum(x, { axis: 0 })],
  ])('an output without the batch: %s', (_, forward) => {
    const { code, message } = refused(forward);
    expect(code).toBe('ERR_SHAPE');
    expect(message).toContain(`${label}: [custom 'mine'] forward must keep the batch, axis 0`);
    expect(message).toContain('(1, 32)');
  });

  it('an output of another dtype', () => {
    const { code, message } = refused((x) => ops.argmax(x, { axis: 1 }));
    expect(code).toBe('ERR_DTYPE');
    expect(message).toContain(`${label}: [custom 'mine'] forward must give float32`);
  });

  it('an output of another shape than before', async () => {
    let width = 3;
    const layer = layers.custom((x) => ops.linear(x, sn.zeros([width, 32])), { title: 'mine' });
    const net = networkOf([layers.flatten(), layer]);
    width = 4;
    const error = await net.predict(sn.zeros([2, 2, 4, 4])).catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_SHAPE' });
    expect(error.message).toContain(
      `${label}: [custom 'mine'] forward gives samples of (4) but gave (3)`,
    );
  });

  it('a shape that does not fit its residual block', () => {
    const layer = layers.custom((x) => ops.linear(x, sn.zeros([3, 32])), { title: 'mine' });
    const { code, message } = thrownBy(() =>
      networkOf([layers.flatten(), layers.residual({ layers: [layer] })]),
    );
    expect(code).toBe('ERR_SHAPE');
    expect(message).toContain('layer 1 (residual), whose input is (32): [residual]');
    expect(message).toContain('(3)');
  });

  it('parameters without a shape for the input', () => {
    const wrong = [() => [-1], () => 5, () => [1.5]] as unknown as (() => number[])[];
    for (const shape of wrong) {
      const layer = layers.custom((x) => x, { title: 'mine', parameters: { weight: { shape } } });
      const { code, message } = thrownBy(() => networkOf([layer]));
      expect(['ERR_SHAPE', 'ERR_ARGUMENT']).toContain(code);
      expect(message).toContain("layer 0 (mine), whose input is (2, 4, 4): [custom 'mine', par");
      expect(message).toContain('parameters.weight, shape]');
    }
    const shape = () => {
      throw new RangeError('too odd');
    };
    const layer = layers.custom((x) => x, { parameters: { weight: { shape } } });
    const { message } = thrownBy(() => networkOf([layer]));
    expect(message).toContain('[custom, parameters.weight] shape threw RangeError: too odd');
    const negative = { weight: { shape: [-1] } };
    const error = thrownBy(() => layers.custom((x) => x, { parameters: negative }));
    expect(error).toMatchObject({ code: 'ERR_SHAPE' });
    expect(error.message).toContain('parameters.weight');
    const own = { weight: { shape: [1], state: true, optimizer: sn.optimizers.sgd() } };
    expect(thrownBy(() => layers.custom((x) => x, { parameters: own })).message).toContain('state');
  });

  it.each([
    ['an unknown state', 'other', sn.zeros([2]), 'ERR_ARGUMENT'],
    ['a parameter', 'weight', sn.zeros([2]), 'ERR_ARGUMENT'],
    ['another shape', 'mean', sn.zeros([3]), 'ERR_SHAPE'],
    ['another dtype', 'mean', sn.zeros([2], 'float64'), 'ERR_DTYPE'],
    ['no value', 'mean', undefined, 'ERR_ARGUMENT'],
  ])('an update of %s', (_, name, value, code) => {
    const layer = layers.custom(
      (x, __, { update }) => {
        update(name, value as sn.Tensor);
        return x;
      },
      { title: 'mine', parameters: { weight: { shape: [2] }, mean: { shape: [2], state: true } } },
    );
    const error = thrownBy(() => networkOf([layer]));
    expect(error.code).toBe(code);
    expect(error.message).toContain("layer 0 (mine), whose input is (2, 4, 4): [custom 'mine']");
    expect(error.message).toContain(name);
  });

  it('an update by the samples themselves', () => {
    const layer = layers.custom(
      (x, __, { update }) => {
        update('last', x);
        return x;
      },
      { title: 'mine', parameters: { last: { shape: [1, 2, 4, 4], state: true } } },
    );
    const { code, message } = thrownBy(() => networkOf([layer]));
    expect(code).toBe('ERR_SHAPE');
    expect(message).toContain(
      'state last is (1, 2, 4, 4) but its update is (1, 2, 4, 4), of which',
    );
  });

  it('a layer within itself', () => {
    const inside: { net?: sn.Network } = {};
    const layer = layers.custom((x) => (inside.net?.apply(x) ?? x) as sn.Variable);
    inside.net = networkOf([layer]);
    const { code, message } = thrownBy(() => inside.net?.apply(sn.zeros([1, 2, 4, 4])));
    expect(code).toBe('ERR_ARGUMENT');
    expect(message).toContain('[custom] forward calls itself');
  });

  it('what is no function', () => {
    for (const wrong of [undefined, 5, {}, layers.flatten()]) {
      const error = thrownBy(() => layers.custom(wrong as never));
      expect(error).toMatchObject({ code: 'ERR_ARGUMENT' });
      expect(error.message).toContain('[custom] expected forward');
    }
  });
});
