import { describe, expect, it } from 'vitest';
import { loadAddon } from '../lib/backends/addon.ts';
import { backendOf } from '../lib/backends/index.ts';
import { optimize } from '../lib/compiler/compile.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { type Graph, type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Conv2dOptions } from '../lib/ops/conv2d.ts';
import type { MaxPool2dOptions } from '../lib/ops/maxPool2d.ts';
import type { Variable } from '../lib/ops/operator.ts';
import { random } from './support/graphs.ts';
import { backends } from './support/networks.ts';

const { add, conv2d, maxPool2d, mul, relu, relu6, square, sum } = sn.ops;

interface Case {
  /** (N, C, H, W) */
  readonly x: [number, number, number, number];
  readonly filters: number;
  readonly kernel: number;
  readonly conv?: Conv2dOptions;
  readonly pool?: MaxPool2dOptions;
  readonly activation?: typeof relu;
  /** Without one the case has none. */
  readonly bias?: boolean;
  /** The gradient of x is wanted too, so that the map's is needed. */
  readonly image?: boolean;
}

const cases: Readonly<Record<string, Case>> = {
  'the network of the mission': { x: [5, 1, 28, 28], filters: 32, kernel: 3 },
  'five taps': { x: [3, 1, 13, 15], filters: 17, kernel: 5, conv: { padding: 2 } },
  'three channels, padded': { x: [2, 3, 9, 8], filters: 7, kernel: 3, conv: { padding: 1 } },
  'many channels, two blocks of the depth': { x: [2, 70, 10, 9], filters: 35, kernel: 3 },
  'one filter': { x: [2, 2, 6, 6], filters: 1, kernel: 2 },
  'seventy filters': { x: [2, 1, 7, 9], filters: 70, kernel: 2 },
  'the input gradient too': { x: [2, 4, 12, 12], filters: 20, kernel: 3, image: true },
  'no bias': { x: [2, 3, 8, 8], filters: 33, kernel: 3, bias: false },
  'no activation': { x: [2, 1, 8, 8], filters: 9, kernel: 3, activation: (y) => y as never },
  relu6: { x: [2, 1, 8, 8], filters: 9, kernel: 3, activation: relu6 },
  'steps and dilation': {
    ...{ x: [2, 2, 20, 17], filters: 18, kernel: 3 },
    conv: {
      stride: [2, 1],
      dilation: [1, 2],
      padding: [
        [1, 0],
        [0, 2],
      ],
      flipKernel: true,
    },
  },
  'overlapping windows': {
    ...{ x: [2, 1, 15, 15], filters: 33, kernel: 3 },
    pool: { kernelSize: 3, stride: 2, padding: 1 },
  },
  'windows with gaps': {
    ...{ x: [2, 1, 15, 16], filters: 8, kernel: 3 },
    pool: { kernelSize: 2, stride: 3 },
  },
  'windows over the end': {
    ...{ x: [2, 1, 9, 9], filters: 8, kernel: 3 },
    pool: { kernelSize: 2, ceilMode: true },
  },
  'dilated windows': {
    ...{ x: [2, 2, 12, 12], filters: 8, kernel: 3 },
    pool: { kernelSize: 2, stride: 4, dilation: 2 },
  },
  'large windows': {
    ...{ x: [1, 1, 40, 40], filters: 5, kernel: 3 },
    pool: { kernelSize: 16, stride: 8 },
  },
  groups: { x: [2, 4, 8, 8], filters: 8, kernel: 3, conv: { groups: 2 } },
  'few filters of long patches': { x: [2, 16, 14, 14], filters: 6, kernel: 5 },
  'few filters of many channels': { x: [2, 12, 8, 8], filters: 3, kernel: 3 },
};

const tieRules = ['all', 'split'] as const;

/** Images of few values, so that many cells of a window are equal. */
function coarsen({ data }: sn.Tensor): void {
  for (let i = 0; i < data.length; i++) data[i] = Math.round((data[i] as number) * 1.5) / 2;
}

