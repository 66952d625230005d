import { afterAll, describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { cpuInfo, Tensor } from '../lib/index.ts';
import { seeds } from './cases/case.ts';
import {
  type Differentiated,
  differenceAt,
  differentiated,
  expectedOf,
  runGraph,
  worstOf,
} from './support/graphRuns.ts';
import { Random } from './support/random.ts';
import { leftOut, missingRules, rules } from './support/randomGraphs/rules.ts';
import { drawGraph, printGraph, type RandomGraph, shrink } from './support/randomGraphs.ts';

const { isas } = cpuInfo();
const units = { float32: 2 ** -24, float64: 2 ** -53 };

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

/** Feeds moved along a direction. */
function movedFeeds(
  { feeds, places }: Differentiated,
  direction: readonly Tensor[],
  distance: number,
): Tensor['data'][] {
  return feeds.map(({ data }, i) => {
    const along = direction[places.indexOf(i)];
    return along ? data.map((x, j) => x + distance * (along.data[j] as number)) : data;
  });
}

function product(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.size; i++) sum += (a.data[i] as number) * (b.data[i] as number);
  return sum;
}

function gradientsAgree(graph: RandomGraph): string | null {
  const whole = differentiated(graph, 'float64');
  const value = whole.tracer.graph([whole.loss]);
  const random = new Random(graph.seed);
  for (const backend of ['reference', 'native'] as const) {
    const [, ...adjoints] = runGraph(whole.graph, whole.feeds, { backend });
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

describe('random graphs', () => {
  it('are drawn over every operator of sn.ops', () => {
    expect(missingRules()).toEqual([]);
    const used = new Set<string>();
    for (const seed of seeds(300)) {
      for (const item of graphOf(seed).items) if (item.kind === 'step') used.add(item.rule);
    }
    expect(Object.keys(rules).filter((name) => !used.has(name))).toEqual([]);
    for (const reason of Object.values(leftOut)) expect(reason.length).toBeGreaterThan(20);
  });

  checkAll('have the gradients of central differences', 300, gradientsAgree);
  checkAll('give the same natively and by the reference', 300, backendsAgree);
});
