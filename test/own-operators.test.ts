import { afterEach, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends } from './support/networks.ts';
import {
  foreign,
  looped,
  scaled,
  softsign,
  softsignParts,
  thrownBy,
  x,
} from './support/ownOperators.ts';

const { ops, defineOperator } = sn;
const native = backends.includes('native');
const reference = { backend: 'reference' } as const;

afterEach(() => sn.setDefaultBackend('native'));
describe('an operator of the user', () => {
  it('computes Tensors at once by its loops', () => {
    sn.setDefaultBackend('reference');
    const y: sn.Tensor<'float64'> = looped(x);
    expect(y.toArray()).toEqual([
      [-2 / 3, -0.5 / 1.5],
      [0.25 / 1.25, 0.75],
      [0.5, -0.5],
    ]);
    expect(looped(x.to('float32')).dtype).toBe('float32');
  });

  it('has its own gradient, to any order that its rule has', () => {
    expect(sn.gradientCheck((v) => looped(v as sn.Variable), [x], reference).maxError).toBeLessThan(
      1e-8,
    );
    const twice = (v: sn.Variable): sn.Operand => {
      const [first] = sn.gradients(ops.sum(looped(v)), [v]);
      return first as sn.Operand;
    };
    expect(sn.gradientCheck(twice as never, [x], reference).maxError).toBeLessThan(1e-8);
  });

  it('takes several operands and settings, gives several outputs, and leaves operands out', () => {
    sn.setDefaultBackend('reference');
    const factor = sn.tensor([2, -3], [2], 'float64');
    const [y, total] = scaled(x, factor, null, { power: 2, absolute: true });
    expect(y.toArray()).toEqual([
      [8, 4.5],
      [1, 27],
      [4, 9],
    ]);
    expect(total.toArray()).toEqual([-0.75, 1.5]);
    const offset = sn.tensor([10, 20], [2], 'float64');
    expect(scaled(x, factor, offset)[0].toArray()).toEqual([
      [6, 21.5],
      [10.5, 11],
      [12, 23],
    ]);
    const graph = sn.trace((v) => scaled(v as sn.Variable, factor, null), x);
    expect(graph.nodes[0]?.attributes).toEqual({
      ...{ power: 1, absolute: false, mode: 'plain', taps: [1, 2] },
    });
  });

  it('is told apart from another one of its name', () => {
    sn.setDefaultBackend('reference');
    const doubled = defineOperator({
      ...softsignParts,
      loops: ([v], [y]) => y.data.set(v.data.map((value) => 2 * value)),
    });
    const one = sn.tensor([1], [1]);
    expect([looped(one).item(), doubled(one).item(), looped(one).item()]).toEqual([0.5, 2, 0.5]);
  });

  it('cannot change its operands', () => {
    sn.setDefaultBackend('reference');
    const rude = defineOperator({
      ...softsignParts,
      loops([v], [y]) {
        y.data.set(v.data);
        v.data.fill(0);
      },
    });
    const kept = x.clone();
    const program = sn.compile((v: sn.Variable) => ops.add(rude(v), v));
    return program(x).then((sum) => {
      expect(sum.toArray()).toEqual(ops.mul(kept, 2).toArray());
      expect(x.data).toEqual(kept.data);
    });
  });

  it('is drawn, evaluated and counted in graphs', () => {
    sn.setDefaultBackend('reference');
    const graph = sn.trace((v) => ops.sum(looped(v as sn.Variable)), x);
    expect(graph.toMermaid()).toContain('softsign');
    const { adjoints } = graph.evaluate(x);
    expect(adjoints.size).toBeGreaterThan(0);
  });

  it('counts its cost', () => {
    const layer = sn.layers.custom((v) => scaled(v, sn.full([2], 1), null)[0]);
    const net = sn.sequential({ inputShape: [2], layers: [layer], ...reference });
    expect(net.layers()[0]?.multiplyAdds).toBe(2);
  });

  it('may call itself in its gradient, whose type is then said', () => {
    sn.setDefaultBackend('reference');
    const cumulativeSum = defineOperator({
      name: 'cumulativeSum',
      inputs: ['x'],
      infer: ([v]) => [v],
      loops([v], [y]) {
        let total = 0;
        for (let i = 0; i < v.size; i++) {
          total += v.data[i] as number;
          y.data[i] = total;
        }
      },
      gradient: ({ gradients: [dy] }): [sn.Variable] => [ops.flip(cumulativeSum(ops.flip(dy)))],
    });
    const same: sn.DefinedOperator<['x']> = cumulativeSum;
    const values = sn.tensor([3, -1, 2], [3], 'float64');
    const y: sn.Tensor<'float64'> = same(values);
    expect(y.toArray()).toEqual([3, 2, 4]);
    const check = sn.gradientCheck((v) => ops.square(same(v as sn.Variable)), [values], reference);
    expect(check.maxError).toBeLessThan(1e-8);
  });

  it.runIf(native)('composes several outputs in a list written in place', () => {
    const both = defineOperator({
      name: 'bothSigns',
      inputs: ['a', 'b'],
      outputs: ['d', 'e'],
      infer: ([a, b]) => [a, b],
      loops() {},
      composition: ([a, b]) => [ops.neg(a), b],
    });
    const [d, e] = both(x, x);
    expect([d.toArray(), e.toArray()]).toEqual([ops.neg(x).toArray(), x.toArray()]);
    const refused = (): void => {
      defineOperator({
        ...{ name: 'two', inputs: ['a'], outputs: ['d', 'e'], loops() {} },
        infer: ([a]) => [a, a],
        // @ts-expect-error: one value where there are two outputs
        composition: ([a]) => a,
      });
      defineOperator({
        ...{ name: 'two', inputs: ['a'], outputs: ['d', 'e'], loops() {} },
        infer: ([a]) => [a, a],
        // @ts-expect-error: a list of one
        composition: ([a]) => [a],
      });
    };
    expect(refused).toBeTypeOf('function');
  });

  it('has types', () => {
    const calls = (v: sn.Variable, t: sn.Tensor<'float32'>): void => {
      const value: sn.Variable = softsign(v);
      const tensor: sn.Tensor<'float32'> = softsign(t);
      const [y, total]: readonly [sn.Variable, sn.Variable] = scaled(v, t, null, { power: 2 });
      // @ts-expect-error: no such setting
      scaled(v, t, null, { powre: 2 });
      // @ts-expect-error: a setting of another type
      scaled(v, t, null, { power: '2' });
      // @ts-expect-error: an operand that is missing
      scaled(v);
      // @ts-expect-error: an operand that may not be left out
      scaled(v, null, null);
      void [value, tensor, y, total];
    };
    expect(calls).toBeTypeOf('function');
  });
});