interface Traced {
  readonly graph: Graph;
  readonly feeds: sn.Tensor[];
}

/** y and the gradients of a sum that weighs its elements. */
function trace(
  { x: shape, filters, kernel, conv, pool, activation = relu, bias = true, image = false }: Case,
  dtype: 'float32' | 'float64',
  edit: (image: sn.Tensor) => void = () => {},
): Traced {
  const tracer = new Tracer();
  const x = tracer.input({ shape, dtype, batched: true });
  const weight = tracer.input({
    shape: [filters, shape[1] / (conv?.groups ?? 1), kernel, kernel],
    dtype,
  });
  const b = tracer.input({ shape: [filters], dtype });
  const map = activation(conv2d(x as Variable, weight as Variable, bias ? b : null, conv));
  const y = maxPool2d(map, { kernelSize: 2, ...pool }) as GraphVariable;
  const scale = tracer.input({ shape: y.shape, dtype, batched: true });
  // A gradient of scale · (2y + 1): not 0 where y is, so that what must not pass it on is seen.
  const loss = sum(mul(add(square(y), y), scale as Variable));
  const wanted = [weight, ...(bias ? [b] : []), ...(image ? [x] : [])] as Variable[];
  const graph = tracer.graph([y, ...(gradients(loss, wanted) as Variable[])]);
  const feeds = [x, weight, b, scale].map((input, i) => random([...input.shape], i + 1).to(dtype));
  edit(feeds[0] as sn.Tensor);
  return { graph, feeds };
}

function run(
  { graph, feeds }: Traced,
  backend: sn.BackendName,
  fuse: boolean,
  options: { isa?: string; batch?: number; threads?: number } = {},
): number[][] {
  const { batch, ...own } = options;
  const program = backendOf(backend).prepare(graph, { passes: { fuse }, ...own });
  const { fetches } = program.runSync({
    steps: 1,
    feeds: feeds.map(({ data }) => data),
    ...(batch === undefined ? {} : { batch: Int32Array.of(batch) }),
  });
  program.dispose();
  return fetches.map((values) => [...(values as Float32Array)]);
}

/** The first, y, bit by bit; the gradients relative to their largest element. */
function expectAlike(found: number[][], expected: number[][], dtype: string): void {
  expect(found[0]).toEqual(expected[0]);
  found.slice(1).forEach((values, i) => {
    const others = expected[i + 1] as number[];
    const largest = Math.max(...others.map(Math.abs));
    const bound = (dtype === 'float32' ? 2e-6 : 4e-15) * largest;
    const worst = Math.max(...values.map((value, j) => Math.abs(value - (others[j] as number))));
    expect(worst, `gradient ${i}`).toBeLessThanOrEqual(bound);
    expect(largest).toBeGreaterThan(0);
  });
}

const isas = loadAddon().addon.cpuInfo().isas;

