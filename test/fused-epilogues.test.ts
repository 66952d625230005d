import { describe, expect, it } from 'vitest';
import { loadAddon } from '../lib/backends/addon.ts';
import { backendOf } from '../lib/backends/index.ts';
import { fuseActivations } from '../lib/compiler/fuse.ts';
import { type Graph, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Operand } from '../lib/ops/operator.ts';
import { random } from './support/graphs.ts';
import { backends } from './support/networks.ts';

const { conv2d, add, relu, relu6, linear } = sn.ops;

interface Convolution {
  readonly channels: number;
  readonly filters: number;
  readonly groups?: number;
  readonly stride?: number;
}

/** Convolutions of each way to convolve; those by products of one block of the depth, and of several. */
const convolutions: Readonly<Record<string, Convolution>> = {
  products: { channels: 5, filters: 19 },
  'deep products': { channels: 90, filters: 17 },
  'products in groups': { channels: 20, filters: 40, groups: 2 },
  planes: { channels: 8, filters: 2 },
  'few filters with a stride': { channels: 8, filters: 2, stride: 2 },
  depthwise: { channels: 9, filters: 9, groups: 9 },
  'groups of few channels': { channels: 12, filters: 18, groups: 6 },
};

const epilogues: Readonly<Record<string, (y: Operand, other: Operand) => Operand>> = {
  relu6: (y) => relu6(y),
  'the sum': (y, other) => add(y, other),
  'the sum the other way round': (y, other) => add(other, y),
  'the sum and relu': (y, other) => relu(add(y, other)),
  'the sum and relu6': (y, other) => relu6(add(other, y)),
};

function graphOf(
  { channels, filters, groups = 1, stride = 1 }: Convolution,
  epilogue: (y: Operand, other: Operand) => Operand,
  dtype: 'float32' | 'float64',
): Graph {
  const tracer = new Tracer();
  const x = tracer.input({ shape: [3, channels, 7, 6], dtype, batched: true });
  const weight = random([filters, channels / groups, 3, 3], 1).to(dtype);
  const bias = random([filters], 2).to(dtype);
  const y = conv2d(x, weight, bias, { padding: 1, groups, stride });
  const other = tracer.input({ shape: y.shape, dtype, batched: true });
  return tracer.graph([epilogue(y, other)]);
}

function run(graph: Graph, backend: sn.BackendName, fuse: boolean, isa?: string): number[] {
  const own = isa === undefined ? {} : { isa };
  const program = backendOf(backend).prepare(graph, { passes: { fuse }, ...own });
  const feeds = program.feeds.map(({ shape, dtype }, i) => {
    const { data } = random([...shape], 3 + i).to(dtype);
    data.forEach((value, j) => {
      data[j] = 5 * value;
    });
    data[7] = Number.NaN;
    return data;
  });
  const { fetches } = program.runSync({ steps: 1, feeds });
  program.dispose();
  return [...(fetches[0] as Float32Array)];
}

describe.each(backends)('what follows a convolution, fused and not, on %s', (backend) => {
  const isas = backend === 'native' ? loadAddon().addon.cpuInfo().isas : [undefined];
  for (const [way, convolution] of Object.entries(convolutions)) {
    for (const [name, epilogue] of Object.entries(epilogues)) {
      it.each(['float32', 'float64'] as const)(
        `has the same bits: ${way}, ${name}, %s`,
        (dtype) => {
          const graph = graphOf(convolution, epilogue, dtype);
          for (const isa of isas) {
            const unfused = run(graph, backend, false, isa);
            expect(run(graph, backend, true, isa), isa).toEqual(unfused);
            expect(unfused.some((value) => value > 0 && value < 6)).toBe(true);
          }
        },
      );
    }
  }
});

describe('fusion', () => {
  const names = (graph: Graph): string[] =>
    fuseActivations(graph).nodes.map(({ operator }) => operator.name);
  const spec = { shape: [1, 4, 5, 5], dtype: 'float32' } as const;

  it('joins one of two convolutions with their sum, and ReLU6', () => {
    const graph = sn.trace((x: sn.Variable) => {
      const [a, b] = [1, 2].map((seed) => conv2d(x, random([4, 4, 1, 1], seed)));
      return relu6(add(a as sn.Variable, b as sn.Variable));
    }, spec);
    expect(names(graph)).toEqual(['conv2d', 'conv2d']);
  });

  it('adds no bias, nothing that broadcasts, and not a value to itself', () => {
    const weight = random([4, 4, 1, 1], 1);
    const graph = sn.trace((x: sn.Variable) => {
      const y = conv2d(x, weight);
      return [add(conv2d(x, weight), random([1, 4, 1, 1], 2)), add(y, y)];
    }, spec);
    expect(names(graph)).toEqual(['conv2d', 'conv2d', 'add', 'add']);
  });

  it('joins a dense product with ReLU6 but with no sum', () => {
    const weight = random([4, 4], 1);
    const graph = sn.trace(
      (x: sn.Variable) => [relu6(linear(x, weight)), relu(add(linear(x, weight), x))],
      { shape: [2, 4], dtype: 'float32' },
    );
    expect(names(graph)).toEqual(['linear', 'linear', 'add', 'relu']);
  });
});
