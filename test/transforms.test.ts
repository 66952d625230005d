import { describe, expect, expectTypeOf, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { backends } from './support/networks.ts';
import { thrownBy } from './support/ownOperators.ts';

const { add, conv2d, log, matmul, mul, sin, softmaxCrossEntropy, square, sum, tanh } = sn.ops;

type Scalar = (x: sn.Variable) => sn.Variable;

function vector(...values: number[]): sn.Tensor<'float64'> {
  return sn.tensor(values, [values.length], 'float64');
}

function numbers(tensor: sn.Tensor | null | undefined): number[] {
  return [...(tensor as sn.Tensor).data];
}

function drawn(seed: number, ...shape: number[]): sn.Tensor<'float64'> {
  const random = new Generator(seed);
  const x = sn.zeros(shape, 'float64');
  for (let i = 0; i < x.size; i++) x.data[i] = random.normal();
  return x;
}

function close(actual: readonly number[], expected: readonly number[], bound = 1e-12): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((value, i) => {
    const wanted = expected[i] as number;
    expect(Math.abs(value - wanted)).toBeLessThan(bound * Math.max(1, Math.abs(wanted)));
  });
}

describe('the types of gradients', () => {
  const x = vector(1, 2);

  it('are those of the arguments, which need no annotation', () => {
    const f = sn.grad((a, b) => {
      expectTypeOf(a).toEqualTypeOf<sn.Variable>();
      return sum(mul(a, b));
    });
    expectTypeOf(f(x, x)).toEqualTypeOf<[sn.Tensor<'float64'>, sn.Tensor<'float64'>]>();
    expectTypeOf<Parameters<typeof f>>().toEqualTypeOf<[a: sn.Variable, b: sn.Variable]>();
    // @ts-expect-error one argument is missing
    expect(() => f(x)).toThrow();
  });

  it('mirror nested arguments', () => {
    const f = sn.valueAndGrad((p: { w: sn.Variable; b: sn.Variable; n: number }, v: sn.Variable) =>
      sum(add(mul(mul(p.w, v), p.n), p.b)),
    );
    const { value, grads } = f({ w: x, b: x, n: 3 }, x);
    expectTypeOf(value).toEqualTypeOf<sn.Tensor>();
    expectTypeOf(grads).toEqualTypeOf<
      [{ w: sn.Tensor<'float64'>; b: sn.Tensor<'float64'>; n: null }, sn.Tensor<'float64'>]
    >();
    // @ts-expect-error w is missing
    expect(() => f({ b: x, n: 3 }, x)).toThrow();
  });

  it('take operators as they are', async () => {
    expectTypeOf(sn.grad(sum)(x)[0]).toEqualTypeOf<sn.Tensor<'float64'>>();
    const image = drawn(1, 1, 1, 3, 3);
    const compiled = sn.compile(conv2d);
    expectTypeOf(await compiled(image, image, null, { padding: 1 })).toEqualTypeOf<sn.Tensor>();
    compiled.dispose();
    expect(sn.gradientCheck(conv2d, [image, drawn(2, 2, 1, 2, 2)]).maxError).toBeLessThan(1e-8);
    expect(
      sn.gradientCheck(conv2d, [image, drawn(2, 2, 1, 2, 2), null, { stride: 2 }]).maxError,
    ).toBeLessThan(1e-8);
  });

  it('add nothing to a graph but themselves', () => {
    const readersOf = ({ inputs, nodes }: sn.ComputationGraph) => {
      const own = new Set<unknown>(inputs.map(({ variable }) => variable));
      const readers = nodes.filter((node) => node.inputs.some((input) => own.has(input)));
      return readers.map(({ operator }) => operator.name);
    };
    const valuesOf = <G extends sn.ComputationGraph<[sn.Tensor]>>(graph: G, at: sn.Tensor) => {
      const values = graph.values(at);
      return graph.outputs.map((output) => values.get(output)?.item());
    };
    const product = (a: sn.Variable, b: sn.Variable) => sum(mul(a, b));
    const graph = sn.trace(sn.valueAndGrad(product), x, x);
    expect(readersOf(graph)).not.toContain('reshape');
    expect(graph.nodes[0]?.inputs).toEqual(graph.inputs.map(({ variable }) => variable));
    const one = vector(3);
    const second = sn.trace(sn.grad(sn.grad((v) => sum(mul(v, square(v))))), one);
    expect(readersOf(second)).not.toContain('reshape');
    expect(valuesOf(second, vector(2))).toEqual([12]);
    const twice = sn.trace((v) => sn.grad((a, b) => sum(mul(a, square(b))))(v, v), one);
    expect(valuesOf(twice, one)).toEqual([9, 18]);
    const same = sn.trace((v) => sn.valueAndGrad((a) => a)(v), one);
    expect(same.outputs[0]).toBe(same.inputs[0]?.variable);
    expect(valuesOf(same, one)).toEqual([3, 1]);
    const dependent = sn.trace((v) => sn.grad((a, b) => sum(mul(a, mul(b, v))))(v, square(v)), one);
    expect(valuesOf(dependent, one)).toEqual([27, 9]);
    expect(readersOf(dependent)).not.toContain('reshape');
  });

  it('are those of a graph, traced from what the arguments are like', () => {
    const loss = (p: { w: sn.Variable; k: number }, v: sn.Variable) => sum(mul(mul(p.w, v), p.k));
    const spec = { shape: [2], dtype: 'float64' } as const;
    const graph = sn.trace(sn.valueAndGrad(loss), { w: spec, k: 3 }, x);
    expect(graph.inputs.map(({ variable }) => variable.name)).toEqual(['w', 'x1']);
    expect(graph.outputs.map(({ shape }) => shape)).toEqual([[], [2], [2]]);
  });

  it('are traced values within a trace, and the list of one is a function to differentiate', () => {
    const first = sn.grad((v) => sum(square(v)));
    sn.trace((v: sn.Variable) => {
      const grads = first(v);
      expectTypeOf(grads).toEqualTypeOf<[sn.Variable | null]>();
      return grads;
    }, x);
    expectTypeOf(sn.grad(sn.grad(first))(vector(2))[0]).toEqualTypeOf<sn.Tensor<'float64'>>();
  });
});

