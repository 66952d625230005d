import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { detach, failsWith } from './support/errors.ts';

const { add, mul, sum } = sn.ops;
const spec = { shape: [3], dtype: 'float32' } as const;
const square = (v: sn.Variable) => sum(mul(v, v));
const x = sn.tensor([1, 2, 3]);

/** What takes the options of a run, and its name in messages. */
const takers: Readonly<Record<string, (options: sn.RunOptions) => unknown>> = {
  compile: (options) => sn.compile(square, options),
  grad: (options) => sn.grad(square, options),
  valueAndGrad: (options) => sn.valueAndGrad(square, options),
  jacobian: (options) => sn.jacobian(square, options),
  gradientCheck: (options) => sn.gradientCheck(square, [sn.zeros([3], 'float64')], options),
  with: (options) => sn.trace(square, spec).with(options),
};

describe.each(Object.entries(takers))('options of a run in %s', (name, take) => {
  it.each([
    ['backend', 'webgl'],
    ['backend', null],
    ['threads', -1],
    ['threads', 0],
    ['threads', 1.5],
    ['threads', 1e9],
    ['threads', '2'],
    ['isa', 'sse9'],
    ['isa', 5],
    ['passes', null],
    ['passes', 5],
    ['passes', []],
  ])('refuses %s: %j at once', (key, value) => {
    const call = () => take({ [key]: value });
    expect(call).toThrow(failsWith('ERR_ARGUMENT', `[${name}] expected ${key} to be`));
  });

  it('names the pass that is none', () => {
    const unknown = { passes: { zig: true } } as sn.RunOptions;
    expect(() => take(unknown)).toThrow(failsWith('ERR_ARGUMENT', `[${name}, passes]`, "'zig'"));
    const wrong = { passes: { fuse: 1 } } as unknown as sn.RunOptions;
    expect(() => take(wrong)).toThrow(failsWith('ERR_ARGUMENT', `[${name}]`, 'passes.fuse'));
  });

  it('takes those that are', () => {
    const isa = sn.cpuInfo().isas.at(-1) as string;
    take({ backend: 'native', threads: 2, isa, passes: { fuse: false, reuse: true } });
  });
});

describe('compareBackends', () => {
  it('refuses options of a run that are none', () => {
    expect(() => sn.compareBackends(square, [x], { threads: 0 })).toThrow(
      failsWith('ERR_ARGUMENT', '[compareBackends] expected threads'),
    );
  });
});

describe('gradients', () => {
  const traced = (body: (v: sn.Variable) => unknown) => () =>
    sn.trace((v: sn.Variable) => [sum(v), body(v)], spec);

  it.each([
    [null, undefined, 'a list of sources'],
    [5, undefined, 'a list of sources'],
    [[null], undefined, 'source 0'],
    ['v', 5, 'the seed'],
    ['v', null, 'the seed'],
    ['v', x, 'a seed of shape ()'],
  ])('refuses sources %j with seed %s', (sources, seed, message) => {
    const call = traced((v) =>
      sn.gradients(sum(v), (sources === 'v' ? [v] : sources) as never, seed as never),
    );
    expect(call).toThrow(failsWith('ERR_ARGUMENT', '[gradients]', message));
  });

  it('refuses a seed of another dtype', () => {
    const call = traced((v) => sn.gradients(sum(v), [v], sn.full([], 1, 'float64')));
    expect(call).toThrow(failsWith('ERR_DTYPE', '[gradients]', 'float32', 'float64'));
  });

  it('takes three parameters', () => {
    expect(sn.gradients.length).toBe(3);
  });
});

describe('scoped', () => {
  it.each<[unknown, unknown]>([
    [5, () => 3],
    [Symbol('s'), () => 3],
    ['head', 3],
  ])('refuses %s with %s', (name, body) => {
    expect(() => sn.scoped(name as never, body as never)).toThrow(
      failsWith('ERR_ARGUMENT', '[scoped]'),
    );
  });
});

describe('drawing', () => {
  it('refuses values that are no Tensors', () => {
    const graph = sn.trace((v: sn.Variable) => add(v, 1), spec);
    const values = new Map([[graph.outputs[0], 5]]) as never;
    expect(() => graph.toMermaid({ values })).toThrow(
      failsWith('ERR_ARGUMENT', '[toMermaid] expected values to be Tensors'),
    );
  });
});

