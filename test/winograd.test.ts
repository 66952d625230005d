import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../lib/backends/addon.ts';
import { backendOf } from '../lib/backends/index.ts';
import { NativeExecutable } from '../lib/backends/native.ts';
import type { PassOptions } from '../lib/compiler/compile.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { type Graph, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Conv2dOptions } from '../lib/ops/conv2d.ts';
import type { MaxPool2dOptions } from '../lib/ops/maxPool2d.ts';
import { random } from './support/graphs.ts';

const { conv2d, maxPool2d, mul, relu, sum } = sn.ops;
const { isas } = loadAddon().addon.cpuInfo();

interface Geometry {
  readonly x: readonly [number, number, number, number];
  readonly filters: number;
  readonly kernel?: number;
  readonly options?: Conv2dOptions;
}

const suitable: readonly Geometry[] = [
  { x: [2, 16, 8, 8], filters: 16, options: { padding: 1 } },
  { x: [3, 17, 7, 5], filters: 33, options: { padding: 1 } },
  { x: [1, 40, 4, 9], filters: 16 },
  { x: [1, 16, 3, 3], filters: 70 },
  { x: [1, 16, 1, 2], filters: 16, options: { padding: 4, flipKernel: true } },
  { x: [2, 300, 6, 6], filters: 24, options: { padding: 1, flipKernel: true } },
  {
    x: [2, 18, 5, 6],
    filters: 20,
    options: {
      padding: [
        [0, 2],
        [3, 1],
      ],
    },
  },
];

/** Of which every part is computed as without the pass. */
const unsuitable: readonly Geometry[] = [
  { x: [1, 16, 8, 8], filters: 16, options: { stride: 2 } },
  { x: [1, 16, 8, 8], filters: 16, options: { dilation: 2 } },
  { x: [1, 32, 8, 8], filters: 32, options: { groups: 2 } },
  { x: [1, 16, 8, 8], filters: 16, kernel: 5 },
  { x: [1, 15, 8, 8], filters: 16 },
  { x: [1, 16, 8, 8], filters: 15 },
];

/** What a graph of a convolution is made of: numbers in [−1, 1), or integers within ±4. */
function operands({ x, filters, kernel = 3, options }: Geometry, whole: boolean) {
  const draw = (shape: readonly number[], seed: number): sn.Tensor => {
    const drawn = random([...shape], seed);
    for (let i = 0; whole && i < drawn.size; i++) {
      drawn.data[i] = Math.round(4 * (drawn.data[i] as number));
    }
    return drawn;
  };
  const weight = draw([filters, x[1] / (options?.groups ?? 1), kernel, kernel], 2);
  const y = conv2d(sn.zeros(x), sn.zeros(weight.shape), null, options);
  return { x: draw(x, 1), weight, bias: draw([filters], 3), dy: draw(y.shape, 4) };
}

/** relu(x ∗ weight + bias) and dx = the gradient of Σ dy · (x ∗ weight) to x. */
function graphOf(geometry: Geometry, dtype: sn.FloatDType, whole: boolean): Graph {
  const { x, weight, bias, dy } = operands(geometry, whole);
  const tracer = new Tracer();
  const image = tracer.input({ shape: x.shape, dtype, batched: true });
  const seed = tracer.input({ shape: dy.shape, dtype, batched: true });
  const filters = weight.to(dtype);
  const y = relu(conv2d(image, filters, bias.to(dtype), geometry.options));
  const loss = sum(mul(conv2d(image, filters, null, geometry.options), seed));
  return tracer.graph([y, gradients(loss, [image])[0] as sn.Variable]);
}

interface Run {
  readonly winograd: boolean;
  readonly backend?: sn.BackendName;
  readonly isa?: string;
  readonly threads?: number;
  readonly whole?: boolean;
}

function run(geometry: Geometry, dtype: sn.FloatDType, settings: Run): number[][] {
  const { winograd, backend = 'native', whole = false, ...rest } = settings;
  const program = backendOf(backend).prepare(graphOf(geometry, dtype, whole), {
    passes: { winograd },
    ...rest,
  });
  const { x, dy } = operands(geometry, whole);
  const feeds = [x.to(dtype).data, dy.to(dtype).data];
  const { fetches } = program.runSync({ steps: 1, feeds });
  program.dispose();
  return fetches.map((values) => [...(values as Float32Array)]);
}

/**
 * What an output may be off by: 4·√(9·C)·u times Σ_c max|x_c| · Σ|w_c|, the maxima over the whole
 * sample, as each product mixes the inputs of a tile.
 */