describe.runIf(native)('on the native backend', () => {
  it('runs by its composition, which agrees with its loops', () => {
    expect(sn.compareBackends((v) => softsign(v as sn.Variable), [x]).maxError).toBeLessThan(1e-15);
    expect(sn.gradientCheck((v) => softsign(v as sn.Variable), [x]).maxError).toBeLessThan(1e-8);
    expect(softsign(x).toArray()).toEqual(ops.div(x, ops.add(ops.abs(x), 1)).toArray());
  });

  it('keeps its own gradient, whatever the composition has', () => {
    const through = defineOperator({
      ...softsignParts,
      name: 'clipThrough',
      loops: ([v], [y]) => y.data.set(v.data.map((value) => Math.min(Math.max(value, -1), 1))),
      gradient: ({ gradients: [dy] }) => [dy],
      composition: ([v]) => ops.clip(v, { min: -1, max: 1 }),
    });
    for (const backend of backends) {
      const both = sn.valueAndGrad((v: sn.Variable) => ops.sum(ops.mul(through(v), 3)), {
        backend,
      });
      const { value, grads } = both(x);
      expect(value.item()).toBe(3 * (-1 - 0.5 + 0.25 + 1 + 1 - 1));
      expect((grads[0] as sn.Tensor).toArray()).toEqual(sn.full([3, 2], 3, 'float64').toArray());
    }
  });

  it('that nobody needs is no reason to refuse a graph', async () => {
    const graph = sn.compile((v: sn.Variable) => {
      looped(v);
      return ops.neg(v);
    });
    expect((await graph(x)).toArray()).toEqual(ops.neg(x).toArray());
    const through = defineOperator({ ...softsignParts, gradient: ({ gradients: [dy] }) => [dy] });
    const slope = sn.compile((v: sn.Variable) => {
      const [gradient] = sn.gradients(through(v), [v], sn.full([3, 2], 1, 'float64'));
      return gradient as sn.Variable;
    });
    expect((await slope(x)).toArray()).toEqual(sn.full([3, 2], 1, 'float64').toArray());
  });

  it.each([
    ['an operand itself', (v: sn.Variable) => [v, v] as const],
    [
      'a result twice',
      (v: sn.Variable) => {
        const y = ops.neg(v);
        return [y, y] as const;
      },
    ],
    [
      'a constant and an operator of its kind',
      (v: sn.Variable) => [sn.full([3, 2], 2, 'float64'), softsign(v)] as const,
    ],
  ])('composes of %s', (_, composition) => {
    const two = defineOperator({
      name: 'two',
      inputs: ['v'],
      outputs: ['a', 'b'],
      infer: ([v]) => [v, v],
      loops: () => undefined,
      composition: ([v]) => composition(v),
    });
    const [a, b] = two(x);
    const [c, d] = composition(x as never) as unknown as [sn.Tensor, sn.Tensor];
    expect([a.toArray(), b.toArray()]).toEqual([c.toArray(), d.toArray()]);
  });

  it('stands between convolutions as in the layout of users', () => {
    const images = sn.full([2, 3, 5, 5], 0.5);
    const [first, second] = [sn.full([4, 3, 3, 3], 0.1), sn.full([2, 4, 3, 3], -0.2)];
    const f = (v: sn.Operand): sn.Operand =>
      ops.conv2d(softsign(ops.conv2d(v as sn.Variable, first)), second);
    for (const layout of [true, false]) {
      const { maxError } = sn.compareBackends(f as never, [images], { passes: { layout } });
      expect(maxError).toBeLessThan(1e-6);
    }
  });

  it('is refused without one, by name and with what to do, wherever it is compiled', async () => {
    const layer = sn.layers.custom((v) => looped(v), { title: 'mine' });
    const net = sn.sequential({ inputShape: [2], layers: [layer, sn.layers.dense({ units: 2 })] });
    const calls: (() => unknown)[] = [
      () => looped(x),
      () => sn.grad((v: sn.Variable) => ops.sum(looped(v)))(x),
      () => sn.gradientCheck((v) => looped(v as sn.Variable), [x]),
      () => sn.compile((v: sn.Variable) => looped(v))(x),
      () => net.predict(x.to('float32')),
      () => net.fit({ x: x.to('float32'), y: sn.tensor(Int32Array.of(0, 1, 0)) }),
    ];
    for (const call of calls) {
      const error = await (async () => call())().then(
        () => null,
        (thrown) => thrown,
      );
      expect(error).toMatchObject({ code: 'ERR_ARGUMENT' });
      expect(error.message).toMatch(/^\[softsign\] .*backend 'reference'.*a composition$/);
    }
  });

  it.each([
    ['shape', 'ERR_SHAPE', (v: sn.Variable) => ops.sum(v), /\(3, 2\)/],
    ['dtype', 'ERR_SHAPE', (v: sn.Variable) => ops.less(v, 0), /uint8 \(3, 2\).*float64 \(3, 2\)/],
    ['value', 'ERR_ARGUMENT', () => undefined, /composition to give values of operators/],
    [
      'number of values',
      'ERR_ARGUMENT',
      (v: sn.Variable) => [v, v],
      /list of 1, for y, but gave 2/,
    ],
    ['trace', 'ERR_ARGUMENT', () => foreign, /another trace/],
    [
      'way out',
      'ERR_ARGUMENT',
      () => {
        throw new TypeError('no');
      },
      /threw TypeError: no/,
    ],
  ] as const)('refuses a composition of another %s', (_, code, composition, message) => {
    const own = defineOperator({
      ...softsignParts,
      name: 'own',
      composition: ([v]) => composition(v) as sn.Variable,
    });
    const error = thrownBy(() => own(x));
    expect(error.code, error.message).toBe(code);
    expect(error.message).toMatch(/^\[own/);
    expect(error.message).toMatch(message);
  });
});