describe.each(backends)('gradients of nested arguments on %s', (backend) => {
  it('mirror them: null for integers and what is static, zeros for what does not matter', () => {
    type Params = { layers: { w: sn.Variable; unused: sn.Variable }[]; labels: sn.Variable };
    const loss = ({ layers, labels }: Params, factor: number, _name: string | null) =>
      mul(
        softmaxCrossEntropy(
          layers.reduce(
            (y, { w }) => matmul(y, w),
            sn.ops.reshape(layers[0]?.unused as sn.Variable, [1, 2]),
          ),
          labels,
        ),
        factor,
      );
    const layer = (seed: number) => ({ w: drawn(seed, 2, 2), unused: vector(1, 2) });
    const params = { layers: [layer(1), layer(2)], labels: sn.tensor([1], [1], 'int32') };
    const { value, grads } = sn.valueAndGrad(loss, { backend })(params, 2, 'two');
    expect(value.shape).toEqual([]);
    expect(grads).toMatchObject([{ layers: [{}, {}], labels: null }, null, null]);
    expect(numbers(grads[0].layers[1]?.unused)).toEqual([0, 0]);
    const { maxError, worst } = sn.gradientCheck(loss, [params, 2, null], { backend });
    expect(maxError).toBeLessThan(1e-8);
    expect(worst?.name).toMatch(/^layers\[[01]\]\.(w|unused)$/);
  });

  it.skipIf(backends.length < 2)('are compared between backends by their places', () => {
    const loss = (p: { w: sn.Variable }[], x: sn.Variable) => ({
      y: p.reduce((y, { w }) => tanh(matmul(y, w)), x),
      none: null,
    });
    const result = sn.compareBackends(loss, [
      [{ w: drawn(1, 3, 4) }, { w: drawn(2, 4, 2) }],
      drawn(3, 5, 3),
    ]);
    expect(result.maxError).toBeLessThan(1e-13);
    expect(result.worst?.name).toMatch(
      /^output 0$|^gradient of output 0 to (\[[01]\]\.w|input 1)$/,
    );
  });

  it('are those of each place where a tensor is given, and sum where a parameter is used', () => {
    const x = vector(2, 3);
    const product = sn.grad((a, b) => sum(mul(a, mul(a, b))), { backend });
    expect(product(x, x).map(numbers)).toEqual([
      [8, 18],
      [4, 9],
    ]);
    const shared = { w: x };
    const tied = sn.grad(
      (p: { w: sn.Variable }, q: { w: sn.Variable }) => sum(mul(p.w, square(q.w))),
      { backend },
    );
    const [p, q] = tied(shared, shared);
    expect([numbers(p.w), numbers(q.w)]).toEqual([
      [4, 9],
      [8, 18],
    ]);
  });
});

