import { describe, expect, it } from 'vitest';
import { backendOf } from '../lib/backends/index.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import { need, type Operand, type Variable } from '../lib/ops/operator.ts';
import { random } from './support/graphs.ts';
import { differingBit } from './support/judge.ts';
import { backends } from './support/networks.ts';

const { ops, tensor } = sn;

/** The values of a function of one batched input in a step of fewer samples than the bound. */
function inSmallerStep(
  fn: (x: Variable) => readonly Operand[],
  x: sn.Tensor,
  backend: sn.BackendName,
  options: { layout?: boolean } = {},
): sn.Tensor[] {
  const [n, bound] = [x.shape[0] as number, (x.shape[0] as number) + 4];
  const tracer = new Tracer();
  const input = tracer.input({
    shape: [bound, ...x.shape.slice(1)],
    dtype: x.dtype,
    batched: true,
  });
  const outputs = tracer.graph(fn(input)).outputs;
  const feed = sn.full([bound, ...x.shape.slice(1)], Number.NaN, x.dtype as 'float32').data;
  feed.set(x.data);
  const program = backendOf(backend).prepare(tracer.graph(outputs), { passes: options });
  try {
    const { fetches } = program.runSync({ steps: 1, batch: Int32Array.of(n), feeds: [feed] });
    return outputs.map(({ shape, batched, dtype }, i) => {
      const own = batched ? [n, ...shape.slice(1)] : shape;
      const size = own.reduce((a, b) => a * b, 1);
      return new sn.Tensor(need(fetches[i]).slice(0, size), own, dtype);
    });
  } finally {
    program.dispose();
  }
}

describe('JS numbers', () => {
  it('take the other operand’s dtype', () => {
    const x = tensor([1, 2, 4], [3], 'float64');
    expect(ops.div(1, x)).toMatchObject({ dtype: 'float64' });
    expect(ops.div(1, x).toArray()).toEqual([1, 0.5, 0.25]);
    expect(ops.sub(x, 0.1).toArray()).toEqual([0.9, 1.9, 3.9]);
    expect(ops.equal(tensor([1, 2], [2], 'int32'), 2).toArray()).toEqual([0, 1]);
  });

  it('that it cannot hold are refused by name', () => {
    const bytes = tensor([1, 2], [2], 'uint8');
    expect(() => ops.less(bytes, 1.5)).toThrow(
      '[less] b must be a number of dtype uint8 but is 1.5',
    );
    expect(() => ops.where(bytes, 2 ** 31, tensor([1, 2], [2], 'int32'))).toThrow(
      '[where] a must be a number of dtype int32 but is 2147483648',
    );
  });
});

describe('shapes that do not broadcast', () => {
  it('are shown as they were given', () => {
    const [a, b] = [sn.zeros([2, 3, 4]), sn.zeros([3])];
    const message = 'a (2, 3, 4) and b (3) do not broadcast: axis -1 differs';
    expect(() => ops.add(a, b)).toThrow(`[add] ${message}`);
    expect(() => ops.less(a, b)).toThrow(`[less] ${message}`);
    expect(() => ops.where(sn.zeros([4], 'uint8'), a, b)).toThrow(
      `[where] condition (4) and ${message}`,
    );
  });
});

describe('axes', () => {
  const x = tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  it('count from the end when negative, and stay only with keepDims', () => {
    expect(ops.sum(x).toArray()).toBe(21);
    expect(ops.mean(x, { axis: -1 }).toArray()).toEqual([2, 5]);
    expect(ops.max(x, { axis: [1, 0] }).shape).toEqual([]);
    expect(ops.sum(x, { axis: 0, keepDims: true }).toArray()).toEqual([[5, 7, 9]]);
    expect(ops.min(x, { keepDims: true }).toArray()).toEqual([[1]]);
    expect(ops.argmax(x).toArray()).toBe(5);
    expect(ops.argmin(x, { axis: -1 }).toArray()).toEqual([0, 0]);
    expect(ops.sum(x, { axis: [] }).toArray()).toEqual(x.toArray());
  });
});