function bounds(x: sn.Tensor, weight: sn.Tensor, turned: boolean, u: number): number[][] {
  const [samples = 0, channels = 0, height = 0, width = 0] = x.shape;
  const filters = weight.shape[turned ? 1 : 0] as number;
  const inner = weight.shape[1] as number;
  return Array.from({ length: samples }, (_, n) =>
    Array.from({ length: filters }, (_, k) => {
      let most = 0;
      for (let c = 0; c < channels; c++) {
        const plane = height * width;
        const from = (n * channels + c) * plane;
        const sizes = [...x.data.slice(from, from + plane)].map(Math.abs);
        const at = 9 * (turned ? c * inner + k : k * inner + c);
        const taps = [...weight.data.slice(at, at + 9)].map(Math.abs);
        most += Math.max(...sizes) * taps.reduce((a, b) => a + b);
      }
      return 4 * Math.sqrt(9 * channels) * u * (most + 1);
    }),
  );
}

/** The largest error in units of what it may be. */
function worst(got: number[], want: number[], perImage: number[][]): number {
  const entries = perImage.flat();
  const area = got.length / entries.length;
  return Math.max(
    0,
    ...got.map((value, i) => {
      const error = Math.abs(value - (want[i] as number));
      return error / (entries[Math.floor(i / area)] as number);
    }),
  );
}

describe.each(isas)("Winograd's convolution on %s", (isa) => {
  it.each(suitable)('is exact on integers: $x to $filters, $options', (geometry) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const got = run(geometry, dtype, { winograd: true, isa, whole: true });
      const want = run(geometry, dtype, { winograd: false, backend: 'reference', whole: true });
      const unsigned = (all: number[][]) => all.map((values) => values.map((value) => value + 0));
      expect(unsigned(got)).toEqual(unsigned(want));
    }
  });

  it.each(suitable)('keeps its bound on real numbers: $x to $filters, $options', (geometry) => {
    for (const [dtype, u] of [['float32', 2 ** -24] as const, ['float64', 2 ** -53] as const]) {
      const got = run(geometry, dtype, { winograd: true, isa });
      const want = run(geometry, 'float64', { winograd: false, backend: 'reference' });
      const { x, weight, dy } = operands(geometry, false);
      const forward = worst(got[0] as number[], want[0] as number[], bounds(x, weight, false, u));
      expect(forward).toBeLessThan(1);
      expect(
        worst(got[1] as number[], want[1] as number[], bounds(dy, weight, true, u)),
      ).toBeLessThan(1);
      // Bits of another sum: the pass is not without effect.
      expect(got).not.toEqual(run(geometry, dtype, { winograd: false, isa }));
    }
  });

  it('has the same bits on any number of threads, for a sample alone and in a batch', () => {
    const geometry: Geometry = { x: [5, 24, 9, 9], filters: 40, options: { padding: 1 } };
    const whole = run(geometry, 'float32', { winograd: true, isa, threads: 1 });
    for (const threads of [2, 3]) {
      expect(run(geometry, 'float32', { winograd: true, isa, threads })).toEqual(whole);
    }
    const { x, weight } = operands(geometry, false);
    const alone = backendOf('native').prepare(
      sn.trace((image: sn.Variable) => conv2d(image, weight, null, { padding: 1 }), {
        shape: [1, 24, 9, 9],
        dtype: 'float32',
      }),
      { passes: { winograd: true }, isa },
    );
    const all = backendOf('native').prepare(
      sn.trace((image: sn.Variable) => conv2d(image, weight, null, { padding: 1 }), x),
      { passes: { winograd: true }, isa },
    );
    const together = all.runSync({ steps: 1, feeds: [x.data] }).fetches[0] as Float32Array;
    for (let n = 0; n < 5; n++) {
      const feeds = [x.data.slice(n * 24 * 81, (n + 1) * 24 * 81)];
      const [own] = alone.runSync({ steps: 1, feeds }).fetches;
      expect(own).toEqual(together.slice(n * 40 * 81, (n + 1) * 40 * 81));
    }
    alone.dispose();
    all.dispose();
  });

  it.each(unsuitable)('leaves other convolutions as they are: $x to $filters', (geometry) => {
    const settings = { isa, winograd: false };
    const plain = run(geometry, 'float32', settings);
    expect(run(geometry, 'float32', { ...settings, winograd: true })).toEqual(plain);
  });
});

/**
 * y = maxPool2d(relu(x ∗ weight + bias)) and the gradients of Σ dy · y to x, weight and bias. dy is
 * made of integers, so that the gradient of the bias has the same bits in any order of its terms.
 */
function pooledGraph({ x, filters, options }: Geometry, pool: MaxPool2dOptions) {
  const tracer = new Tracer();
  const input = (shape: readonly number[], batched: boolean) =>
    tracer.input({ shape, dtype: 'float32', batched });
  const image = input(x, true);
  const weight = input([filters, x[1], 3, 3], false);
  const bias = input([filters], false);
  const y = maxPool2d(relu(conv2d(image, weight, bias, options)), pool);
  const dy = input(y.shape, true);
  const own = [image, weight, bias];
  const graph = tracer.graph([y, ...(gradients(sum(mul(y, dy)), own) as sn.Variable[])]);
  const feeds = [...own, dy].map(({ shape }, i) => {
    const { data } = random([...shape], i + 1);
    return i < own.length ? data : data.map((value) => Math.round(4 * value));
  });
  return { graph, feeds };
}