describe('memory that was detached', () => {
  it.each<[string, (v: sn.Tensor) => unknown]>([
    ['[sum] expected x', (v) => sum(v)],
    ['[add] expected b', (v) => add(x, v)],
    ['[concat] expected xs[1]', (v) => sn.ops.concat([x, v])],
    ['[compareBackends] expected input 0', (v) => sn.compareBackends(square, [v])],
    [
      '[compareBackends] expected a',
      (v) => sn.compareBackends(({ a }: { a: sn.Variable }) => square(a), [{ a: v }]),
    ],
  ])('is refused: %s', (message, call) => {
    const lost = detach(sn.tensor([1, 2, 3]));
    expect(() => call(lost)).toThrow(failsWith('ERR_ARGUMENT', message, 'detached'));
  });
});

describe('settings of checks', () => {
  const v = sn.zeros([3], 'float64');

  it.each([
    ['epsilon', 0],
    ['epsilon', -1e-6],
    ['epsilon', Number.NaN],
    ['epsilon', '1'],
    ['samples', 0],
    ['samples', 1.5],
  ])('gradientCheck refuses %s: %j', (key, value) => {
    const call = () => sn.gradientCheck(square, [v], { [key]: value });
    expect(call).toThrow(failsWith('ERR_ARGUMENT', `[gradientCheck] expected ${key} to be`));
  });

  it('compareBackends refuses a function of which it would compare nothing', () => {
    const [same, fixed] = [(given: unknown) => given as never, () => v];
    for (const call of [
      () => sn.compareBackends(same, [null as never]),
      () => sn.compareBackends(fixed, []),
    ]) {
      expect(call).toThrow(failsWith('ERR_ARGUMENT', '[compareBackends]', 'depends on them'));
    }
  });
});

describe('labels of a graph', () => {
  it('are refused without a loss, and when they are none', () => {
    const net = sn.models.lenet5();
    for (const labels of [3, 'classes', 'targets'] as never[]) {
      expect(() => net.graph({ labels })).toThrow(failsWith('ERR_ARGUMENT', '[graph]', 'labels'));
    }
    expect(net.graph({ labels: undefined } as never).inputs.length).toBe(11);
  });
});

describe('optimizers and losses of the user', () => {
  const sgd = sn.optimizers.sgd();
  const error = () => {
    throw new RangeError('no');
  };
  const data = { x: sn.zeros([2, 4]), y: sn.zeros([2], 'int32') };

  it.each<[string, object, string[]]>([
    [
      'throws',
      { optimizer: { ...sgd, update: error } },
      ['[fit, 0.weight]', "'sgd'", 'RangeError'],
    ],
    ['gives none', { optimizer: { ...sgd, update: () => 5 } }, ['[fit, 0.weight]', 'a list of 1']],
    [
      'gives Tensors',
      { optimizer: { ...sgd, update: () => [x] } },
      ['[fit, 0.weight]', 'computed'],
    ],
    ['has no slots', { optimizer: { update: error } }, ['[fit]', 'options and slots']],
    ['is a loss that throws', { loss: { mean: error, kind: 'mine' } }, ['[fit, loss]', "'mine'"]],
  ])('one that %s is refused', async (_, options, words) => {
    const net = sn.sequential({ inputShape: [4], layers: [sn.layers.dense({ units: 2 })] });
    const call = async () => net.fit(data, options);
    await expect(call()).rejects.toEqual(failsWith('ERR_ARGUMENT', ...words));
  });

  it('one of another shape is refused with both', async () => {
    const net = sn.sequential({ inputShape: [4], layers: [sn.layers.dense({ units: 2 })] });
    const update = ({ parameter }: sn.optimizers.UpdateCall) => [sum(parameter)];
    const call = async () => net.fit(data, { optimizer: { ...sgd, update } as never });
    const words = ['[fit, 0.weight]', 'float32 (2, 4)', 'float32 ()'];
    await expect(call()).rejects.toEqual(failsWith('ERR_SHAPE', ...words));
  });
});