describe('ties share a gradient', () => {
  it('half and half between the operands of maximum', () => {
    const gradient = sn.grad((a, b) => ops.sum(ops.maximum(need(a), need(b))));
    const [da, db] = gradient(tensor([1, 2, 3]), tensor([2, 2, 2]));
    expect(da?.toArray()).toEqual([0, 0.5, 1]);
    expect(db?.toArray()).toEqual([1, 0.5, 0]);
  });

  it.each(['max', 'min'] as const)('evenly among the equal ones of %s', (name) => {
    const sign = name === 'max' ? 1 : -1;
    const x = tensor([3, 1, 3, 3, 2, 1, 0, 0], [2, 4], 'float64');
    const [dx] = sn.grad((input) => ops.sum(ops[name](need(input), { axis: 1 })))(ops.mul(x, sign));
    expect([...need(dx).data]).toEqual([1 / 3, 0, 1 / 3, 1 / 3, 1, 0, 0, 0]);
  });
});

describe.each(backends)('a smaller step on %s', (backend) => {
  const x = random([3, 4], 1, 'float64');
  const values = (n: number, c: number): number => x.data[n * 4 + c] as number;
  const column = (c: number): number[] => [0, 1, 2].map((n) => values(n, c));
  const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0);

  it('reduces over the samples that it has', () => {
    const [mean, all, largest, place] = inSmallerStep(
      (input) => [
        ops.mean(input, { axis: 0 }),
        ops.mean(input),
        ops.max(input, { axis: 0 }),
        ops.argmin(input, { axis: 0 }),
      ],
      x,
      backend,
    ) as [sn.Tensor, sn.Tensor, sn.Tensor, sn.Tensor];
    for (let c = 0; c < 4; c++) {
      expect(mean.data[c]).toBeCloseTo(total(column(c)) / 3, 14);
      expect(largest.data[c]).toBe(Math.max(...column(c)));
      expect(place.data[c]).toBe(column(c).indexOf(Math.min(...column(c))));
    }
    expect(all.item()).toBeCloseTo(total([...x.data]) / 12, 14);
  });

  it('standardizes a batch, and its gradient has the divisor of the step', () => {
    const fn = (input: Variable): Variable => {
      const centred = ops.sub(input, ops.mean(input, { axis: 0, keepDims: true }));
      const variance = ops.mean(ops.mul(centred, centred), { axis: 0, keepDims: true });
      return ops.sum(
        ops.mul(ops.div(centred, ops.pow(ops.add(variance, 0.1), 0.5)), ops.mul(input, input)),
      );
    };
    const traced = (input: Variable) => {
      const loss = fn(input);
      return [loss, ...(gradients(loss, [input]) as Operand[])];
    };
    const [loss, dx] = inSmallerStep(traced, x, backend) as [sn.Tensor, sn.Tensor];
    const exact = sn.valueAndGrad((input) => fn(need(input)))(x);
    expect(loss.item()).toBeCloseTo(exact.value.item(), 12);
    dx.data.forEach((value, i) => {
      expect(value).toBeCloseTo(need(exact.grads[0]).data[i] as number, 12);
    });
    expect(dx.shape).toEqual([3, 4]);
  });

  it('multiplies each sample by a matrix of its own and by a shared one', () => {
    const w = random([4, 5], 2, 'float64');
    const [y, own, dw] = inSmallerStep(
      (input) => {
        const sample = ops.reshape(input, [7, 1, 4]);
        const shared = ops.matmul(sample, w);
        const outer = ops.matmul(sample, sample, { transposeA: true });
        return [shared, outer, ops.sum(outer, { axis: 0 })];
      },
      x,
      backend,
    ) as [sn.Tensor, sn.Tensor, sn.Tensor];
    expect(y.shape).toEqual([3, 1, 5]);
    const expected = ops.matmul(x, w);
    y.data.forEach((value, i) => {
      expect(value).toBeCloseTo(expected.data[i] as number, 13);
    });
    expect(own.shape).toEqual([3, 4, 4]);
    const gram = ops.matmul(x, x, { transposeA: true });
    dw.data.forEach((value, i) => {
      expect(value).toBeCloseTo(gram.data[i] as number, 13);
    });
  });
});

