import { afterAll, describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { GraphVariable } from '../lib/graph/graph.ts';
import { gradientCheck, ops, StridenetError, Tensor } from '../lib/index.ts';
import type { Operand } from '../lib/ops/operator.ts';
import { elementCount } from '../lib/shape.ts';
import { seeds } from './cases/case.ts';
import { differenceAt, movedFeeds, product, runGraph } from './support/graphRuns.ts';
import { Random } from './support/random.ts';
import { drawGraph, printGraph, type RandomGraph, shrink, traced } from './support/randomGraphs.ts';

const tally = { directions: 0, doubtful: 0 };

afterAll(() => {
  const { directions, doubtful } = tally;
  console.log(`second derivatives along ${directions} directions, ${doubtful} near a kink`);
});

function random64(shape: readonly number[], random: Random): Tensor {
  const data = Float64Array.from({ length: elementCount(shape) }, () => random.uniform(-1, 1));
  return new Tensor(data, shape, 'float64');
}

/** ⟨∇f, r⟩ for a random r, and its gradient, against differences of it. */
function failureOf(graph: RandomGraph): string | null {
  const { tracer, inputs, feeds, loss } = traced(graph, 'float64');
  const random = new Random(graph.seed);
  const places = inputs.flatMap(({ dtype }, i) => (dtype === 'float64' ? [i] : []));
  const sources = places.map((place) => inputs[place] as GraphVariable);
  const first = gradients(loss, sources) as Operand[];
  const terms = first.map((gradient) => {
    const batched = gradient instanceof GraphVariable && gradient.batched === true;
    const shape = batched ? [1, ...gradient.shape.slice(1)] : gradient.shape;
    return ops.sum(ops.mul(gradient, random64(shape, random)));
  });
  const slope = terms.reduce((sum, term) => ops.add(sum, term)) as GraphVariable;
  const second = gradients(slope, sources) as GraphVariable[];
  const whole = tracer.graph(second);
  const value = tracer.graph([slope]);
  for (const backend of ['reference', 'native'] as const) {
    const found = runGraph(whole, feeds, { backend });
    const direction = found.map(({ shape }) => random64(shape, random));
    const program = backendOf(backend).prepare(value);
    const { derivative, doubt } = differenceAt((distance) => {
      const moved = movedFeeds({ feeds, places }, direction, distance);
      return program.runSync({ steps: 1, feeds: moved }).fetches[0]?.[0] as number;
    }, 2 ** -13);
    program.dispose();
    const expected = found.reduce((sum, g, i) => sum + product(g, direction[i] as Tensor), 0);
    const scale = 1 + Math.abs(derivative);
    tally.directions++;
    if (doubt > 1e-3 * scale) tally.doubtful++;
    else if (!(Math.abs(derivative - expected) <= 1e-5 * scale)) {
      return `${backend}: the second derivative is ${expected} where differences give ${derivative}`;
    }
  }
  return null;
}

/** What failureOf says; a gradient that does not exist, by what it says. */
function outcomeOf(graph: RandomGraph): string | null {
  try {
    return failureOf(graph);
  } catch (error) {
    if (!(error instanceof StridenetError)) throw error;
    return `${error.code} ${error.message}`;
  }
}

describe('second derivatives of random graphs', () => {
  const all = seeds(150);
  for (let start = 0; start < all.length; start += 50) {
    const some = all.slice(start, start + 50);
    it(`are those of central differences, seeds ${some[0]} to ${some.at(-1)}`, () => {
      for (const seed of some) {
        const graph = drawGraph(seed + 10_000, { steps: [3, 12] });
        const outcome = outcomeOf(graph);
        if (outcome === null) continue;
        const small = shrink(graph, (other) => outcomeOf(other) !== null);
        expect.fail(`seed ${seed}: ${outcome}\nshrunk: ${outcomeOf(small)}\n${printGraph(small)}`);
      }
    });
  }
});

type Function = (...inputs: Operand[]) => Operand;

/** Normalizations, which move with their own statistics. */
const normalizations: Record<string, { fn: Function; shapes: number[][] }> = {
  'layerNorm over one axis': {
    fn: (x, weight, bias) => ops.layerNorm(x as Operand, 5, weight, bias),
    shapes: [[3, 5], [5], [5]],
  },
  'layerNorm over all axes, plain': {
    fn: (x) => ops.layerNorm(x as Operand, [3, 4]),
    shapes: [[3, 4]],
  },
  groupNorm: {
    fn: (x, weight, bias) => ops.groupNorm(x as Operand, 2, weight, bias),
    shapes: [[2, 4, 3], [4], [4]],
  },
  'batchNormTraining of rows': {
    fn: (x, weight, bias) =>
      ops.batchNormTraining(x as Operand, null, null, weight ?? null, bias ?? null).y,
    shapes: [[5, 3], [3], [3]],
  },
  'batchNormTraining of images, plain': {
    fn: (x) => ops.batchNormTraining(x as Operand, null, null).y,
    shapes: [[2, 3, 2, 3]],
  },
  batchNorm: {
    fn: (x, mean, deviation, weight, bias) => {
      const variance = ops.add(ops.square(deviation as Operand), 0.5);
      return ops.batchNorm(x as Operand, mean as Operand, variance, weight, bias);
    },
    shapes: [[2, 3, 2, 2], [3], [3], [3], [3]],
  },
};

type Gradients = (...inputs: Operand[]) => Operand[];

/** The gradients of ⟨g, weights⟩, weights of 1, 2, 3, …, for gradients g. */
function further(g: Gradients): Gradients {
  return (...inputs) => {
    const terms = g(...inputs).map((value) => {
      const data = Float64Array.from({ length: elementCount(value.shape) }, (_, i) => i + 1);
      return ops.sum(ops.mul(value, new Tensor(data, value.shape, 'float64')));
    });
    const slope = terms.reduce((sum, term) => ops.add(sum, term));
    return gradients(slope as GraphVariable, inputs as GraphVariable[]) as Operand[];
  };
}

describe('derivatives of normalizations beyond the first', () => {
  it.each(Object.entries(normalizations))('of %s', (_, { fn, shapes }) => {
    const random = new Random(3);
    const at = shapes.map((shape) => random64(shape, random));
    const gradientsOf = (...inputs: Operand[]): Operand[] => {
      const loss = ops.sum(ops.square(ops.tanh(fn(...inputs))));
      return gradients(loss as GraphVariable, inputs as GraphVariable[]) as Operand[];
    };
    const [second, third] = [gradientsOf, further(gradientsOf)];
    for (const backend of ['reference', 'native'] as const) {
      for (const [order, fn] of Object.entries({ second, third })) {
        const { maxError, worst } = gradientCheck(fn, at, { backend, epsilon: 1e-4 });
        expect(maxError, `${order}, ${backend}: ${JSON.stringify(worst)}`).toBeLessThan(1e-5);
      }
    }
  });
});
