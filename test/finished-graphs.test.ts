import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { failsWith } from './support/errors.ts';

const { add, mul, sum } = sn.ops;
const spec = { shape: [3], dtype: 'float32' } as const;
const square = (v: sn.Variable) => sum(mul(v, v));
const x = sn.tensor([1, 2, 3]);

describe('a finished graph', () => {
  it('takes nothing more', () => {
    let leaked: sn.Variable | null = null;
    const graph = sn.trace((v: sn.Variable) => {
      leaked = v;
      return square(v);
    }, spec);
    const count = graph.nodes.length;
    const escaped = failsWith('ERR_ARGUMENT', 'a trace that has ended');
    expect(() => add(leaked as unknown as sn.Variable, 1)).toThrow(escaped);
    const [output] = graph.outputs as [sn.GraphVariable];
    expect(() => sn.gradients(output, [leaked as unknown as sn.Variable])).toThrow(escaped);
    expect(graph.nodes.length).toBe(count);
    expect(graph.evaluate(x).values.get(output)?.item()).toBe(14);
  });

  it('takes nothing more when the function threw', () => {
    let leaked: sn.Variable | null = null;
    const call = () =>
      sn.trace((v: sn.Variable) => {
        leaked = v;
        throw new Error('own');
      }, spec);
    expect(call).toThrow('own');
    expect(() => add(leaked as unknown as sn.Variable, 1)).toThrow(failsWith('ERR_ARGUMENT'));
  });

  it('has lists that do not change', () => {
    const graph = sn.trace(square, spec);
    const [node] = graph.nodes as [sn.Node];
    const lists = [
      ...[graph.inputs, graph.nodes, graph.outputs, graph.updates, node.inputs, node.outputs],
    ];
    for (const list of lists) {
      expect(() => (list as unknown[]).push(5)).toThrow(TypeError);
    }
    expect(() => Object.assign(node, { operator: null })).toThrow(TypeError);
    expect(
      graph
        .evaluate(x)
        .values.get(graph.outputs[0] as sn.GraphVariable)
        ?.item(),
    ).toBe(14);
  });
});

describe('specs of trace', () => {
  it.each<[object, string]>([
    [{ ...spec, name: 5 }, 'the name of argument 0'],
    [{ ...spec, batched: 'yes' }, 'batched of argument 0'],
    [{ shape: [], dtype: 'float32', batched: true }, 'argument 0 to have an axis'],
    [{ ...spec, batch: true }, "no option 'batch'"],
  ])('refuses %j', (given, message) => {
    const call = () => sn.trace((v: sn.Variable) => v, given as never);
    expect(call).toThrow(failsWith('ERR_ARGUMENT', '[trace', message));
    const within = () => sn.trace(({ w }: { w: sn.Variable }) => w, { w: given } as never);
    const named = message.replace('argument 0', 'w of argument 0');
    expect(within).toThrow(failsWith('ERR_ARGUMENT', '[trace', named));
  });
});

describe('nested arguments', () => {
  const nested = (levels: number, leaf: unknown): unknown => {
    let tree = leaf;
    for (let i = 0; i < levels; i++) tree = [tree];
    return tree;
  };
  const inner = (tree: unknown): sn.Variable => {
    let value = tree;
    while (Array.isArray(value)) [value] = value;
    return square(value as sn.Variable);
  };
  const calls: Readonly<Record<string, (tree: unknown, leaf: unknown) => unknown>> = {
    trace: (_, leaf) => sn.trace(inner as never, leaf as never),
    grad: (tree) => sn.grad(inner as never)(tree as never),
    compile: (tree) => sn.compile(inner as never)(tree as never),
    gradientCheck: (tree) => sn.gradientCheck(inner as never, [tree] as never),
    result: (_, leaf) => sn.trace((() => leaf) as never),
  };

  it.each(Object.entries(calls))(
    'of 99 levels are taken by %s, of 20,000 refused',
    async (_, call) => {
      const value = sn.tensor([1, 2, 3], [3], 'float64');
      const at = async (levels: number): Promise<unknown> =>
        call(nested(levels, value), nested(levels, value));
      await at(99);
      const refused = failsWith('ERR_ARGUMENT', 'at most 100 levels');
      await expect(at(101)).rejects.toEqual(refused);
      await expect(at(20_000)).rejects.toEqual(refused);
    },
  );
});

