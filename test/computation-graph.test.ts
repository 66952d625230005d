import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { need } from '../lib/ops/operator.ts';
import { backends, relativeDistance, small } from './support/networks.ts';
import { softsign } from './support/ownOperators.ts';

const names = (graph: sn.ComputationGraph): (string | null)[][] =>
  graph.inputs.map(({ role, variable }) => [role, variable.name]);

describe('the graph of a network', () => {
  it('has parameters as states, x and labels as feeds, and layers as scopes', () => {
    const graph = small().graph({ batch: 3, loss: sn.losses.softmaxCrossEntropy() });
    expect(names(graph)).toEqual([
      ['feed', 'x'],
      ...['0.weight', '0.bias', '2.weight', '2.bias', '4.weight', '4.bias'].map((key) => [
        'state',
        key,
      ]),
      ['feed', 'labels'],
    ]);
    expect(graph.nodes.map(({ operator, scope }) => `${operator.name} in ${scope}`)).toEqual([
      'conv2d in 0 (conv2d)',
      'relu in 0 (conv2d)',
      'maxPool2d in 1 (maxPool2d)',
      'conv2d in 2 (conv2d)',
      'relu in 2 (conv2d)',
      'reshape in 3 (flatten)',
      'linear in 4 (dense)',
      'softmaxCrossEntropy in loss',
    ]);
    expect(graph.batch).toBe(3);
    expect(graph.inputs.at(-1)?.variable).toMatchObject({ shape: [3], dtype: 'int32' });
  });

  it('keeps the final activation without a loss, and takes targets where the loss does', () => {
    expect(small().graph().nodes.at(-1)?.operator.name).toBe('softmax');
    const squared = small({ dtype: 'float64' }).graph({ loss: sn.losses.squaredError() });
    expect(squared.inputs.at(-1)?.variable).toMatchObject({ shape: [1, 10], dtype: 'float64' });
    const loss = sn.losses.softmaxCrossEntropy();
    const soft = small().graph({ loss, labels: 'targets' });
    expect(soft.inputs.at(-1)?.variable).toMatchObject({ shape: [1, 10], dtype: 'float32' });
  });
});

describe('the names of values', () => {
  it('are those of inputs and operators, each once', () => {
    const weight = sn.tensor([1, 2, 3], [3], 'float64');
    const graph = sn.trace(
      ({ mul, w }: { mul: sn.Variable; w: sn.Variable }, x: sn.Variable) =>
        sn.ops.add(sn.ops.mul(mul, w), sn.ops.mul(x, weight)),
      { mul: weight, w: weight },
      weight,
    );
    const all = [
      ...graph.inputs.map(({ variable }) => variable),
      ...graph.constants.keys(),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ];
    expect(all.map((value) => graph.nameOf(value))).toEqual([
      ...['mul', 'w', 'x1', 'constant', 'mul_2', 'mul_3', 'add'],
    ]);
  });
});

const { add, mul, sin, square, sum } = sn.ops;
const vector = { shape: [3], dtype: 'float64' } as const;
const scalar = { shape: [], dtype: 'float64' } as const;
const x = sn.tensor([1, -2, 3], [3], 'float64');
const number = (value: number): sn.Tensor => sn.tensor(value, [], 'float64');

describe('what console.log shows', () => {
  it('of a graph is its nodes, their operands and what they give', () => {
    const graph = sn.trace(
      (v: sn.Variable) => [sn.scoped('head', () => mul(v, 2)), sum(v)],
      vector,
    );
    expect(inspect(graph)).toBe(
      [
        'node      is                 gives        scope',
        'x0        input              float64 (3)',
        'constant  constant           float64 ()',
        'mul       mul(x0, constant)  float64 (3)  head',
        'sum       sum(x0)            float64 (1)',
        'reshape   reshape(sum)       float64 ()',
        'output: mul, reshape',
      ].join('\n'),
    );
    expect(inspect(graph.outputs)).toBe('[ [mul: float64 (3)], [reshape: float64 ()] ]');
  });
});

/** All numbers of an evaluation, as text. */
function shown(graph: sn.ComputationGraph, evaluation: sn.GraphEvaluation): string {
  const of = (map: ReadonlyMap<sn.GraphVariable, sn.Tensor>) =>
    [...map].map(([value, { shape, data }]) => [graph.nameOf(value), shape, ...data]);
  const { values, adjoints, order } = evaluation;
  return JSON.stringify([of(values), of(adjoints), order.map((value) => graph.nameOf(value))]);
}

