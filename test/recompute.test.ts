import { describe, expect, it } from 'vitest';
import { loadAddon } from '../lib/backends/addon.ts';
import { NativeExecutable } from '../lib/backends/native.ts';
import { compileProgram } from '../lib/compiler/compile.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { type Graph, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Operand, Variable } from '../lib/ops/operator.ts';
import { ResidentBatches } from '../lib/train/resident.ts';
import { learnedParameters, traceStep } from '../lib/train/step.ts';
import { random } from './support/graphs.ts';

const { add, batchNormTraining, conv2d, mul, relu, relu6, sum } = sn.ops;

interface Tried {
  readonly dtype?: 'float32' | 'float64';
  readonly images?: number;
  readonly channels?: number;
  readonly size?: number;
  readonly kernel?: number;
  readonly activation?: (y: Operand) => Operand;
  readonly affine?: boolean;
  /** What is normalized is also added to what is convolved. */
  readonly residual?: boolean;
}

/** The gradients of two convolutions with a normalization and an activation in between. */
function graphOf(tried: Tried = {}): Graph {
  const { dtype = 'float32', images = 4, channels = 64, size = 32, kernel = 3 } = tried;
  const { activation = (y) => relu(y), affine = true, residual = false } = tried;
  const tracer = new Tracer();
  const image = (c: number) =>
    tracer.input({ shape: [images, c, size, size], dtype, batched: true });
  const filters = (c: number, k: number) => tracer.input({ shape: [channels, c, k, k], dtype });
  const [x, factor, first, second] = [
    image(3),
    image(channels),
    filters(3, 1),
    filters(channels, kernel),
  ];
  const [weight, bias] = affine
    ? [1, 2].map(() => tracer.input({ shape: [channels], dtype }))
    : [null, null];
  const map = conv2d(x, first);
  const { y } = batchNormTraining(map, null, null, weight ?? null, bias ?? null);
  const active = activation(y as Operand);
  const convolved = conv2d(active as Variable, second, null, { padding: 'same' });
  const result = residual ? add(convolved, active) : convolved;
  const sources = [x, first, second, weight, bias].filter((source) => source != null);
  return tracer.graph([
    result,
    ...gradients(sum(mul(result, factor)) as Variable, sources as Variable[]),
  ] as Variable[]);
}

function compiled(graph: Graph, recompute: boolean, isa?: string): NativeExecutable {
  return new NativeExecutable(graph, { passes: { recompute }, ...(isa ? { isa } : {}) });
}

function count({ program }: NativeExecutable): number {
  return program.instructions.filter(({ op }) => op === 'batchNormAgain').length;
}

function run(program: NativeExecutable): number[][] {
  const feeds = program.feeds.map(
    ({ shape, dtype }, i) => random([...shape], i + 1).to(dtype).data,
  );
  const { fetches } = program.runSync({ steps: 1, feeds });
  return fetches.map((values) => [...(values as Float32Array)]);
}

const tries: Readonly<Record<string, Tried>> = {
  relu: {},
  'relu and a residual': { residual: true },
  'relu6 in float64': { activation: (y) => relu6(y), dtype: 'float64', images: 2 },
  'relu without weight and bias': { affine: false },
};

describe.each(Object.entries(tries))(
  'normalization again before a filter gradient: %s',
  (_, tried) => {
    it.each(loadAddon().addon.cpuInfo().isas)('has the bits of what was kept, on %s', (isa) => {
      const graph = graphOf(tried);
      const [again, kept] = [compiled(graph, true, isa), compiled(graph, false, isa)];
      expect([count(again), count(kept)]).toEqual([1, 0]);
      expect(run(again)).toEqual(run(kept));
      again.dispose();
      kept.dispose();
    });
  },
);

it('stands before the filter gradient, the only one that reads it', () => {
  const graph = graphOf();
  const { program } = compiled(graph, true);
  const order = program.instructions.map(({ op }) => op);
  const place = order.indexOf('batchNormAgain');
  expect(order[place + 1]).toBe('conv2dFilterGradient');
  const y = program.instructions.find(({ op }) => op === 'batchNormTraining')?.outputs[0] ?? -1;
  const readers = program.instructions.filter(({ inputs }) => inputs.includes(y));
  expect(readers.map(({ op }) => op)).toEqual(['conv2d']);
});

it('takes a fifth of its arena from a ResNet-18', () => {
  const { architecture } = sn.models.resnet18({ stem: 'small', classes: 10 });
  const data = { x: sn.zeros([16, 3, 32, 32]), y: sn.zeros([16], 'int32') };
  const settings = {
    ...{ architecture, seed: 0, frozen: [] },
    batches: new ResidentBatches(architecture, data as sn.Samples, { batchSize: 16, seed: 0 }),
    ...{ optimizer: sn.optimizers.sgd(0.1), loss: sn.losses.softmaxCrossEntropy() },
    ...{ clipNorm: null, clipValue: null },
  };
  const { tracer, outputs, updates } = traceStep(settings, learnedParameters(settings));
  const graph = tracer.graph(outputs as Parameters<Tracer['graph']>[0], updates);
  const bytes = (recompute: boolean): number =>
    compileProgram(graph, () => 0, { recompute }).arenaBytes;
  expect(bytes(true)).toBeLessThan(0.8 * bytes(false));
});

it.each([
  ['few multiply-adds', { kernel: 1 }],
  ['little memory', { size: 8 }],
  ['no activation, whose gradient has no normalizer', { activation: (y: Operand) => y }],
])('does without where there are %s', (_, tried) => {
  const program = compiled(graphOf(tried), true);
  expect(count(program)).toBe(0);
  program.dispose();
});
