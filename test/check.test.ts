import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { apply, type Operand } from '../lib/ops/operator.ts';
import { reluOperator } from '../lib/ops/relu.ts';
import { Generator } from '../lib/random.ts';
import { backends, digits, small } from './support/networks.ts';

function code(expected: sn.ErrorCode): unknown {
  return expect.objectContaining({ code: expected });
}

describe('B4: gradientCheck', () => {
  // Away from kinks: no patch is constant, no window has a tie.
  const x = sn.zeros([2, 1, 28, 28], 'float64');
  new Generator(1).permutation(x.size).forEach((place, i) => {
    x.data[i] = place / x.size;
  });

  it.each(backends)('checks a whole network with its own parameters on %s', (backend) => {
    const net = small({ dtype: 'float64', backend: 'reference' });
    const { maxError, worst } = sn.gradientCheck(net, [x], { backend, samples: 20 });
    expect(maxError, JSON.stringify(worst)).toBeLessThan(1e-6);
  });

  it.each(backends)('checks losses on %s', (backend) => {
    const predictions = sn.tensor([0.3, -1, 2, 0.1, 0.2, -0.4], [2, 3], 'float64');
    const labels = sn.tensor([2, 0], [2], 'int32');
    const targets = sn.tensor([1, 0, 0, 0.2, 0.3, 0.5], [2, 3], 'float64');
    for (const [loss, y] of [
      [sn.losses.softmaxCrossEntropy(), labels],
      [sn.losses.softmaxCrossEntropy(), targets],
      [sn.losses.softmaxCrossEntropy({ labelSmoothing: 0.1, classWeights: [1, 2, 3] }), labels],
      [sn.losses.squaredError(), targets],
      [sn.losses.absoluteError(), targets],
      [sn.losses.huber({ delta: 0.75 }), targets],
      [sn.losses.binaryCrossEntropy(), targets],
    ] as const) {
      const { maxError, worst } = sn.gradientCheck(loss, [predictions, y], { backend });
      expect(maxError, `${loss.kind} ${JSON.stringify(worst)}`).toBeLessThan(1e-8);
      expect(worst?.name).toBe('predictions');
    }
  });

  it('reports the worst entry by parameter and index', () => {
    // ReLU whose gradient is wrong above 5 alone: of one weight.
    const minusFive = sn.full([2, 1, 2, 2], -5, 'float64');
    const wrong: typeof reluOperator = {
      ...reluOperator,
      gradient({ gradients: [dy], inputs: [v] }) {
        const extra = sn.ops.relu(sn.ops.add(v as Operand, minusFive));
        return [sn.ops.add(dy as Operand, extra)];
      },
    };
    const right = sn.layers.conv2d({ filters: 2, kernelSize: 2, bias: false });
    const layer: sn.layers.Layer = {
      ...right,
      forward: (v, { weight }, context) =>
        right.forward(v, { weight: apply(wrong, [weight as Operand], {}) }, context),
    };
    const net = sn.sequential({
      ...{ inputShape: [1, 2, 2], dtype: 'float64', backend: 'reference', layers: [layer] },
    });
    const weight = sn.tensor([1, 1, 1, 1, 1, 1, 8, 1], [2, 1, 2, 2], 'float64');
    net.setParameters(new Map([['0.weight', weight]]));
    const image = sn.full([1, 1, 2, 2], 1, 'float64');
    const { worst } = sn.gradientCheck(net, [image], { backend: 'reference' });
    expect(worst).toMatchObject({ name: '0.weight', index: [1, 0, 1, 0] });
  });

  it('refuses what is none of them', () => {
    const dense = sn.layers.dense({ units: 1 });
    const one = sn.zeros([1, 2], 'float64');
    for (const call of [
      () => sn.gradientCheck(5 as never, [one]),
      () => sn.gradientCheck(dense, [one, one]),
      () => sn.gradientCheck(dense, [one], { sample: 3 } as never),
      () => sn.gradientCheck(dense, [1] as never),
      () => sn.gradientCheck(small({ backend: 'reference' }), [digits(1, 1, 'float32').x]),
      () => sn.compareBackends(sn.losses.squaredError(), [one]),
    ]) {
      expect(call).toThrow(code('ERR_ARGUMENT'));
    }
    expect(() => sn.gradientCheck(dense, [sn.zeros([1, 2, 3], 'float64')])).toThrow(
      code('ERR_SHAPE'),
    );
  });
});