describe.each(backends)('evaluation on %s', (backend) => {
  const weight = sn.tensor([2, 3, 4], [3], 'float64');
  const graph = sn.trace((v: sn.Variable) => sum(mul(square(v), weight)), vector).with({ backend });

  it('leaves the graph as it is, whatever is done with what it gives', () => {
    const count = () => [graph.nodes.length, graph.constants.size, graph.inputs.length];
    const { tracer } = need(graph.outputs[0]);
    const before = [...count(), tracer.nodes.length, tracer.constants.size];
    const first = graph.evaluate(x);
    const text = shown(graph, first);
    for (const tensor of [...first.values.values(), ...first.adjoints.values()])
      tensor.data.fill(7);
    expect(shown(graph, graph.evaluate(x))).toBe(text);
    expect(graph.cost()).toEqual(graph.cost());
    expect([...count(), tracer.nodes.length, tracer.constants.size]).toEqual(before);
    expect(shown(graph, graph.evaluate(x))).toBe(text);
    expect(x.toArray()).toEqual([1, -2, 3]);
  });

  it('takes nested arguments like those of the function', () => {
    const nested = sn
      .trace(
        ({ a, list, k }: { a: sn.Variable; list: sn.Variable[]; k: number }, b: sn.Variable) =>
          sum(mul(add(mul(a, need(list[0])), b), k)),
        { a: vector, list: [vector], k: 2 },
        vector,
      )
      .with({ backend });
    const { values, adjoints } = nested.evaluate({ a: x, list: [weight], k: 2 }, x);
    expect(values.get(need(nested.outputs[0]))?.item()).toBe(2 * (1 * 3 - 2 * 4 + 3 * 5));
    const t = (name: string) => adjoints.get(nested.named(name))?.toArray();
    expect([t('a'), t('list[0]'), t('x1')]).toEqual([
      [4, 6, 8],
      [2, -4, 6],
      [2, 2, 2],
    ]);
  });

  it('takes fewer samples than it was traced for', () => {
    const loss = sn.losses.softmaxCrossEntropy();
    const settings = { dtype: 'float64', backend } as const;
    const images = sn.zeros([3, 1, 28, 28], 'float64');
    images.data.forEach((_, i) => {
      images.data[i] = Math.sin(i);
    });
    const labels = sn.tensor([4, 0, 9], [3], 'int32');
    const [wide, exact] = [8, 3].map((batch) =>
      small(settings).graph({ batch, loss, training: true }),
    );
    const [a, b] = [wide, exact].map((each) => need(each).evaluate(images, labels));
    for (const [value, t] of need(b).adjoints) {
      const name = need(exact).nameOf(value);
      const other = need(a).adjoints.get(need(wide).named(name));
      expect(need(other).shape, name).toEqual(t.shape);
      expect(relativeDistance(need(other), t), name).toBeLessThan(1e-14);
    }
    expect(need(a).values.size).toBe(need(b).values.size);
  });

  it('has the gradients of a network with dropout and batch statistics', () => {
    const net = sn.sequential({
      inputShape: [2, 6, 6],
      dtype: 'float64',
      backend,
      seed: 4,
      layers: [
        sn.layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }),
        sn.layers.batchNorm(),
        sn.layers.residual({
          layers: [sn.layers.conv2d({ filters: 3, kernelSize: 3, padding: 1 })],
        }),
        sn.layers.flatten(),
        sn.layers.dropout({ rate: 0.5 }),
        sn.layers.dense({ units: 4 }),
      ],
    });
    const images = sn.zeros([5, 2, 6, 6], 'float64');
    images.data.forEach((_, i) => {
      images.data[i] = Math.cos(i * i);
    });
    const labels = sn.tensor([0, 1, 2, 3, 0], [5], 'int32');
    const options = { training: true, seed: 6, step: 3 };
    const trained = net.graph({ batch: 5, loss: sn.losses.softmaxCrossEntropy(), ...options });
    const keys = [...net.parameters().keys()].filter((key) => !key.includes('running'));
    const check = (evaluated: sn.ComputationGraph, parameters: Map<string, sn.Tensor>): void => {
      const { adjoints } = evaluated.evaluate(images, labels);
      const grads = sn.grad(
        (...given) => {
          const values = new Map(keys.map((key, i) => [key, need(given[i])]));
          return sn.ops.softmaxCrossEntropy(net.apply(images, values, options), labels);
        },
        { backend },
      )(...keys.map((key) => need(parameters.get(key))));
      keys.forEach((key, i) => {
        const t = need(adjoints.get(evaluated.named(key)));
        expect(relativeDistance(t, need(grads[i])), key).toBeLessThan(1e-13);
      });
    };
    check(trained, net.parameters());
    const other = new Map(net.parameters());
    other.set('5.weight', sn.full(need(other.get('5.weight')).shape, 0.125, 'float64'));
    check(trained.with({ states: new Map([['5.weight', need(other.get('5.weight'))]]) }), other);
    net.setParameters(other);
    check(trained, net.parameters());
    expect(need(net.parameters().get('1.running_mean')).toArray()).toEqual([0, 0, 0]);
  });

  it('takes arguments as they were, whatever the function did to them', () => {
    const emptied = sn
      .trace((list: sn.Variable[]) => sum(square(need(list.pop()))), [vector])
      .with({ backend });
    expect(emptied.evaluate([x]).adjoints.get(emptied.named('[0]'))?.toArray()).toEqual([2, -4, 6]);
  });

  it('gives the values of any graph', () => {
    const two = sn.trace((v: sn.Variable) => [sn.ops.argmax(v), sin(v)], vector).with({ backend });
    const values = two.values(x);
    expect(two.outputs.map((output) => need(values.get(output)).toArray())).toEqual([
      2,
      [1, -2, 3].map((value) => expect.closeTo(Math.sin(value), 14)),
    ]);
    expect(() => two.evaluate(x)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining('one floating value of one element but the graph gives 2'),
      }),
    );
  });

  it('takes operators that users define', () => {
    const own = sn.trace((v: sn.Variable) => sum(softsign(v)), vector).with({ backend });
    const { values, adjoints } = own.evaluate(x);
    const entry = (value: number) => expect.closeTo(value, 14);
    expect(values.get(own.named('softsign'))?.toArray()).toEqual([1 / 2, -2 / 3, 3 / 4].map(entry));
    expect(adjoints.get(own.named('x0'))?.toArray()).toEqual([1 / 4, 1 / 9, 1 / 16].map(entry));
  });

  it('of what does not depend on the input, and of the input itself', () => {
    const same = sn.trace((v: sn.Variable) => v, scalar).with({ backend });
    const { values, adjoints, order } = same.evaluate(number(5));
    expect([...values.values(), ...adjoints.values()].map((value) => value.item())).toEqual([5, 1]);
    expect(order).toEqual(same.outputs);
    const constant = sn.trace((_: sn.Variable) => number(3), scalar).with({ backend });
    expect(constant.evaluate(number(5)).order).toEqual(constant.outputs);
  });

  it('goes on where only constants lie behind an operator without gradient', () => {
    const table = sn.tensor([[1], [2], [3]], [3, 1], 'float64');
    const rows = sn
      .trace(
        (indices: sn.Variable, v: sn.Variable) => sum(mul(sn.ops.gatherRows(table, indices), v)),
        { shape: [3], dtype: 'int32' },
        { shape: [3, 1], dtype: 'float64' },
      )
      .with({ backend });
    const given = sn.tensor(Float64Array.of(1, -2, 3), [3, 1]);
    const { adjoints } = rows.evaluate(sn.tensor([2, 0, 2], [3], 'int32'), given);
    expect([...adjoints].map(([value, t]) => [rows.nameOf(value), [...t.data]])).toEqual([
      ['reshape', [1]],
      ['sum', [1]],
      ['mul', [1, 1, 1]],
      ['gatherRows', [1, -2, 3]],
      ['x1', [3, 1, 3]],
    ]);
  });

  it('says which message fails', () => {
    const labels = sn.tensor([0, 10], [2], 'int32');
    const loss = sn.losses.softmaxCrossEntropy();
    const wrong = small({ backend }).graph({ batch: 2, loss });
    expect(() => wrong.evaluate(sn.zeros([2, 1, 28, 28]), labels)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining('sample 1'),
      }),
    );
    const settings = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };
    const stuck = sn.trace((p: sn.Variable) => {
      const [next] = sn.ops.sgdUpdate<sn.Operand, sn.Operand>(p, p, null, number(1), settings);
      return next as sn.Variable;
    }, scalar);
    expect(() => stuck.with({ backend }).evaluate(number(1))).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_DIFFERENTIABLE' }),
    );
    expect(() => stuck.cost()).toThrow(expect.objectContaining({ code: 'ERR_NOT_DIFFERENTIABLE' }));
  });
});
