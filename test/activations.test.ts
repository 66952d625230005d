import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import * as sn from '../lib/index.ts';
import { backends, relativeDistance } from './support/networks.ts';
import { Random } from './support/random.ts';

const { ops } = sn;

function numbers(
  shape: readonly number[],
  seed: number,
  dtype: 'float32' | 'float64' = 'float64',
): sn.Tensor {
  const random = new Random(seed);
  const values = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
    random.uniform(-1.5, 1.5),
  );
  return sn.tensor(values, shape, dtype);
}

type Apply = (x: sn.Variable, slope: sn.Variable) => sn.Operand;

/** Every activation; those that can be set, with a setting of their own. */
const activations: Readonly<Record<string, Apply>> = {
  sigmoid: (x) => ops.sigmoid(x),
  tanh: (x) => ops.tanh(x),
  relu: (x) => ops.relu(x),
  relu6: (x) => ops.relu6(x),
  leakyRelu: (x) => ops.leakyRelu(x, { negativeSlope: 0.2 }),
  'leakyRelu, falling': (x) => ops.leakyRelu(x, { negativeSlope: -0.5 }),
  prelu: (x, slope) => ops.prelu(x, slope),
  elu: (x) => ops.elu(x, { alpha: 0.5 }),
  selu: (x) => ops.selu(x),
  gelu: (x) => ops.gelu(x),
  'gelu, approximated': (x) => ops.gelu(x, { approximate: 'tanh' }),
  softplus: (x) => ops.softplus(x, { beta: 2, threshold: 1 }),
  mish: (x) => ops.mish(x),
  swish: (x) => ops.swish(x),
  hardSwish: (x) => ops.hardSwish(x),
  maxout: (x) =>
    ops.concat([ops.maxout(x, { pieces: 2 }), ops.maxout(x, { pieces: 2 })], { axis: 1 }),
  clip: (x) => ops.clip(x, { min: -0.3, max: 0.9 }),
  'exp of −x²': (x) => ops.exp(ops.neg(ops.square(x))),
  'log of 1 + |x|': (x) => ops.log(ops.add(ops.abs(x), 1)),
  'sin · cos of √(1 + x²)': (x) => {
    const root = ops.sqrt(ops.add(ops.square(x), 1));
    return ops.mul(ops.sin(root), ops.cos(root));
  },
  erf: (x) => ops.erf(x),
};

const shapes = [[2, 3, 5, 6], [4, 3, 3, 3], [5, 4, 1, 1], [4]] as const;

/** Convolution → activation → convolution, and the gradients to all that go in. */
function graphOf(activate: Apply) {
  return sn.trace(
    (...sources) => {
      const [x, first, second, slope] = sources as [
        sn.Variable,
        sn.Variable,
        sn.Variable,
        sn.Variable,
      ];
      const inner = activate(ops.conv2d(x, first, null, { padding: 1 }), slope);
      const y = ops.conv2d(inner, second, null, {});
      const seed = numbers(y.shape, 9, 'float32');
      return [y, ...(sn.gradients(y as sn.Variable, sources, seed) as sn.Variable[])];
    },
    ...shapes.map((shape) => ({ shape, dtype: 'float32' as const })),
  );
}

describe.each(backends)('activations on %s', (backend) => {
  it.each(Object.keys(activations))(
    '%s between convolutions is the same in every layout',
    (name) => {
      const graph = graphOf(activations[name] as Apply);
      const feeds = shapes.map((shape, i) => numbers(shape, i + 1, 'float32'));
      const run = (on: sn.BackendName, layout: boolean): sn.Tensor[] => {
        const program = backendOf(on).prepare(graph, { passes: { layout } });
        const { fetches } = program.runSync({ steps: 1, feeds: feeds.map(({ data }) => data) });
        program.dispose();
        return fetches.map((values) => sn.tensor(values as Float32Array, [values.length]));
      };
      const expected = run('reference', true);
      for (const layout of [true, false]) {
        run(backend, layout).forEach((found, i) => {
          const distance = relativeDistance(found, expected[i] as sn.Tensor);
          expect(distance, `output ${i}, layout ${layout}`).toBeLessThanOrEqual(1e-5);
        });
      }
    },
  );

  it.each([
    ['a slope', [4, 3], [1]],
    ['slopes of images', [2, 3, 2, 2], [3]],
    ['a slope of a vector', [7], [1]],
  ])('prelu with %s has the gradient of central differences', (_, shape, slopes) => {
    const at = [numbers(shape, 1), numbers(slopes, 2)];
    const fn = (x: sn.Variable, slope: sn.Variable) => ops.prelu(x, slope);
    const { maxError } = sn.gradientCheck(fn as never, at, { backend, epsilon: 1e-4 });
    expect(maxError).toBeLessThanOrEqual(1e-8);
  });

  it.each([
    [[3, 6], 2, 1],
    [[2, 4, 3], 3, -1],
    [[6, 2], 3, 0],
  ])(
    'maxout of %j by %i along %i has the gradient of central differences',
    (shape, pieces, axis) => {
      const fn = (x: sn.Variable) => ops.maxout(x, { pieces, axis });
      const { maxError } = sn.gradientCheck(fn as never, [numbers(shape, 3)], {
        backend,
        epsilon: 1e-4,
      });
      expect(maxError).toBeLessThanOrEqual(1e-8);
    },
  );

  it('approximates gelu within 5e-4', () => {
    const x = sn.tensor(
      Array.from({ length: 801 }, (_, i) => i / 80 - 5),
      [801],
      'float64',
    );
    const [exact, near] = [ops.gelu(x), ops.gelu(x, { approximate: 'tanh' })];
    const distances = Array.from(exact.data, (y, i) =>
      Math.abs((y as number) - (near.data[i] as number)),
    );
    expect(Math.max(...distances)).toBeLessThan(5e-4);
    expect(Math.max(...distances)).toBeGreaterThan(1e-4);
  });
});

describe('A14: increasing activations and max pooling commute', () => {
  const increasing = {
    sigmoid: ops.sigmoid,
    tanh: ops.tanh,
    leakyRelu: ops.leakyRelu,
    elu: ops.elu,
    selu: ops.selu,
    softplus: ops.softplus,
  };
  const pool = (x: sn.Operand) => ops.maxPool2d(x, { kernelSize: 2 });

  it.each(Object.entries(increasing))('%s, value and gradient', (_, activate) => {
    for (const backend of backends) {
      const [before, after] = [
        (x: sn.Variable) => pool(activate(x as sn.Operand)),
        (x: sn.Variable) => activate(pool(x)),
      ].map((fn) => {
        const graph = sn.trace(
          (x) => {
            const y = fn(x as sn.Variable);
            const seed = numbers(y.shape, 2);
            return [
              y,
              ...(sn.gradients(y as sn.Variable, [x as sn.Variable], seed) as sn.Variable[]),
            ];
          },
          { shape: [2, 3, 6, 8], dtype: 'float64' },
        );
        const program = backendOf(backend).prepare(graph);
        const { fetches } = program.runSync({ steps: 1, feeds: [numbers([2, 3, 6, 8], 1).data] });
        program.dispose();
        return fetches;
      });
      expect(before, backend).toEqual(after);
    }
  });
});
