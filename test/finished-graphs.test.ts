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
