import { describe, expect, expectTypeOf, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import * as sn from '../lib/index.ts';
import { failsWith } from './support/errors.ts';
import { backends } from './support/networks.ts';

const { add, gather, matmul, mul, relu, softmaxCrossEntropy, square, sum } = sn.ops;

function vector(...values: number[]): sn.Tensor<'float32'> {
  return sn.tensor(values);
}

function programs(): number {
  return tryAddon()?.addon.memory().programs ?? 0;
}

describe('the types of compiled functions', () => {
  it('are those of the function', async () => {
    const x = vector(1, -2);
    const f = sn.compile(
      (p: { w: sn.Variable; list: sn.Variable[] }, k: number, v: sn.Variable) => ({
        sum: sum(v),
        list: [mul(p.w, k), null] as const,
      }),
    );
    const result = await f({ w: x, list: [] }, 3, x);
    expectTypeOf(result).toEqualTypeOf<{ sum: sn.Tensor; list: readonly [sn.Tensor, null] }>();
    const again = await f({ w: x, list: [] }, 3, x, { into: result });
    expectTypeOf(again).toEqualTypeOf(result);
    // @ts-expect-error the places of the result are missing
    await expect(f({ w: x, list: [] }, 3, x, { into: x })).rejects.toThrow();
    // @ts-expect-error w is no Tensor
    await expect(f({ w: 'x', list: [] }, 3, x)).rejects.toThrow();
    f.dispose();
    const pair = sn.compile((a, b) => [add(a, b), a]);
    expectTypeOf(await pair(x, x)).toEqualTypeOf<[sn.Tensor, sn.Tensor]>();
    pair.dispose();
    const loss = sn.valueAndGrad((p: { w: sn.Variable }, v: sn.Variable) => sum(mul(p.w, v)));
    const compiled = sn.compile(loss);
    const { value, grads } = await compiled({ w: x }, x);
    expectTypeOf(value).toEqualTypeOf<sn.Tensor>();
    expectTypeOf(grads).toEqualTypeOf<[{ w: sn.Tensor<'float32'> }, sn.Tensor<'float32'>]>();
    compiled.dispose();
  });
});

describe.each(backends)('a compiled function on %s', (backend) => {
  it('takes and gives trees, static values among them', async () => {
    let traces = 0;
    const f = sn.compile(
      (p: { scale: number | null; xs: sn.Variable[] }, mode: string, flag?: boolean) => {
        traces++;
        const all = p.xs.map((x) => (p.scale === null ? x : mul(x, p.scale)));
        return { [mode]: all, flag, none: null, first: p.xs[0] as sn.Variable };
      },
      { backend },
    );
    const xs = [vector(1, 2), vector(3)];
    expect(await f({ scale: 2, xs }, 'y', true)).toMatchObject({
      y: [{ data: Float32Array.of(2, 4) }, { data: Float32Array.of(6) }],
      ...{ flag: true, none: null, first: { data: Float32Array.of(1, 2) } },
    });
    await f({ scale: 2, xs: [vector(5, 6), vector(7)] }, 'y', true);
    expect(traces).toBe(1);
    const others = [
      () => f({ scale: -0, xs }, 'y', true),
      () => f({ scale: 0, xs }, 'y', true),
      () => f({ scale: Number.NaN, xs }, 'y', true),
      () => f({ scale: null, xs }, 'y', true),
      () => f({ scale: 2, xs }, 'z', true),
      () => f({ scale: 2, xs }, 'y', false),
      () => f({ scale: 2, xs }, 'y'),
      () => f({ scale: 2, xs: [vector(1, 2)] }, 'y', true),
      () => f({ scale: 2, xs: [sn.tensor([[1, 2]]), vector(3)] }, 'y', true),
      () => f({ scale: 2, xs: [vector(1, 2).to('float64'), vector(3)] }, 'y', true),
    ];
    for (const call of others) await call();
    expect(traces).toBe(1 + others.length);
    for (const call of others) await call();
    expect(traces).toBe(1 + others.length);
    f.dispose();
  });

  it('gives a value twice, an argument, and a constant', async () => {
    const constant = vector(7);
    const f = sn.compile(
      (x: sn.Variable) => {
        const y = relu(x);
        return [y, y, x, constant, x];
      },
      { backend },
    );
    const result = await f(vector(-1, 2));
    expect(result.map(({ data }) => [...data])).toEqual([[0, 2], [0, 2], [-1, 2], [7], [-1, 2]]);
    expect(new Set(result.map(({ data }) => data.buffer)).size).toBe(5);
    f.dispose();
  });

  it('gives the gradients of a nested loss, as when they are computed at once', async () => {
    const loss = (p: { w: sn.Variable; b: sn.Variable }, x: sn.Variable, labels: sn.Variable) =>
      softmaxCrossEntropy(add(matmul(x, p.w), p.b), labels);
    const both = sn.valueAndGrad(loss, { backend });
    const compiled = sn.compile(both, { backend });
    const p = {
      w: sn.tensor([
        [1, -2],
        [0.5, 3],
      ]),
      b: vector(0.1, 0.2),
    };
    const x = sn.tensor([
      [1, 2],
      [-3, 0.5],
    ]);
    const labels = sn.tensor([0, 1], [2], 'int32');
    const result = await compiled(p, x, labels);
    expect(result).toEqual(both(p, x, labels));
    expect(result.grads[2]).toBeNull();
    expect(await compiled(p, x, labels, { into: result })).toBe(result);
    const second = sn.compile(sn.grad(sn.grad((v) => sum(mul(v, square(v))))), { backend });
    expect((await second(vector(2)))[0]?.item()).toBe(12);
    compiled.dispose();
    second.dispose();
  });

  it('runs calls in their order, each with the values that its arguments had', async () => {
    const f = sn.compile((x: sn.Variable) => mul(x, 2), { backend });
    const x = vector(0, 0, 0);
    const order: number[] = [];
    for (let round = 0; round < 3; round++) {
      const results = Array.from({ length: 20 }, async (_, i) => {
        x.data.fill(i);
        const call = f(x);
        x.data.fill(-1);
        const { data } = await call;
        order.push(i);
        return data[2];
      });
      expect(await Promise.all(results)).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
      expect(order.splice(0)).toEqual(Array.from({ length: 20 }, (_, i) => i));
    }
    f.dispose();
  });

  it('works on after errors of the data, of the trace and of waiting calls', async () => {
    const x = sn.tensor([[1, 2, 3]]);
    const f = sn.compile((v: sn.Variable, i: sn.Variable) => gather(v, i, { axis: 1 }), {
      backend,
    });
    const good = sn.tensor([2], [1], 'int32');
    const bad = sn.tensor([3], [1], 'int32');
    const target = sn.full([1, 1], 5);
    const settled = await Promise.allSettled([
      ...[f(x, bad), f(x, good), f(x, bad, { into: target }), f(vector(1), good), f(x, good)],
    ]);
    expect(settled).toMatchObject([
      { reason: { code: 'ERR_ARGUMENT' } },
      { value: { data: Float32Array.of(3) } },
      { reason: { code: 'ERR_ARGUMENT' } },
      { reason: { code: 'ERR_ARGUMENT' } },
      { value: { data: Float32Array.of(3) } },
    ]);
    expect(target.item()).toBe(5);
    expect(await f(x, good, { into: target })).toBe(target);
    expect(target.item()).toBe(3);
    f.dispose();
  });

  it('keeps so many programs, the least recently used leaving first', async () => {
    const before = programs();
    const shapes: number[] = [];
    const f = sn.compile(
      (x: sn.Variable) => {
        shapes.push(x.shape[0] as number);
        return relu(x);
      },
      { backend, keep: 2 },
    );
    for (const size of [1, 2, 1, 3, 1, 2, 3, 3]) await f(sn.zeros([size]));
    // 3 drives out 2; 2 drives out 3; 3 drives out 1.
    expect(shapes).toEqual([1, 2, 3, 2, 3]);
    if (backend === 'native') expect(programs() - before).toBe(2);
    shapes.length = 0;
    const sizes = Array.from({ length: 12 }, (_, i) => 10 + i);
    const all = await Promise.all(sizes.map((size) => f(sn.full([size], size))));
    expect(all.map(({ data }) => data.at(-1))).toEqual(sizes);
    if (backend === 'native') expect(programs() - before).toBe(2);
    f.dispose();
    expect(programs()).toBe(before);
  });

  it('finishes pending calls after dispose() and refuses later ones', async () => {
    const before = programs();
    const f = sn.compile((x: sn.Variable) => mul(x, 3), { backend });
    const pending = [1, 2, 3].map((value) => f(vector(value)));
    const other = f(vector(1, 1));
    f.dispose();
    f.dispose();
    await expect(f(vector(4))).rejects.toEqual(failsWith('ERR_DISPOSED', 'compile', 'dispose()'));
    expect((await Promise.all(pending)).map((y) => y.item())).toEqual([3, 6, 9]);
    expect([...(await other).data]).toEqual([3, 3]);
    expect(programs()).toBe(before);
    await expect(f(vector(4))).rejects.toEqual(failsWith('ERR_DISPOSED'));
  });
});

describe.skipIf(tryAddon() === null)('the memory of native calls', () => {
  const size = 2 ** 14;
  const bytes = 4 * size;
  const layer = (p: { w: sn.Variable; b: sn.Variable }, x: sn.Variable) =>
    relu(add(mul(x, p.w), p.b));
  const used = () => process.memoryUsage().arrayBuffers;
  const addon = () => tryAddon()?.addon.memory();

  it('is that of the outputs alone', async () => {
    const f = sn.compile(layer);
    const p = { w: sn.full([size], 2), b: sn.full([size], 1) };
    const x = sn.full([size], 3);
    await f(p, x);
    const held = addon();
    const before = used();
    const results: sn.Tensor[] = [];
    for (let i = 0; i < 500; i++) results.push(await f(p, x));
    expect(used() - before).toBeLessThan(501 * bytes);
    expect(results.every(({ data }) => data[size - 1] === 7)).toBe(true);
    expect(addon()).toEqual(held);
    f.dispose();
  });

  it('stays as it is with { into }, call after call and for calls that wait', async () => {
    const f = sn.compile(
      sn.valueAndGrad((p: Parameters<typeof layer>[0], x: sn.Variable) => sum(layer(p, x))),
    );
    const p = { w: sn.full([size], 2), b: sn.full([size], 1) };
    const x = sn.full([size], 3);
    const into = await Promise.all(Array.from({ length: 4 }, () => f(p, x)));
    const held = addon();
    let [least, rise] = [used(), 0];
    for (let i = 0; i < 2000; i++) {
      // One call alone, or four of which three wait.
      const calls = into.slice(0, i % 2 === 0 ? 1 : 4).map((target) => f(p, x, { into: target }));
      await Promise.all(calls);
      const now = used();
      rise = Math.max(rise, now - least);
      least = Math.min(least, now);
    }
    expect(rise).toBeLessThan(bytes);
    expect(addon()).toEqual(held);
    expect(into.map(({ value }) => value.item())).toEqual(into.map(() => 7 * size));
    expect(into[3]?.grads[0].w?.data[0]).toBe(3);
    f.dispose();
  });
});