describe.each(['float32', 'float64'] as const)('pooled convolutions of %s', (dtype) => {
  describe.each(Object.entries(cases))('%s', (_, each) => {
    const traced = trace(each, dtype);

    it.each(backends)('are what they are unfused on %s', (backend) => {
      const unfused = run(traced, backend, false);
      expectAlike(run(traced, backend, true), unfused, dtype);
    });

    it.each(isas)('are so on %s, on one thread as on two', (isa) => {
      const fused = run(traced, 'native', true, { isa, threads: 1 });
      expectAlike(fused, run(traced, 'native', false, { isa }), dtype);
      expect(run(traced, 'native', true, { isa, threads: 2 })).toEqual(fused);
    });

    it('are so for fewer samples than the bound, and none', () => {
      const [batch] = each.x;
      const one = run(traced, 'native', true, { batch: 1 });
      expectAlike(one, run(traced, 'native', false, { batch: 1 }), dtype);
      if (batch > 1) expect(one[1]).not.toEqual(run(traced, 'native', true)[1]);
      const none = run(traced, 'native', true, { batch: 0 });
      expect(
        none
          .slice(1)
          .flat()
          .every((value) => value === 0),
      ).toBe(true);
    });
  });

  describe.each(tieRules)('whose ties go to %s', (ties) => {
    describe.each(Object.entries(cases))('%s', (_, each) => {
      const traced = trace(
        { ...each, pool: { kernelSize: 2, ...each.pool, ties } },
        dtype,
        coarsen,
      );

      it.each(backends)('are what they are unfused on %s', (backend) => {
        const unfused = run(traced, backend, false);
        expectAlike(run(traced, backend, true), unfused, dtype);
      });

      it.each(isas)('are so on %s, on one thread as on two', (isa) => {
        const fused = run(traced, 'native', true, { isa, threads: 1 });
        expectAlike(fused, run(traced, 'native', false, { isa }), dtype);
        expect(run(traced, 'native', true, { isa, threads: 2 })).toEqual(fused);
      });

      it('are so for fewer samples than the bound', () => {
        const one = run(traced, 'native', true, { batch: 1 });
        expectAlike(one, run(traced, 'native', false, { batch: 1 }), dtype);
      });
    });

    it('give exactly the sums of small integers', () => {
      const integers = ({ data }: sn.Tensor): void => {
        for (let i = 0; i < data.length; i++) data[i] = 4 * (i % 3) - 4;
      };
      const traced = trace(
        { x: [2, 1, 12, 12], filters: 20, kernel: 1, pool: { kernelSize: 2, ties } },
        dtype,
        integers,
      );
      for (const feed of traced.feeds.slice(1)) {
        for (let i = 0; i < feed.size; i++) feed.data[i] = 12 * (1 - (i % 3));
      }
      for (const isa of isas) {
        const fused = run(traced, 'native', true, { isa });
        expect(fused).toEqual(run(traced, 'native', false, { isa }));
        expect(fused).toEqual(run(traced, 'reference', false));
      }
    });

    it('know windows of equal cells, NaN and −0', () => {
      const odd = trace(
        { x: [1, 1, 12, 12], filters: 20, kernel: 1, bias: false, pool: { kernelSize: 2, ties } },
        dtype,
        ({ data }) => {
          data.fill(0.5, 0, 50);
          data.fill(0, 50, 70);
          for (const [place, value] of [Number.NaN, -0, 0, Number.NaN].entries()) {
            data[7 * place + 60] = value;
          }
        },
      );
      for (const isa of isas) {
        const [y = [], dw = []] = run(odd, 'native', true, { isa });
        const [other = [], otherDw = []] = run(odd, 'native', false, { isa });
        expect(y).toEqual(other);
        expect(y.filter(Number.isNaN).length).toBe(40);
        expect(dw.map(Number.isNaN)).toEqual(otherDw.map(Number.isNaN));
      }
    });
  });

  it('let the first of equal cells win', () => {
    const ties = trace({ x: [2, 1, 12, 12], filters: 20, kernel: 3 }, dtype, ({ data }) => {
      data.fill(0.5);
      data.fill(0.25, 40, 70);
    });
    for (const isa of isas) {
      expectAlike(run(ties, 'native', true, { isa }), run(ties, 'native', false, { isa }), dtype);
    }
  });

  it('know NaN and −0 among the cells', () => {
    const odd = trace({ x: [1, 1, 12, 12], filters: 20, kernel: 1 }, dtype, ({ data }) => {
      for (const [place, value] of [Number.NaN, -0, 0, Number.NaN, 1e30].entries()) {
        data[7 * place] = value;
      }
    });
    for (const isa of isas) {
      const [y = []] = run(odd, 'native', true, { isa });
      const [other = []] = run(odd, 'native', false, { isa });
      expect(y).toEqual(other);
      expect(y.filter(Number.isNaN).length).toBe(40);
    }
  });
});