describe.each(backends)('derivatives of derivatives on %s', (backend) => {
  const at = vector(0.7);
  const points = [0.3, 0.7, 1.9];

  it.each<[string, Scalar, ((x: number) => number)[]]>([
    [
      'sin',
      (x) => sum(sin(x)),
      [Math.cos, (x) => -Math.sin(x), (x) => -Math.cos(x), (x) => Math.sin(x)],
    ],
    ['x³', (x) => sum(mul(x, square(x))), [(x) => 3 * x * x, (x) => 6 * x, () => 6, () => 0]],
    [
      'log',
      (x) => sum(log(x)),
      [(x) => 1 / x, (x) => -1 / x ** 2, (x) => 2 / x ** 3, (x) => -6 / x ** 4],
    ],
    [
      'tanh',
      (x) => sum(tanh(x)),
      [
        (x) => 1 - Math.tanh(x) ** 2,
        (x) => -2 * Math.tanh(x) * (1 - Math.tanh(x) ** 2),
        (x) => (1 - Math.tanh(x) ** 2) * (6 * Math.tanh(x) ** 2 - 2),
      ],
    ],
    [
      'exp(2x)',
      (x) => sum(sn.ops.exp(mul(x, 2))),
      [1, 2, 3].map((order) => (x: number) => 2 ** order * Math.exp(2 * x)),
    ],
  ])('of %s are those of calculus', (_, f, derivatives) => {
    const orders = [
      sn.grad(f, { backend }),
      sn.grad(sn.grad(f), { backend }),
      sn.grad(sn.grad(sn.grad(f)), { backend }),
      sn.grad(sn.grad(sn.grad(sn.grad(f))), { backend }),
    ];
    derivatives.forEach((expected, order) => {
      for (const point of points) {
        const [found] = (orders[order] as (x: sn.Tensor) => (sn.Tensor | null)[])(vector(point));
        close(numbers(found), [expected(point)]);
      }
    });
  });

  it('hold fixed what an inner function was not given', () => {
    // d/dx (d/dz z·x)|z=x = d/dx x = 1, and not d/dx 2x.
    const inner = (x: sn.Variable) => sum(sn.grad((z) => sum(mul(z, x)))(x)[0] as sn.Variable);
    expect(numbers(sn.grad(inner, { backend })(at)[0])).toEqual([1]);
    const twice = (x: sn.Variable) =>
      sum(sn.grad((a, b) => sum(mul(a, square(b))))(x, x)[0] as sn.Variable);
    close(numbers(sn.grad(twice, { backend })(at)[0]), [1.4]);
  });

  it('hold fixed what a source depends on', () => {
    const f = (x: sn.Variable) => {
      const y = square(x);
      const [, ofY] = sn.grad((a, b) => sum(mul(sin(a), b)))(x, y);
      return sum(ofY as sn.Variable);
    };
    close(numbers(sn.grad(f, { backend })(at)[0]), [Math.cos(0.7)]);
  });

  it('take Tensors beside traced values, and have gradients of them', () => {
    const w = vector(3, -2);
    const f = (x: sn.Variable) => {
      const { value, grads } = sn.valueAndGrad((a, b) => sum(mul(square(a), b)))(x, w);
      return add(value, sum(mul(grads[1] as sn.Variable, 10)));
    };
    const { value, grads } = sn.valueAndGrad(f, { backend })(vector(1, 2));
    expect(value.item()).toBe(3 - 8 + 10 * 5);
    expect(numbers(grads[0])).toEqual([6 + 20, -8 + 40]);
  });

  it('are those of a penalty on a gradient', () => {
    const x = drawn(3, 4, 3);
    const penalized = (w: sn.Variable) => {
      const { value, grads } = sn.valueAndGrad((v) => sum(tanh(matmul(x, v))))(w);
      return add(value, sum(square(grads[0] as sn.Variable)));
    };
    const { maxError } = sn.gradientCheck(penalized, [drawn(4, 3, 2)], { backend });
    expect(maxError).toBeLessThan(1e-8);
  });

  it('of convolution and tanh: the Hessian times a vector, against differences', () => {
    const loss = (x: sn.Variable, w: sn.Variable, b: sn.Variable) =>
      sum(square(tanh(conv2d(x, w, b, { padding: 1 }))));
    const direction = drawn(8, 3, 2, 2, 2);
    const product = (x: sn.Variable, w: sn.Variable, b: sn.Variable) =>
      sum(mul(sn.grad(loss)(x, w, b)[1] as sn.Variable, direction));
    const inputs = [drawn(5, 2, 2, 3, 3), drawn(6, 3, 2, 2, 2), drawn(7, 3)];
    expect(sn.gradientCheck(product, inputs, { backend }).maxError).toBeLessThan(1e-7);
  });

  it('of convolutions in a row: a penalty on every gradient, in any layout', () => {
    type Filters = { w: sn.Variable; b: sn.Variable }[];
    const loss = (x: sn.Variable, layers: Filters) =>
      sum(square(layers.reduce((y, { w, b }) => tanh(conv2d(y, w, b, { padding: 1 })), x)));
    const penalized = (x: sn.Variable, layers: Filters) => {
      const [ofX, ofLayers] = sn.grad(loss)(x, layers);
      const all = [ofX, ...ofLayers.flatMap(({ w, b }) => [w, b])] as sn.Variable[];
      return all.map((gradient) => sum(square(gradient))).reduce((a, b) => add(a, b));
    };
    const x = drawn(12, 1, 2, 3, 3);
    const layers = [
      { w: drawn(13, 2, 2, 2, 2), b: drawn(14, 2) },
      { w: drawn(15, 1, 2, 2, 2), b: drawn(16, 1) },
    ];
    for (const layout of [true, false]) {
      const check = sn.gradientCheck(penalized, [x, layers], { backend, passes: { layout } });
      expect(check.maxError, JSON.stringify(check.worst)).toBeLessThan(1e-6);
    }
  });

  it('of softmax cross-entropy: the Hessian times a vector, against differences', () => {
    const labels = sn.tensor([2, 0], [2], 'int32');
    const x = drawn(9, 2, 4);
    const loss = (w: sn.Variable) => softmaxCrossEntropy(matmul(x, w), labels);
    const w = drawn(10, 4, 3);
    const direction = drawn(11, 4, 3);
    const [product] = sn.grad((v) => sum(mul(sn.grad(loss)(v)[0] as sn.Variable, direction)), {
      backend,
    })(w);
    const moved = (step: number) => {
      const values = w.clone();
      values.data.forEach((value, i) => {
        values.data[i] = value + step * (direction.data[i] as number);
      });
      return numbers(sn.grad(loss, { backend })(values)[0]);
    };
    const [after, before] = [moved(1e-5), moved(-1e-5)];
    close(
      numbers(product),
      after.map((value, i) => (value - (before[i] as number)) / 2e-5),
      1e-8,
    );
  });
});

