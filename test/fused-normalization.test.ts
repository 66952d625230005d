import { describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { backendOf } from '../lib/backends/index.ts';
import { optimize } from '../lib/compiler/compile.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { type Graph, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Operand, Variable } from '../lib/ops/operator.ts';
import { random } from './support/graphs.ts';
import { backends } from './support/networks.ts';

const { add, batchNorm, batchNormTraining, mul, relu, relu6, sum } = sn.ops;

type Tail = (y: Operand, residual: Operand) => Operand;

const tails: Readonly<Record<string, Tail>> = {
  relu: (y) => relu(y),
  relu6: (y) => relu6(y),
  'the sum': (y, residual) => add(y, residual),
  'the sum and relu': (y, residual) => relu(add(residual, y)),
  'the sum and relu6': (y, residual) => relu6(add(y, residual)),
};

interface Tried {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'float64';
  readonly tail: Tail;
  /** By the statistics of the batch. */
  readonly training: boolean;
  /** Weight and bias. */
  readonly affine: boolean;
  /** The result is read twice, so that its gradient is a sum. */
  readonly twice: boolean;
}

/** The result, its gradients to all that it is made of, and the new statistics. */
function graphOf({ shape, dtype, tail, training, affine, twice }: Tried): Graph {
  const tracer = new Tracer();
  const [N, C = 0] = shape as [number, number];
  const image = () => tracer.input({ shape, dtype, batched: true });
  const channels = () => tracer.input({ shape: [C], dtype });
  const [x, residual, factor, other] = [image(), image(), image(), image()];
  const [mean, variance] = [channels(), channels()];
  const [weight, bias] = affine ? [channels(), channels()] : [null, null];
  const moved = training ? batchNormTraining(x, mean, variance, weight, bias) : null;
  const normalized = moved?.y ?? batchNorm(x, mean, variance, weight, bias);
  const y = tail(normalized as Operand, residual) as Variable;
  const once = sum(mul(y, factor));
  const loss = twice ? add(once, sum(mul(y, other))) : once;
  const sources = [x, residual, weight, bias].filter((source) => source !== null);
  const found = gradients(loss as Variable, sources) as (Variable | null)[];
  const statistics = moved ? [moved.runningMean, moved.runningVariance] : [];
  const outputs = [y, ...found, ...statistics].filter((output) => output !== null);
  expect(N).toBeGreaterThan(1);
  return tracer.graph(outputs as Variable[]);
}

/** Numbers that a mask could take for others, in every feed but those of channels. */
const odd = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, 6];

function run(
  graph: Graph,
  backend: sn.BackendName,
  options: { fuse: boolean; odd: boolean; isa?: string },
): number[][] {
  const { isa } = options;
  const passes = { fuse: options.fuse };
  const program = backendOf(backend).prepare(graph, { passes, ...(isa ? { isa } : {}) });
  const feeds = program.feeds.map(({ shape, dtype, batched }, i) => {
    const { data } = random([...shape], 3 + i).to(dtype);
    data.forEach((value, j) => {
      data[j] = batched ? 4 * value : Math.abs(value) + (i % 2) * 2;
    });
    if (batched && options.odd)
      odd.forEach((value, j) => {
        data[j * (i + 2)] = value;
      });
    return data;
  });
  const { fetches } = program.runSync({ steps: 1, feeds });
  program.dispose();
  return fetches.map((values) => [...(values as Float32Array)]);
}

/** Fewer channels than a vector has lanes, rows seen as one wide row with some left, several blocks. */
const shapes = [
  [5, 3, 7, 5],
  [2, 19, 6, 5],
  [3, 70, 4, 3],
  [4, 16],
  [2, 300, 2, 1],
];

