import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Variable } from '../lib/ops/operator.ts';
import { backends } from './support/networks.ts';

const { add, countCorrect, linear, matmul, mul, relu, softmaxCrossEntropy, squaredError, sum } =
  sn.ops;
const vector = { shape: [3], dtype: 'float64' } as const;

describe('tracing', () => {
  it('records nodes in order, tensors as constants, and scopes', () => {
    const weight = sn.tensor([[1, 2, 3]], [1, 3], 'float64');
    const graph = sn.trace((x: Variable) => sn.scoped('head', () => relu(linear(x, weight))), {
      shape: [2, 3],
      dtype: 'float64',
    });
    expect(graph.nodes.map(({ operator, scope }) => [operator.name, scope])).toEqual([
      ['linear', 'head'],
      ['relu', 'head'],
    ]);
    expect([...graph.constants.values()][0]?.data).toEqual(weight.data);
    expect(graph.outputs[0]?.shape).toEqual([2, 1]);
  });

  it('copies a constant, so that later changes of the tensor do not count', async () => {
    for (const backend of backends) {
      const shift = sn.tensor([1, 1, 1]);
      const shifted = sn.compile((x) => add(x, shift), { backend });
      await shifted(sn.tensor([0, 0, 0]));
      shift.data.fill(9);
      const result = (await shifted(sn.tensor([1, 2, 3]))) as sn.Tensor;
      expect([...result.data]).toEqual([2, 3, 4]);
      shifted.dispose();
    }
  });

  it('refuses a value of another trace', () => {
    let leaked: Variable | null = null;
    sn.trace((x: Variable) => {
      leaked = x;
      return x;
    }, vector);
    expect(() => sn.trace((x: Variable) => add(x, leaked as unknown as Variable), vector)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });

  it('refuses shapes and dtypes that are none', () => {
    for (const shape of [[-1], [0.5], [Number.NaN], [2 ** 31, 2 ** 31]]) {
      expect(() => sn.trace((x: Variable) => x, { shape, dtype: 'float32' })).toThrow(
        sn.StridenetError,
      );
    }
    expect(() => sn.trace((x: Variable) => x, { shape: [1], dtype: 'float16' as never })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });
});

describe('the types of results', () => {
  it('keep the dtype of the operands', () => {
    const x = sn.tensor([[1, -2, 3]]);
    const indices = sn.tensor([2, 0], [2], 'int32');
    const floats: sn.Tensor<'float32'>[] = [
      relu(x),
      add(x, 1),
      matmul(x, sn.zeros([3, 2])),
      sn.ops.sum(x),
      sn.ops.gather(x, indices, { axis: 1 }),
      sn.ops.where(sn.ops.less(x, 0), 0, x),
      softmaxCrossEntropy(x, sn.tensor([0], [1], 'int32')),
      sn.ops.maxPool2d(sn.zeros([1, 1, 2, 2]), { kernelSize: 2 }),
    ];
    const mask: sn.Tensor<'uint8'> = sn.ops.greater(x, 0);
    const counts: sn.Tensor<'int32'>[] = [
      sn.ops.argmax(x),
      countCorrect(x, sn.tensor([0], [1], 'int32')),
    ];
    expect(floats.map(({ dtype }) => dtype)).toEqual(floats.map(() => 'float32'));
    expect([mask, ...counts].map(({ dtype }) => dtype)).toEqual(['uint8', 'int32', 'int32']);
  });
});

describe('compile, grad and valueAndGrad', () => {
  const { compile, grad, valueAndGrad } = sn;

  type Make = (fn: unknown, options?: unknown) => unknown;
  it.each(Object.entries({ compile, grad, valueAndGrad } as Record<string, Make>))(
    '%s refuses at once',
    (name, make) => {
      const cases = [
        () => make(3),
        () => make(relu, { threds: 1 }),
        () => make(relu, { backend: 'gpu' }),
      ];
      for (const call of cases) {
        expect(call).toThrow(
          expect.objectContaining({
            code: 'ERR_ARGUMENT',
            message: expect.stringContaining(`[${name}`),
          }),
        );
      }
    },
  );

  it('compile gives what the function gives, in type too', async () => {
    const x = sn.tensor([1, -2]);
    const one = sn.compile((v) => relu(v), { backend: 'reference' });
    const two = sn.compile((v) => [relu(v), add(v, v)] as const, { backend: 'reference' });
    const value: sn.Tensor = await one(x);
    const [first, second]: readonly [sn.Tensor, sn.Tensor] = await two(x);
    expect([value, first, second].map((y) => y.toArray())).toEqual([
      [1, 0],
      [1, 0],
      [2, -4],
    ]);
    one.dispose();
    two.dispose();
  });
});

describe.each(backends)('reverse mode on %s', (backend) => {
  const target = sn.tensor([0, 0, 0], [3], 'float64');

  it('sums the messages of all that read a value', () => {
    const f = sn.valueAndGrad(
      (x) => squaredError(add(x, add(x, x)), target, { reduction: 'sum' }),
      {
        backend,
      },
    );
    const { value, grads } = f(sn.tensor([1, -2, 0.5], [3], 'float64'));
    expect(value.item()).toBe(9 * (1 + 4 + 0.25));
    expect([...(grads[0] as sn.Tensor).data]).toEqual([18, -36, 9]);
  });

  it('gives null for integers and zeros for what does not matter', () => {
    const f = sn.grad((logits, labels, _unused) => softmaxCrossEntropy(logits, labels), {
      backend,
    });
    const grads = f(
      sn.tensor([[0, 0]], [1, 2], 'float64'),
      sn.tensor([1], [1], 'int32'),
      sn.tensor([5, 6], [2], 'float64'),
    );
    expect([...(grads[0] as sn.Tensor).data]).toEqual([0.5, -0.5]);
    expect(grads[1]).toBeNull();
    expect([...(grads[2] as sn.Tensor).data]).toEqual([0, 0]);
  });

  it('gives zeros that are batched as the input is', () => {
    const tracer = new Tracer();
    const batched = { shape: [4, 2], dtype: 'float64', batched: true } as const;
    const [x, unused] = [tracer.input(batched), tracer.input(batched)];
    const [gradient] = gradients(sum(x), [unused]) as [GraphVariable];
    expect(gradient.batched).toBe(true);
    const program = backendOf(backend).prepare(tracer.graph([mul(gradient, x)]));
    const feeds = [x, unused].map(() => new Float64Array(8).fill(Number.POSITIVE_INFINITY));
    feeds[0]?.fill(3);
    const { fetches } = program.runSync({ steps: 1, feeds, batch: Int32Array.of(3) });
    expect([...(fetches[0] as Float64Array)]).toEqual(new Array(8).fill(0));
    program.dispose();
  });

  it('differentiates what the input is used in only in part', () => {
    const a = sn.tensor(
      [
        [1, 2],
        [3, 4],
      ],
      [2, 2],
      'float64',
    );
    const f = sn.grad((x) => squaredError(matmul(x, a), matmul(a, x), { reduction: 'sum' }), {
      backend,
    });
    const check = sn.gradientCheck((x) => squaredError(matmul(x, a), matmul(a, x)), [a], {
      backend,
    });
    expect(f(a)[0]?.shape).toEqual([2, 2]);
    expect(check.maxError).toBeLessThan(1e-8);
  });

  it('says what has no gradient, and what is no function of one element', () => {
    const x = sn.tensor([[1, 2]], [1, 2], 'float64');
    const count = sn.grad((logits) => countCorrect(logits, sn.tensor([0], [1], 'int32')), {
      backend,
    });
    expect(() => count(x)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT' }));
    const through = sn.grad(
      (p) => {
        const settings = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };
        const rate = sn.tensor(1, [], 'float64');
        const [next] = sn.ops.sgdUpdate<sn.Operand, sn.Operand>(p, p, null, rate, settings);
        return squaredError(next as Variable, p);
      },
      { backend },
    );
    expect(() => through(x)).toThrow(expect.objectContaining({ code: 'ERR_NOT_DIFFERENTIABLE' }));
    expect(() => sn.grad((y) => relu(y), { backend })(x)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
    expect(() => sn.grad((_y) => sn.tensor(1, [], 'float64'), { backend })(x)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });

  it('B4: finds a wrong gradient and names its entry', () => {
    const wrong = {
      name: 'relu',
      inputs: ['x'],
      outputs: ['y'],
      infer: ([x]: readonly (sn.Spec | null)[]) => [x as sn.Spec],
      gradient: ({ gradients }: { gradients: readonly (sn.Operand | null)[] }) => [
        gradients[0] as sn.Operand,
      ],
    };
    const x = sn.tensor([1, 2, -3, 4], [2, 2], 'float64');
    const result = sn.gradientCheck(
      (v) =>
        (v as unknown as { tracer: { record: (...args: unknown[]) => Variable[] } }).tracer.record(
          wrong,
          [v],
          {},
        ),
      [x],
      { backend, names: ['x'] },
    );
    expect(result.maxError).toBeGreaterThan(0.01);
    expect(result.worst).toMatchObject({ name: 'x', index: [1, 0], expected: 0 });
  });
});

describe('B4: gradientCheck', () => {
  it('counts NaN on both sides as a failure, and an empty check as a mistake', () => {
    const x = sn.tensor([Number.NaN], [1], 'float64');
    const result = sn.gradientCheck((v) => relu(v), [x], { backend: 'reference' });
    expect(result.maxError).toBe(Number.POSITIVE_INFINITY);
    expect(() => sn.gradientCheck((v) => v, [sn.tensor([1], [1], 'int32')])).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT' }),
    );
  });
});

describe('compiled functions', () => {
  it.each(backends)('run many calls at once, each with its own inputs, on %s', async (backend) => {
    const double = sn.compile((x) => [add(x, x), relu(x)], { backend });
    const results = await Promise.all(
      [1, -2, 3].map((value) => double(sn.full([4], value)) as Promise<sn.Tensor[]>),
    );
    expect(results.map(([sum, positive]) => [sum?.data[0], positive?.data[3]])).toEqual([
      [2, 1],
      [-4, 0],
      [6, 3],
    ]);
    double.dispose();
  });
});