/** What a function of an image of equal cells and of filters of ones gives. */
function graphWinners(graph: Graph, backend: sn.BackendName): number[][] {
  const program = backendOf(backend).prepare(graph, {});
  const feeds = graph.inputs.map(({ variable }) => sn.zeros([...variable.shape]).data.fill(1));
  const { fetches } = program.runSync({ steps: 1, feeds });
  program.dispose();
  return fetches.map((values) => [...(values as Float32Array)]);
}

describe('what becomes one instruction', () => {
  const names = (graph: Graph): string[] =>
    optimize(graph).nodes.map(({ operator }) => operator.name);

  it('leaves no map before the pool, and no gradient of one, in a training step', () => {
    const { graph } = trace(cases['the network of the mission'] as Case, 'float32');
    const found = names(graph);
    expect(found).toContain('conv2dMaxPool');
    expect(found).toContain('conv2dMaxPoolGradient');
    for (const name of ['maxPool2dGradient', 'reluGradient', 'relu', 'biasGradient']) {
      expect(found).not.toContain(name);
    }
  });

  it.each(tieRules)('leaves none where ties go to %s', (ties) => {
    const each = cases['the network of the mission'] as Case;
    const found = names(trace({ ...each, pool: { kernelSize: 2, ties } }, 'float32').graph);
    expect(found).toContain('conv2dMaxPool');
    expect(found).toContain('conv2dMaxPoolGradient');
    const gone = ['maxPool2dTieGradient', 'maxPool2dMaskGradient', 'reluGradient', 'biasGradient'];
    for (const name of gone) expect(found).not.toContain(name);
  });

  it('keeps the map where ties go to several of more than 8 cells', () => {
    const pool = { kernelSize: 3, ties: 'all' } as const;
    const found = names(trace({ x: [1, 1, 8, 8], filters: 2, kernel: 3, pool }, 'float32').graph);
    expect(found).toContain('maxPool2dTieGradient');
    expect(found).not.toContain('conv2dMaxPool');
  });

  it('keeps masks alone of a pool whose input gradient is wanted', () => {
    const pool = { kernelSize: 2, ties: 'split' } as const;
    const each = { ...(cases['the input gradient too'] as Case), pool };
    const found = names(trace(each, 'float32').graph);
    expect(found).toContain('conv2dMaxPool');
    expect(found.indexOf('reluGradient')).toBeLessThan(found.indexOf('maxPool2dMaskGradient'));
  });

  it('knows winners that are asked for from masks', () => {
    const graph = sn.trace(
      (x: sn.Variable, w: sn.Variable) =>
        sn.ops.maxPool2dWithWinners(conv2d(x, w), { kernelSize: 2, ties: 'all' }),
      { shape: [1, 1, 6, 6], dtype: 'float32' },
      { shape: [2, 1, 3, 3], dtype: 'float32' },
    );
    expect(graphWinners(graph, 'native')).toEqual(graphWinners(graph, 'reference'));
  });

  it('moves the gradient of the ReLU before that of the pool', () => {
    const found = names(trace(cases['the input gradient too'] as Case, 'float32').graph);
    expect(found.indexOf('reluGradient')).toBeLessThan(found.indexOf('maxPool2dGradient'));
    expect(found).toContain('conv2dFilterGradient');
  });

  it('keeps a map and winners that others see', () => {
    const graph = sn.trace(
      (x: sn.Variable, w: sn.Variable) => {
        const map = relu(conv2d(x, w));
        return [map, maxPool2d(map, { kernelSize: 2 })];
      },
      { shape: [1, 1, 6, 6], dtype: 'float32' },
      { shape: [2, 1, 3, 3], dtype: 'float32' },
    );
    expect(names(graph)).toEqual(['conv2d', 'maxPool2d']);
  });
});
