import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { Tracer } from '../lib/graph/graph.ts';
import { compareBackends, gradientCheck, ops, Tensor, tensor } from '../lib/index.ts';
import type { Operand, Variable } from '../lib/ops/operator.ts';
import { random } from './support/graphs.ts';

const options = [{ backend: 'native' }, { backend: 'reference' }] as const;

function closeTo(actual: Operand, expected: readonly number[], digits = 12): void {
  const values = Array.from((actual as Tensor).data);
  expect(values).toHaveLength(expected.length);
  for (const [i, value] of values.entries())
    expect(value).toBeCloseTo(expected[i] as number, digits);
}

describe('batch normalization', () => {
  const x = tensor([1, 2, 3, 5, 0, 4, 8, 12], [2, 2, 2], 'float64');
  const zero = tensor([0, 0], [2], 'float64');
  const one = tensor([1, 1], [2], 'float64');

  it('of signals takes the statistics of samples and places together', () => {
    // Channel 0: 1, 2, 0, 4; channel 1: 3, 5, 8, 12. Biased variances 2.1875 and 11.5.
    const { y, runningMean, runningVariance } = ops.batchNormTraining(x, zero, one, null, null, {
      epsilon: 0,
    });
    const [a, b] = [Math.sqrt(2.1875), Math.sqrt(11.5)];
    expect(y.shape).toEqual([2, 2, 2]);
    closeTo(y, [-0.75 / a, 0.25 / a, -4 / b, -2 / b, -1.75 / a, 2.25 / a, 1 / b, 5 / b]);
    closeTo(runningMean as Tensor, [0.175, 0.7]);
    closeTo(runningVariance as Tensor, [0.9 + (0.1 * 8.75) / 3, 0.9 + (0.1 * 46) / 3]);
  });

  it('by running statistics is the same affine map of every sample', () => {
    const mean = tensor([1, 2], [2], 'float64');
    const variance = tensor([4, 0.25], [2], 'float64');
    const weight = tensor([3, 5], [2], 'float64');
    const y = ops.batchNorm(x, mean, variance, weight, one, { epsilon: 0 });
    closeTo(y, [1, 2.5, 11, 31, -0.5, 5.5, 61, 101]);
  });

  it('of one value a channel leaves the running variance, of none both', () => {
    const single = tensor([7, 9], [1, 2], 'float64');
    const once = ops.batchNormTraining(single, zero, one);
    closeTo(once.y, [0, 0]);
    closeTo(once.runningMean as Tensor, [0.7, 0.9]);
    closeTo(once.runningVariance as Tensor, [1, 1]);
    const never = ops.batchNormTraining(tensor([], [0, 2], 'float64'), one, one);
    closeTo(never.runningMean as Tensor, [1, 1]);
    closeTo(never.runningVariance as Tensor, [1, 1]);
  });

  it('has no gradient by way of its statistics, and says so', () => {
    const through = (v: Operand) => ops.batchNormTraining(v, zero, one).runningMean as Operand;
    expect(() => gradientCheck(through, [x])).toThrow(
      expect.objectContaining({ code: 'ERR_NOT_DIFFERENTIABLE' }),
    );
  });
});

describe('group normalization', () => {
  const x = random([2, 6, 3, 2], 1, 'float64');
  const weight = random([6], 2, 'float64');
  const bias = random([6], 3, 'float64');

  it('with one group is layer normalization, with C groups of one sample batch normalization', () => {
    const whole = ops.layerNorm(x, [6, 3, 2]);
    closeTo(ops.groupNorm(x, 1), Array.from(whole.data));
    const first = new Tensor(x.data.slice(0, 36), [1, 6, 3, 2], 'float64');
    const { y } = ops.batchNormTraining(first, null, null, weight, bias);
    closeTo(ops.groupNorm(first, 6, weight, bias), Array.from(y.data));
  });

  it('has the gradients of central differences', () => {
    for (const each of options) {
      const fn = (v: Operand, w: Operand, b: Operand) => ops.groupNorm(v, 3, w, b);
      const { maxError, worst } = gradientCheck(fn, [x, weight, bias], { ...each, epsilon: 1e-4 });
      expect(maxError, JSON.stringify(worst)).toBeLessThanOrEqual(1e-6);
    }
  });
});

describe('between convolutions', () => {
  const weight = random([5, 3, 3, 3], 4);
  const more = random([2, 5, 2, 2], 5);
  const scale = random([5], 6);
  const positive = tensor([1, 2, 0.5, 1, 3], [5]);
  const layers: Record<string, (h: Variable) => Operand> = {
    softmax: (h) => ops.softmax(h, { axis: 1 }),
    'logSoftmax of rows': (h) => ops.logSoftmax(h, { axis: 2 }),
    batchNorm: (h) => ops.batchNorm(h, scale, positive, scale, scale),
    batchNormTraining: (h) => ops.batchNormTraining(h, scale, positive, scale, scale).y,
    layerNorm: (h) => ops.layerNorm(h, [5, 4, 4]),
    groupNorm: (h) => ops.groupNorm(h, 5, scale, scale),
    'a loss': (h) => ops.squaredError(h, ops.conv2d(random([2, 3, 6, 6], 8), weight)),
  };

  it.each(Object.keys(layers))('%s gives the same in every layout', (name) => {
    const layer = layers[name] as (h: Variable) => Operand;
    const network = (x: Operand): Operand => {
      const h = layer(ops.conv2d(x, weight) as Variable);
      return h.shape.length === 4 ? ops.conv2d(h, more) : h;
    };
    const image = random([2, 3, 6, 6], 7);
    const results = [true, false].map((layout) => {
      const tracer = new Tracer();
      const graph = tracer.graph([network(tracer.input(image))]);
      const program = backendOf('native').prepare(graph, { passes: { layout } });
      const { fetches } = program.runSync({ steps: 1, feeds: [image.data] });
      program.dispose();
      return Array.from(fetches[0] as ArrayLike<number>);
    });
    for (const [i, value] of (results[0] as number[]).entries()) {
      expect(value).toBeCloseTo(results[1]?.[i] as number, 4);
    }
    const { maxError, worst } = compareBackends(network, [image]);
    expect(maxError, JSON.stringify(worst)).toBeLessThan(1e-4);
  });
});
