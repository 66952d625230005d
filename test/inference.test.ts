import { describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { NativeExecutable } from '../lib/backends/native.ts';
import { referenceBackend } from '../lib/backends/reference.ts';
import type { PassOptions } from '../lib/compiler/compile.ts';
import { foldNormalizations } from '../lib/compiler/fold.ts';
import { type Graph, type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Operand } from '../lib/ops/operator.ts';
import { random } from './support/graphs.ts';
import { relativeDistance } from './support/networks.ts';
import { combinationsOf } from './support/passes.ts';

const { conv2d, linear, batchNorm, relu6, relu, add, mul, flatten, square } = sn.ops;
const native = tryAddon() !== null;

interface Case {
  readonly graph: Graph;
  /** Values of the states, in their order. */
  readonly states: sn.Tensor[];
}

/**
 * Two convolutions, one in groups, a sum and a dense layer, each normalized; parameters and
 * statistics are states.
 */
function normalizedNetwork(dtype: 'float32' | 'float64'): Case {
  const tracer = new Tracer();
  const states: sn.Tensor[] = [];
  const state = (shape: number[], positive = false): GraphVariable => {
    const value = random(shape, states.length, dtype);
    states.push(positive ? (add(square(value), 0.1) as sn.Tensor) : value);
    return tracer.input({ shape, dtype }, 'state');
  };
  const norm = (y: Operand, channels: number, affine: boolean): Operand => {
    const [mean, variance] = [state([channels]), state([channels], true)];
    const own = affine ? [state([channels]), state([channels])] : [];
    return batchNorm(y, mean, variance, own[0] ?? null, own[1] ?? null, { epsilon: 1e-3 });
  };
  const x = tracer.input({ shape: [5, 6, 9, 8], dtype, batched: true });
  const first = relu6(norm(conv2d(x, state([12, 6, 3, 3]), state([12]), { padding: 1 }), 12, true));
  const grouped = conv2d(first, state([12, 1, 3, 3]), null, { padding: 1, groups: 12 });
  const second = relu(add(norm(grouped, 12, true), first));
  const dense = linear(flatten(second), state([7, 12 * 9 * 8]), state([7]));
  return { graph: tracer.graph([norm(dense, 7, false)]), states };
}

function feedOf(graph: Graph, seed: number): sn.Tensor {
  const [x] = graph.inputs.filter(({ role }) => role === 'feed').map(({ variable }) => variable);
  return random([...(x as GraphVariable).shape], seed, (x as GraphVariable).dtype as 'float32');
}

function runOn(
  program: Pick<NativeExecutable, 'runSync' | 'write'>,
  { states, graph }: Case,
  seed = 99,
): sn.Tensor {
  states.forEach((value, i) => {
    program.write(i, value);
  });
  const { fetches } = program.runSync({ steps: 1, feeds: [feedOf(graph, seed).data] });
  const data = fetches[0] as Float32Array;
  return new sn.Tensor(
    data.slice(),
    [data.length],
    data instanceof Float32Array ? 'float32' : 'float64',
  );
}

describe.runIf(native)('inference with parameters that stay', () => {
  it.each([
    ['float32', 2e-6],
    ['float64', 1e-14],
  ] as const)('agrees with the reference in %s, every pass on and off', (dtype, bound) => {
    const network = normalizedNetwork(dtype);
    const expected = runOn(referenceBackend.prepare(network.graph), network);
    const every = ['fold', 'fuse', 'deadCode', 'hoist', 'layout', 'reuse'] as const;
    for (const passes of combinationsOf(every)) {
      const program = new NativeExecutable(network.graph, { passes });
      const found = runOn(program, network);
      expect(relativeDistance(found, expected), JSON.stringify(passes)).toBeLessThan(bound);
      program.dispose();
    }
  });

  it('leaves no normalization, and packs and folds once', () => {
    const { graph } = normalizedNetwork('float32');
    expect(graph.nodes.filter(({ operator }) => operator.name === 'batchNorm')).toHaveLength(3);
    const { program } = new NativeExecutable(graph, {});
    const steps = program.instructions.slice(program.prologue).map(({ op }) => op);
    expect(steps).toEqual(['transpose', 'conv2d', 'conv2d', 'linear']);
    const once = program.instructions.slice(0, program.prologue).map(({ op }) => op);
    expect(once.filter((op) => op.startsWith('pack'))).toHaveLength(3);
  });

  it('packs once for convolutions that are pooled, unless these keep filters in cache', () => {
    const tracer = new Tracer();
    const x = tracer.input({ shape: [2, 400, 9, 9], dtype: 'float32', batched: true });
    const deep = tracer.input({ shape: [48, 400, 5, 5], dtype: 'float32' }, 'state');
    const small = tracer.input({ shape: [33, 400, 1, 1], dtype: 'float32' }, 'state');
    const pooled = [deep, small].map((weight) =>
      sn.ops.maxPool2d(sn.ops.relu(sn.ops.conv2d(x, weight)), { kernelSize: 2 }),
    );
    const graph = tracer.graph(pooled);
    const run = (passes: PassOptions) => {
      const executable = new NativeExecutable(graph, { passes });
      [deep, small].forEach(({ shape }, i) => {
        executable.write(i, random([...shape], i));
      });
      const feeds = [random([...x.shape], 7).data];
      const { fetches } = executable.runSync({ steps: 1, feeds });
      const ops = executable.program.instructions.map(({ op }) => op);
      executable.dispose();
      return { fetches, ops };
    };
    const packed = run({});
    const count = (op: string) => packed.ops.filter((each) => each === op).length;
    expect([count('packConv2dWeight'), count('conv2dMaxPool')]).toEqual([1, 2]);
    expect(packed.fetches).toEqual(run({ hoist: false }).fetches);
    expect(packed.fetches).toEqual(run({ hoist: false, fuse: false }).fetches);
  });

  it('packs to the same bits as a product packs in each step', () => {
    const network = normalizedNetwork('float32');
    const packed = new NativeExecutable(network.graph, { passes: { fold: false } });
    const each = new NativeExecutable(network.graph, { passes: { hoist: false } });
    expect([...runOn(packed, network).data]).toEqual([...runOn(each, network).data]);
  });

  it('takes new values of states, and keeps what depends on them until then', () => {
    const network = normalizedNetwork('float32');
    const program = new NativeExecutable(network.graph, {});
    const before = runOn(program, network);
    const feeds = [feedOf(network.graph, 99).data];
    expect([...(program.runSync({ steps: 1, feeds }).fetches[0] as Float32Array)]).toEqual([
      ...before.data,
    ]);
    const changed = {
      ...network,
      states: network.states.map((value) => mul(value, 0.5) as sn.Tensor),
    };
    const after = runOn(program, changed);
    const fresh = runOn(new NativeExecutable(network.graph, {}), changed);
    expect([...after.data]).toEqual([...fresh.data]);
    expect([...after.data]).not.toEqual([...before.data]);
  });

  it('fails again until what the prologue reads is mended', async () => {
    const tracer = new Tracer();
    const table = tracer.input({ shape: [4, 3], dtype: 'float32' }, 'state');
    const rows = tracer.input({ shape: [2], dtype: 'int32' }, 'state');
    const x = tracer.input({ shape: [2, 3], dtype: 'float32' });
    const graph = tracer.graph([add(sn.ops.gather(table as sn.Variable, rows as sn.Variable), x)]);
    const program = new NativeExecutable(graph, {});
    expect(program.program.prologue).toBe(1);
    const request = { steps: 2, feeds: [new Float32Array(12)] };
    program.write(0, random([4, 3], 1));
    program.write(1, sn.tensor([1, 4], [2], 'int32'));
    for (let i = 0; i < 2; i++) {
      expect(() => program.runSync(request)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT' }),
      );
      await expect(program.run(request)).rejects.toMatchObject({ code: 'ERR_ARGUMENT', step: 0 });
    }
    program.write(1, sn.tensor([1, 3], [2], 'int32'));
    const [found] = program.runSync(request).fetches as [Float32Array];
    const { data } = random([4, 3], 1);
    expect([...found.slice(6)]).toEqual([...data.slice(3, 6), ...data.slice(9, 12)]);
    program.dispose();
  });

  it('gives a sample the same bits in any batch', () => {
    const network = normalizedNetwork('float32');
    const program = new NativeExecutable(network.graph, {});
    const whole = runOn(program, network);
    const request = { steps: 1, batch: Int32Array.of(2), feeds: [feedOf(network.graph, 99).data] };
    const [part] = program.runSync(request).fetches;
    expect([...(part as Float32Array).slice(0, 14)]).toEqual([...whole.data.slice(0, 14)]);
  });
});

describe('folding', () => {
  const names = (graph: Graph): string[] =>
    foldNormalizations(graph)
      .nodes.map(({ operator }) => operator.name)
      .filter((name) => /^(conv2d|linear|batchNorm)$/.test(name));
  const statistics = [random([4], 1), add(square(random([4], 2)), 0.1) as sn.Tensor] as const;
  const spec = { shape: [2, 3, 5, 5], dtype: 'float32' } as const;

  it('leaves a value alone that something else reads', () => {
    const graph = sn.trace((x: sn.Variable) => {
      const y = conv2d(x, random([4, 3, 1, 1], 3));
      return [batchNorm(y, ...statistics), y];
    }, spec);
    expect(names(graph)).toEqual(['conv2d', 'batchNorm']);
  });

  it('leaves parameters alone that come with each step', () => {
    const graph = sn.trace(
      (x: sn.Variable, weight: sn.Variable) => batchNorm(conv2d(x, weight), ...statistics),
      spec,
      { shape: [4, 3, 1, 1], dtype: 'float32' },
    );
    expect(names(graph)).toEqual(['conv2d', 'batchNorm']);
  });

  it('takes constants', () => {
    const graph = sn.trace(
      (x: sn.Variable) => batchNorm(conv2d(x, random([4, 3, 1, 1], 3)), ...statistics),
      spec,
    );
    expect(names(graph)).toEqual(['conv2d']);
  });
});