describe.each(isas)("pools of Winograd's convolution on %s", (isa) => {
  const pools: readonly MaxPool2dOptions[] = [
    { kernelSize: 2 },
    { kernelSize: 2, ties: 'split' },
    { kernelSize: 3, stride: 2, padding: 1 },
  ];
  const geometries: readonly Geometry[] = [
    { x: [3, 16, 8, 10], filters: 32, options: { padding: 1 } },
    { x: [2, 20, 11, 9], filters: 17, options: { flipKernel: true } },
  ];
  const cases = geometries.flatMap((geometry) => pools.map((pool) => ({ geometry, pool })));

  it.each(cases)('have the same bits fused and unfused: %j', ({ geometry, pool }) => {
    const { graph, feeds } = pooledGraph(geometry, pool);
    const results = (passes: PassOptions) => {
      const executable = new NativeExecutable(graph, { passes, isa });
      const { fetches } = executable.runSync({ steps: 1, feeds });
      const fused = executable.program.instructions.some(({ op }) => op === 'conv2dMaxPool');
      executable.dispose();
      return { fused, fetches };
    };
    const fused = results({ winograd: true });
    const unfused = results({ winograd: true, fuse: false });
    expect([fused.fused, unfused.fused]).toEqual([true, false]);
    expect(fused.fetches).toEqual(unfused.fetches);
    expect(fused.fetches[0]).not.toEqual(results({ winograd: false }).fetches[0]);
  });
});

describe('a network with winograd', () => {
  const { layers } = sn;
  const network = (winograd: boolean, backend: sn.BackendName = 'native') =>
    sn.sequential({
      inputShape: [16, 10, 10],
      layers: [
        layers.conv2d({ filters: 32, kernelSize: 3, padding: 1, activation: 'relu' }),
        layers.batchNorm(),
        layers.conv2d({ filters: 16, kernelSize: 3, activation: 'relu' }),
        layers.maxPool2d({ kernelSize: 2 }),
        layers.flatten(),
        layers.dense({ units: 3 }),
      ],
      winograd,
      backend,
    });

  it('is saved, loaded and predicts as one without, within rounding', async () => {
    const x = random([7, 16, 10, 10], 1);
    const folder = await mkdtemp(path.join(tmpdir(), 'stridenet-'));
    const file = path.join(folder, 'net.safetensors');
    const plain = await network(false).predict(x);
    const own = network(true);
    await own.save(file);
    const loaded = await sn.load(file, { winograd: true });
    const [fast, again] = [await own.predict(x), await loaded.predict(x)];
    await rm(folder, { recursive: true });
    expect(again.data).toEqual(fast.data);
    expect(fast.data).not.toEqual(plain.data);
    fast.data.forEach((value, i) => {
      expect(Math.abs(value - (plain.data[i] as number))).toBeLessThan(1e-4);
    });
  });

  it('trains like one without', async () => {
    const x = random([40, 16, 10, 10], 2);
    const y = sn.zeros([40], 'int32');
    for (let i = 0; i < 40; i++) y.data[i] = i % 3;
    const losses = await Promise.all(
      [true, false].map(async (winograd) => {
        const history = await network(winograd).fit(
          { x, y },
          { epochs: 2, batchSize: 20, seed: 3 },
        );
        return history.epochs.at(-1)?.loss as number;
      }),
    );
    expect(losses[0]).not.toBe(losses[1]);
    expect(losses[0]).toBeCloseTo(losses[1] as number, 3);
  });

  it('packs transformed filters once for what no step changes', () => {
    const tracer = new Tracer();
    const image = tracer.input({ shape: [2, 16, 8, 8], dtype: 'float32', batched: true });
    const weight = tracer.input({ shape: [32, 16, 3, 3], dtype: 'float32' }, 'state');
    const graph = tracer.graph([conv2d(image, weight, null, { padding: 1 })]);
    const passes = { winograd: true };
    const names = (executable: NativeExecutable) =>
      executable.program.instructions.map(({ op }) => op);
    const executable = new NativeExecutable(graph, { passes });
    expect(names(executable)[0]).toBe('packConv2dWeight');
    expect(executable.program.prologue).toBe(1);
    executable.write(0, random([32, 16, 3, 3], 5));
    const unpacked = new NativeExecutable(graph, { passes: { ...passes, hoist: false } });
    unpacked.write(0, random([32, 16, 3, 3], 5));
    const feeds = [random([2, 16, 8, 8], 6).data];
    const [once, each] = [executable, unpacked].map(
      (one) => one.runSync({ steps: 1, feeds }).fetches[0],
    );
    expect(once).toEqual(each);
    executable.dispose();
    unpacked.dispose();
  });

  it.each([1, 'yes', null])('refuses %o', (winograd) => {
    const options = { inputShape: [1], layers: [], winograd } as unknown as sn.SequentialOptions;
    expect(() => sn.sequential(options)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining('winograd'),
      }),
    );
  });
});