describe.each(backends)('what follows batch normalization, fused and not, on %s', (backend) => {
  const isas = backend === 'native' ? (tryAddon()?.addon.cpuInfo().isas ?? []) : [''];
  for (const [name, tail] of Object.entries(tails)) {
    for (const training of [true, false]) {
      for (const dtype of ['float32', 'float64'] as const) {
        it(`has the same bits: ${training ? 'in training' : 'given statistics'}, ${name}, ${dtype}`, () => {
          shapes.forEach((shape, i) => {
            const settings = { affine: i % 2 === 0, twice: i % 3 < 2 };
            const graph = graphOf({ shape, dtype, tail, training, ...settings });
            for (const isa of isas) {
              for (const withOdd of [false, true]) {
                const options = { odd: withOdd, isa };
                const unfused = run(graph, backend, { ...options, fuse: false });
                const fused = run(graph, backend, { ...options, fuse: true });
                expect(fused, `${shape} ${isa}`).toEqual(unfused);
                expect(unfused[0]?.some((value) => value > 0 && value < 6)).toBe(true);
              }
            }
          });
        });
      }
    }
  }
});

describe('fusion of batch normalization', () => {
  const plain = { shape: [2, 3, 4, 4], dtype: 'float32', training: true, affine: true } as const;
  const names = (graph: Graph): string[] =>
    optimize(graph)
      .nodes.map(({ operator }) => operator.name)
      .filter((name) => /batchNorm|relu|add/.test(name));

  it('leaves no sum and no activation beside it, forward and backward', () => {
    for (const tail of Object.values(tails)) {
      for (const twice of [true, false]) {
        const left = names(graphOf({ ...plain, tail, twice }));
        expect(left).toEqual(['batchNormTraining', 'batchNormGradient']);
      }
    }
  });

  it('tells the flat parts from x where no residual was added, else from the result', () => {
    const gradientOf = (tail: Tail) =>
      optimize(graphOf({ ...plain, tail, twice: true })).nodes.find(
        ({ operator }) => operator.name === 'batchNormGradient',
      );
    const own = gradientOf((y) => relu(y));
    expect(own?.inputs.map((input) => input !== null)).toEqual([
      ...[true, true, true, true, true],
      ...[false, true, true, true],
    ]);
    const shared = gradientOf((y, residual) => relu(add(y, residual)));
    expect(shared?.inputs.map((input) => input !== null)).toEqual([
      ...[true, true, true, true, true],
      ...[true, false, false, true],
    ]);
    expect(shared?.outputs).toHaveLength(4);
  });

  it('joins the later of two normalizations with their sum', () => {
    const graph = sn.trace(
      (x: sn.Variable) => {
        const [a, b] = [x, mul(x, 2)].map((v) => batchNormTraining(v as Operand, null, null).y);
        return relu(add(a as Operand, b as Operand));
      },
      { shape: [2, 4, 5, 5], dtype: 'float32' },
    );
    const fused = optimize(graph).nodes;
    expect(fused.map(({ operator }) => operator.name)).toEqual([
      ...['mul', 'batchNormTraining', 'batchNormTraining'],
    ]);
    expect(fused[2]?.inputs[5]).toBe(fused[1]?.outputs[0]);
  });

  it('keeps apart what others read, what broadcasts, and a value added to itself', () => {
    const spec = { shape: [2, 4, 5, 5], dtype: 'float32' } as const;
    const norm = (x: Operand) => batchNormTraining(x, null, null).y;
    const left = (fn: (x: sn.Variable) => Operand | Operand[]) =>
      names(sn.trace(fn as (x: sn.Variable) => sn.Variable, spec));
    const read = left((x) => {
      const y = norm(x);
      return [relu(y), y];
    });
    expect(read).toEqual(['batchNormTraining', 'relu']);
    expect(left((x) => add(norm(x), random([1, 4, 1, 1], 2)))).toEqual([
      'batchNormTraining',
      'add',
    ]);
    expect(
      left((x) => {
        const y = norm(x);
        return add(y, y);
      }),
    ).toEqual(['batchNormTraining', 'add']);
  });
});
