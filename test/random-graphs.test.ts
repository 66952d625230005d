import { afterAll, describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { optimize } from '../lib/compiler/compile.ts';
import { chooseLayouts, reformatOperator } from '../lib/compiler/layout.ts';
import {
  type BackendName,
  cpuInfo,
  StridenetError,
  setDefaultBackend,
  Tensor,
} from '../lib/index.ts';
import { seeds } from './cases/case.ts';
import {
  differenceAt,
  differentiated,
  expectedOf,
  movedFeeds,
  product,
  runGraph,
  worstOf,
} from './support/graphRuns.ts';
import { differingBit } from './support/judge.ts';
import { Random } from './support/random.ts';
import { leftOut, missingRules, rules } from './support/randomGraphs/rules.ts';
import {
  drawGraph,
  leafTensor,
  play,
  printGraph,
  type RandomGraph,
  shrink,
  traced,
} from './support/randomGraphs.ts';

const { isas } = cpuInfo();
/** Half the spacing of numbers at 1; in float64 what is expected rounds as much as what is given. */
const units = { float32: 2 ** -24, float64: 2 * 2 ** -53 };

/** What must hold of a graph: null, or what does not. */
type Property = (graph: RandomGraph) => string | null;

function failureOf(property: Property, graph: RandomGraph): string | null {
  try {
    return property(graph);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

const known = new Map<number, RandomGraph>();

function graphOf(seed: number): RandomGraph {
  const graph = known.get(seed) ?? drawGraph(seed);
  known.set(seed, graph);
  return graph;
}

/** Fails with the smallest graph found that has not got the property. */
function check(property: Property, seed: number, graph = graphOf(seed)): void {
  const failure = failureOf(property, graph);
  if (failure === null) return;
  const small = shrink(graph, (other) => failureOf(property, other) !== null);
  const shown = failureOf(property, small);
  expect.fail(`seed ${seed}: ${failure}\nshrunk: ${shown}\n${printGraph(small)}`);
}

function checkAll(title: string, count: number, property: Property): void {
  const all = seeds(count);
  for (let first = 0; first < all.length; first += 50) {
    const some = all.slice(first, first + 50);
    it(`${title}, seeds ${some[0]} to ${some.at(-1)}`, () => {
      for (const seed of some) check(property, seed);
    });
  }
}

const tally = { directions: 0, doubtful: 0, worst: { float32: 0, float64: 0 } };

afterAll(() => {
  const { directions, doubtful, worst } = tally;
  console.log(
    `central differences along ${directions} directions, ${doubtful} near a kink; ` +
      `native against reference: worst error / bound ${worst.float64.toFixed(3)} in float64, ${worst.float32.toFixed(3)} in float32`,
  );
});

function gradientsAgree(graph: RandomGraph): string | null {
  const whole = differentiated(graph, 'float64');
  const value = whole.tracer.graph([whole.loss]);
  const random = new Random(graph.seed);
  for (const backend of ['reference', 'native'] as const) {
    const [, ...outputs] = runGraph(whole.graph, whole.feeds, { backend });
    const adjoints = outputs.slice(0, whole.places.length);
    const program = backendOf(backend).prepare(value);
    for (let way = 0; way <= adjoints.length && way < 4; way++) {
      // All inputs at once, then some alone.
      const direction = adjoints.map(({ data, shape, dtype }, i) => {
        const along = data.map(() => (way === 0 || way - 1 === i ? random.uniform(-1, 1) : 0));
        return new Tensor(along, shape, dtype);
      });
      const { derivative, doubt } = differenceAt((distance) => {
        const feeds = movedFeeds(whole, direction, distance);
        return program.runSync({ steps: 1, feeds }).fetches[0]?.[0] as number;
      }, 2 ** -14);
      const expected = adjoints.reduce(
        (sum, adjoint, i) => sum + product(adjoint, direction[i] as Tensor),
        0,
      );
      tally.directions++;
      const scale = 1 + Math.abs(derivative);
      if (doubt > 1e-4 * scale) tally.doubtful++;
      else if (!(Math.abs(derivative - expected) <= 1e-6 * scale)) {
        program.dispose();
        return `${backend}: along ${way === 0 ? 'all inputs' : `input ${way - 1}`} the gradient is ${expected} where differences give ${derivative}`;
      }
    }
    program.dispose();
  }
  return null;
}

function backendsAgree(graph: RandomGraph): string | null {
  const wide = differentiated(graph, 'float64');
  const expected = expectedOf(wide.graph, wide.feeds, graph.seed);
  for (const dtype of ['float64', 'float32'] as const) {
    const { graph: narrow, feeds } = dtype === 'float64' ? wide : differentiated(graph, dtype);
    for (const options of [
      { backend: 'reference' } as const,
      ...isas.map((isa) => ({ backend: 'native', isa }) as const),
    ]) {
      const { worst, where } = worstOf(runGraph(narrow, feeds, options), expected, units[dtype]);
      tally.worst[dtype] = Math.max(tally.worst[dtype], worst);
      if (worst > 1) return `${JSON.stringify(options)} ${dtype}: ${where}`;
    }
  }
  return null;
}

const onAndOff = [true, false];

/** All combinations of passes; memory that is shared or not must not show in a bit. */
function passesAgree(graph: RandomGraph): string | null {
  const dtype = graph.seed % 2 === 0 ? 'float32' : 'float64';
  const wide = differentiated(graph, 'float64');
  const expected = expectedOf(wide.graph, wide.feeds, graph.seed);
  const { graph: narrow, feeds } = dtype === 'float64' ? wide : differentiated(graph, dtype);
  for (const fuse of onAndOff) {
    for (const layout of onAndOff) {
      for (const deadCode of onAndOff) {
        const [shared, apart] = onAndOff.map((reuse) => {
          const passes = { fuse, layout, deadCode, reuse };
          return runGraph(narrow, feeds, { backend: 'native', passes });
        }) as [Tensor[], Tensor[]];
        const place = `${dtype} ${JSON.stringify({ fuse, layout, deadCode })}`;
        const { worst, where } = worstOf(shared, expected, units[dtype]);
        if (worst > 1) return `${place}: ${where}`;
        const differing = differingBit(shared, apart);
        if (differing !== null) return `${place} with and without reuse: ${differing}`;
      }
    }
  }
  return null;
}

/** Of a batch that gives several threads work: elementwise operators are cut every 2¹⁴ elements. */
function threadsAgree(graph: RandomGraph): string | null {
  const dtype = graph.seed % 2 === 0 ? 'float64' : 'float32';
  const { graph: whole, feeds } = differentiated(
    graph,
    dtype,
    graph.batch === 0 ? 0 : graph.seed % 3 === 0 ? 1000 : 100,
  );
  for (const isa of isas) {
    const run = (threads: number, runs: number) =>
      runGraph(whole, feeds, { backend: 'native', isa, threads, runs });
    const alone = run(1, 1);
    for (const threads of [1, 2, 3, 8]) {
      const differing = differingBit(run(threads, 2), alone);
      if (differing !== null) return `${dtype} on ${isa} with ${threads} threads: ${differing}`;
    }
  }
  return null;
}

/** A Program for a larger batch, in a step with a smaller one. */
function batchesAgree(graph: RandomGraph): string | null {
  if (graph.batch === 0) return null;
  const dtype = graph.seed % 2 === 0 ? 'float32' : 'float64';
  const wide = differentiated(graph, 'float64');
  const expected = expectedOf(wide.graph, wide.feeds, graph.seed);
  for (const more of [1, 5]) {
    const { graph: larger, feeds } = differentiated(graph, dtype, graph.batch + more);
    for (const backend of ['reference', 'native'] as const) {
      const outputs = runGraph(larger, feeds, { backend, batch: graph.batch });
      const { worst, where } = worstOf(outputs, expected, units[dtype]);
      if (worst > 1) return `${backend} ${dtype} bound ${graph.batch + more}: ${where}`;
    }
  }
  return null;
}

/** What a step without samples gives, or what it throws but for the layout of shapes. */
function emptyStep(graph: RandomGraph, backend: BackendName): Tensor[] | string {
  const { graph: whole, feeds } = differentiated(graph, 'float64');
  try {
    return runGraph(whole, feeds, { backend, batch: 0 });
  } catch (error) {
    if (!(error instanceof StridenetError)) throw error;
    return `${error.code} ${error.message.split(' (')[0]}`;
  }
}

/** Sums of nothing are 0, means of nothing are NaN, and nothing has no largest element. */
function emptyStepsAgree(graph: RandomGraph): string | null {
  if (graph.batch === 0) return null;
  const [loops, native] = [emptyStep(graph, 'reference'), emptyStep(graph, 'native')];
  if (typeof loops === 'string' || typeof native === 'string') {
    return String(loops) === String(native) ? null : `reference ${loops}, native ${native}`;
  }
  for (const [o, { data }] of loops.entries()) {
    const differs = data.findIndex((a, i) => {
      const b = native[o]?.data[i] as number;
      return !Object.is(a, b) && !(Math.abs(a - b) <= 1e-9 * (1 + Math.abs(a)));
    });
    if (differs >= 0) return `output ${o}: ${data[differs]}, native ${native[o]?.data[differs]}`;
  }
  return null;
}

/** Every value, computed operator by operator, has the bits that the whole graph gives. */
function eagerAgrees(graph: RandomGraph): string | null {
  const dtype = graph.seed % 2 === 0 ? 'float32' : 'float64';
  const passes = { fuse: false, layout: false };
  for (const backend of ['reference', 'native'] as const) {
    setDefaultBackend(backend);
    const { tracer, values, feeds } = traced(graph, dtype);
    const whole = tracer.graph(values.flat());
    const eager = play(graph, (leaf) => leafTensor(leaf, dtype, graph.batch)).flat() as Tensor[];
    const differing = differingBit(runGraph(whole, feeds, { backend, passes }), eager);
    if (differing !== null) return `${backend} ${dtype}: ${differing}`;
  }
  return null;
}

describe('random graphs', () => {
  it('are drawn over every operator of sn.ops', () => {
    expect(missingRules()).toEqual([]);
    const used = new Set<string>();
    for (let seed = 1; seed <= 200; seed++) {
      for (const item of graphOf(seed).items) if (item.kind === 'step') used.add(item.rule);
    }
    expect(Object.keys(rules).filter((name) => !used.has(name))).toEqual([]);
    for (const reason of Object.values(leftOut)) expect(reason.length).toBeGreaterThan(20);
  });

  it('are such that every pass of the compiler has something to do', () => {
    const counts = { fused: 0, reformatted: 0, dropped: 0 };
    for (let seed = 1; seed <= 60; seed++) {
      const { graph } = differentiated(graphOf(seed), 'float32');
      const optimized = optimize(graph);
      if (optimized.nodes.some(({ parts }) => parts !== undefined)) counts.fused++;
      if (optimize(graph, { fuse: false }).nodes.length < graph.nodes.length) counts.dropped++;
      const { nodes } = chooseLayouts(optimized);
      if (nodes.some(({ operator }) => operator === reformatOperator)) counts.reformatted++;
    }
    for (const [what, count] of Object.entries(counts)) expect(count, what).toBeGreaterThan(5);
  });

  checkAll('have the gradients of central differences', 200, gradientsAgree);
  checkAll('give the same natively and by the reference', 150, backendsAgree);
  checkAll('give the same with and without each pass', 40, passesAgree);
  checkAll('have the same bits on any number of threads', 60, threadsAgree);
  checkAll('give the same in a smaller step of a larger batch', 100, batchesAgree);
  checkAll('give the same in a step without samples', 150, emptyStepsAgree);
  checkAll('give what operators one by one give', 60, eagerAgrees);
});