describe.skipIf(backends.length < 2)('B4: compareBackends', () => {
  it('compares networks and losses', () => {
    const { x } = digits(3, 3, 'float64');
    const net = small({ dtype: 'float64', backend: 'reference' });
    const { maxError, worst } = sn.compareBackends(net, [x]);
    expect(maxError, JSON.stringify(worst)).toBeLessThan(1e-12);
    const predictions = sn.tensor([0.3, -1, 2], [1, 3]);
    const labels = sn.tensor([2], [1], 'int32');
    const loss = sn.losses.softmaxCrossEntropy();
    expect(sn.compareBackends(loss, [predictions, labels]).maxError).toBeLessThan(1e-6);
  });
});

describe('a network as a function', () => {
  it.each(backends)('computes what predict computes on %s', async (backend) => {
    const net = small({ backend });
    const { x } = digits(3, 3, 'float32');
    sn.setDefaultBackend(backend);
    try {
      const result = net.apply(x) as sn.Tensor;
      const expected = await net.predict(x);
      result.data.forEach((value, i) => {
        expect(value).toBeCloseTo(expected.data[i] as number, 5);
      });
    } finally {
      sn.setDefaultBackend('native');
    }
  });

  it('takes parameters that are traced, and the others from the network', () => {
    const net = small({ dtype: 'float64', backend: 'reference' });
    const { x, y } = digits(2, 3, 'float64');
    const bias = net.parameters().get('4.bias') as sn.Tensor;
    const loss = (value: sn.Variable): sn.Operand =>
      sn.ops.softmaxCrossEntropy(net.apply(x, new Map([['4.bias', value]])), y);
    const [gradient] = sn.grad(loss, { backend: 'reference' })(bias);
    expect(gradient?.shape).toEqual([10]);
    expect(sn.gradientCheck(loss, [bias], { backend: 'reference' }).maxError).toBeLessThan(1e-8);
  });

  it.each([
    ['softmax', sn.layers.dense({ units: 3, activation: 'softmax' })],
    ['sigmoid', sn.layers.dense({ units: 3, activation: 'sigmoid' })],
    [
      'softmax',
      sn.layers.sequential({
        layers: [sn.layers.dense({ units: 3 }), sn.layers.activation('softmax')],
      }),
    ],
    ['linear', sn.layers.dense({ units: 3 })],
    ['relu', sn.layers.dense({ units: 3, activation: 'relu' })],
  ] as const)('leaves a final %s out for losses on logits', async (final, layer) => {
    const layers = [sn.layers.dense({ units: 4, activation: 'sigmoid' }), layer];
    const net = sn.sequential({ inputShape: [2], layers, backend: 'reference' });
    const x = sn.tensor([[1, -2]]);
    const logits = net.apply(x, new Map(), { logits: true }) as sn.Tensor;
    const output = net.apply(x) as sn.Tensor;
    const left = final === 'softmax' || final === 'sigmoid';
    expect((left ? sn.ops[final](logits) : logits).toArray()).toEqual(output.toArray());
    expect(left).toBe(logits.data[0] !== output.data[0]);
    const y = sn.tensor([2], [1], 'int32');
    if (final !== 'softmax') return;
    const { loss } = await net.evaluate({ x, y }, { loss: sn.losses.softmaxCrossEntropy() });
    expect((sn.ops.softmaxCrossEntropy(logits, y) as sn.Tensor).item()).toBeCloseTo(loss, 6);
  });

  it('refuses what does not fit', () => {
    const net = small({ backend: 'reference' });
    const { x } = digits(1, 1, 'float32');
    expect(() => net.apply(sn.zeros([1, 1, 27, 28]))).toThrow(code('ERR_SHAPE'));
    expect(() => net.apply(digits(1, 1).x)).toThrow(code('ERR_DTYPE'));
    expect(() => net.apply(x, new Map([['9.bias', x]]))).toThrow(code('ERR_ARGUMENT'));
    expect(() => net.apply(x, new Map([['4.bias', x]]))).toThrow(code('ERR_SHAPE'));
    expect(() => net.apply(x, new Map(), { train: true } as never)).toThrow(code('ERR_ARGUMENT'));
    expect(() => net.apply(x, new Map(), { logits: 1 } as never)).toThrow(code('ERR_ARGUMENT'));
    expect(() => net.apply(5 as never)).toThrow(code('ERR_ARGUMENT'));
  });
});