describe.each(backends)('stopGradient on %s', (backend) => {
  const { stopGradient } = sn.ops;

  it('is the value, and a constant for differentiation', () => {
    const f = (x: sn.Variable) => sum(mul(x, stopGradient(square(x))));
    const { value, grads } = sn.valueAndGrad(f, { backend })(vector(2, 3));
    expect(value.item()).toBe(8 + 27);
    expect(numbers(grads[0])).toEqual([4, 9]);
    const second = sn.grad((x) => sum(sn.grad(f)(x)[0] as sn.Variable), { backend });
    expect(numbers(second(vector(2, 3))[0])).toEqual([0, 0]);
    expect(numbers(stopGradient(vector(1, 2)))).toEqual([1, 2]);
  });

  it('lets what has no gradient take a value that has one', () => {
    const x = drawn(4, 1, 1, 2, 3);
    const moved = (m: sn.Variable) => sum(sn.ops.warpAffine(x, m, { mode: 'nearest' }));
    const matrix = sn.tensor([1, 0, 0, 0, 1, 1], [1, 6], x.dtype);
    const { value, grads } = sn.valueAndGrad((m) => moved(stopGradient(m)), { backend })(matrix);
    expect(value.item()).toBeCloseTo([1, 2, 4, 5].reduce((s, i) => s + Number(x.data[i]), 0));
    expect(numbers(grads[0])).toEqual([0, 0, 0, 0, 0, 0]);
    const asked = thrownBy(() => sn.grad(moved, { backend })(matrix));
    expect(asked).toMatchObject({ code: 'ERR_NOT_DIFFERENTIABLE' });
    expect(asked).toMatchObject({ message: expect.stringContaining('warpAffine') });
  });

  it('of an image lies in the memory of the image, whatever its layout', () => {
    const [w, v] = [drawn(1, 3, 2, 2, 2), drawn(2, 2, 3, 2, 2)];
    const results = [true, false].map((layout) => {
      const f = sn.valueAndGrad(
        (x) => sum(conv2d(mul(conv2d(x, w), stopGradient(conv2d(x, w))), v)),
        { backend, passes: { layout } },
      );
      const { value, grads } = f(drawn(3, 2, 2, 4, 4));
      return [value.item(), ...numbers(grads[0])];
    });
    close(results[0] as number[], results[1] as number[], 1e-11);
  });
});