describe('a batched operand', () => {
  const tracer = new Tracer();
  const x = tracer.input({ shape: [8, 3], dtype: 'float32', batched: true });
  const refused: [string, () => unknown, string][] = [
    ['beside as many unbatched rows', () => ops.add(x, sn.zeros([8, 3])), 'b (8, 3)'],
    ['that would get axes in front', () => ops.mul(x, sn.zeros([2, 1, 3])), 'a (8, 3) is batched'],
    [
      'as columns of a product',
      () => ops.matmul(sn.zeros([2, 3]), x, { transposeB: true }),
      'b (8, 3)',
    ],
    ['as the inner size of one', () => ops.matmul(sn.zeros([2, 8]), x), 'a (2, 8)'],
    [
      'beside as many matrices',
      () => ops.matmul(ops.reshape(x, [8, 1, 3]), sn.zeros([8, 3, 2])),
      'batch of b (8)',
    ],
  ];
  it.each(refused)('%s is refused', (_, call, message) => {
    expect(call).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE', message: expect.stringContaining(message) }),
    );
  });
});

describe('layouts', () => {
  it('do not change a convolutional network with broadcasting and reductions inside', () => {
    const [w1, w2] = [random([5, 3, 3, 3], 1), random([4, 5, 3, 3], 2)];
    const [scale, plane] = [random([5, 1, 1], 3), random([1, 1, 6, 7], 4)];
    const network = (x: Variable): readonly Operand[] => {
      const first = ops.conv2d(x, w1, null, { padding: 1 });
      const mean = ops.mean(first, { axis: [0, 2, 3], keepDims: true });
      const centred = ops.mul(ops.sub(first, mean), scale);
      const gate = ops.sigmoid(ops.mean(centred, { axis: [2, 3], keepDims: true }));
      const chosen = ops.where(
        ops.greater(centred, plane),
        ops.mul(centred, gate),
        ops.maximum(centred, -0.5),
      );
      const second = ops.conv2d(ops.div(chosen, 1.5), w2, null, { padding: 1 });
      const peak = ops.max(second, { axis: 1, keepDims: true });
      const pooled = ops.max(ops.sub(second, peak), { axis: [-1, -2] });
      const loss = ops.sum(ops.mul(pooled, pooled));
      return [
        pooled,
        ops.argmax(second, { axis: 1 }),
        loss,
        ...(gradients(loss, [x]) as Operand[]),
      ];
    };
    const x = random([3, 3, 6, 7], 5);
    const [on, off, reference] = [
      inSmallerStep(network, x, 'native', { layout: true }),
      inSmallerStep(network, x, 'native', { layout: false }),
      inSmallerStep(network, x, 'reference'),
    ];
    for (const [i, expected] of reference.entries()) {
      for (const tried of [need(on[i]), need(off[i])]) {
        expect(tried.shape).toEqual(expected.shape);
        tried.data.forEach((value, j) => {
          expect(value).toBeCloseTo(expected.data[j] as number, 4);
        });
      }
    }
    expect(differingBit([need(on[1])], [need(off[1])])).toBeNull();
  });
});

describe('sums of many numbers', () => {
  it.each(['rows', 'columns'])('are accurate in float32 along %s', (along) => {
    const count = 4_000_000;
    const x = sn.full(along === 'rows' ? [1, count] : [count / 4, 4], 0.1);
    const y = ops.sum(x, { axis: along === 'rows' ? 1 : 0 });
    const exact = (along === 'rows' ? count : count / 4) * Math.fround(0.1);
    for (const value of y.data) expect(Math.abs(value / exact - 1)).toBeLessThan(2e-7);
  });
});