describe('numbers nested', () => {
  it('too deep, or within themselves, are refused by tensor', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 20_000; i++) deep = [deep];
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    for (const values of [deep, cyclic]) {
      expect(() => sn.tensor(values as never)).toThrow(failsWith('ERR_SHAPE', '[tensor]', '8'));
    }
  });
});

describe('evaluation again', () => {
  it('sees new values of states, from an output of one batched element', () => {
    const net = sn.sequential({ inputShape: [2], layers: [sn.layers.dense({ units: 1 })] });
    const graph = net.graph();
    const weight = graph.named('0.weight');
    const at = (value: number) => {
      net.setParameters(net.parameters().set('0.weight', sn.full([1, 2], value)));
      return graph.evaluate(sn.tensor([[1, 2]]));
    };
    expect(
      at(3)
        .values.get(graph.outputs[0] as sn.GraphVariable)
        ?.item(),
    ).toBe(9);
    const { values, adjoints, order } = at(5);
    expect(values.get(graph.outputs[0] as sn.GraphVariable)?.item()).toBe(15);
    expect(values.get(weight)?.toArray()).toEqual([[5, 5]]);
    expect(adjoints.get(weight)?.toArray()).toEqual([[1, 2]]);
    expect(order[0]).toBe(graph.outputs[0]);
  });

  it.each(['native', 'reference'] as const)('takes any number of samples on %s', (backend) => {
    const wide = { shape: [8, 2], dtype: 'float64', batched: true } as const;
    const graph = sn.trace((v: sn.Variable) => sn.ops.mean(square(v)), wide).with({ backend });
    const gradientOf = (...rows: number[][]) => {
      const { values, adjoints } = graph.evaluate(sn.tensor(rows, [rows.length, 2], 'float64'));
      const value = values.get(graph.outputs[0] as sn.GraphVariable)?.item();
      return [value, adjoints.get(graph.named('x0'))?.toArray()];
    };
    expect(gradientOf([1, 2], [3, 4])).toEqual([
      30,
      [
        [2, 4],
        [6, 8],
      ],
    ]);
    expect(gradientOf([5, 1])).toEqual([26, [[10, 2]]]);
    expect(gradientOf([1, 2], [3, 4])).toEqual([
      30,
      [
        [2, 4],
        [6, 8],
      ],
    ]);
  });

  it('records the gradients of an operator of the user once', () => {
    let calls = 0;
    const twice = sn.defineOperator({
      name: 'twiceOnce',
      inputs: ['x'],
      infer: ([s]) => [s as sn.Spec],
      loops: ([v], [y]) => {
        for (const [i, value] of (v as sn.Tensor).data.entries())
          (y as sn.Tensor).data[i] = 2 * value;
      },
      composition: ([v]) => [mul(v as sn.Variable, 2)],
      gradient: ({ gradients: [dy] }) => {
        calls++;
        return [mul(dy as sn.Variable, 2)];
      },
    });
    const graph = sn.trace((v: sn.Variable) => sum(twice(v)), spec);
    for (let i = 0; i < 3; i++) {
      expect(graph.evaluate(x).adjoints.get(graph.named('x0'))?.toArray()).toEqual([2, 2, 2]);
    }
    expect(calls).toBe(1);
  });

  it('is of the present backend, and of graphs of one input alone', () => {
    const graph = sn.trace((v: sn.Variable) => v, { shape: [], dtype: 'float32' });
    const run = () => graph.evaluate(sn.full([], 7)).adjoints.get(graph.named('x0'))?.item();
    expect(run()).toBe(1);
    sn.setDefaultBackend('reference');
    try {
      expect(run()).toBe(1);
    } finally {
      sn.setDefaultBackend('native');
    }
    expect(run()).toBe(1);
  });
});
