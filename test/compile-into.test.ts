import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { detach, failsWith } from './support/errors.ts';
import { backends } from './support/networks.ts';

const { add, gather, mul, relu, sum } = sn.ops;

function vector(...values: number[]): sn.Tensor<'float32'> {
  return sn.tensor(values);
}

describe.each(backends)('{ into } on %s', (backend) => {
  const f = sn.compile(
    (x: sn.Variable) => ({ y: mul(x, 2), list: [sum(x), null, relu(x)], k: 'static' }),
    { backend },
  );
  const x = vector(1, -2);
  const target = () => ({
    ...{ y: sn.zeros([2]), list: [sn.zeros([]), null, sn.zeros([2])] as const, k: 'static' },
  });

  it('is filled and given', async () => {
    const into = target();
    expect(await f(x, { into: into as never })).toBe(into);
    expect([[...into.y.data], into.list[0].item(), [...into.list[2].data]]).toEqual([
      [2, -4],
      -1,
      [1, 0],
    ]);
    const memory = new Float32Array(8);
    const views = {
      ...into,
      y: new sn.Tensor(memory.subarray(1, 3), [2], 'float32'),
      list: [into.list[0], null, new sn.Tensor(memory.subarray(3, 5), [2], 'float32')],
    };
    await f(new sn.Tensor(memory.subarray(5, 7), [2], 'float32'), { into: views as never });
    await f(x, { into: views as never });
    expect([...memory]).toEqual([0, 2, -4, 1, 0, 0, 0, 0]);
    const [first, second] = [target(), target()];
    const calls = [f(x, { into: first as never }), f(vector(5, 6), { into: second as never })];
    expect(await Promise.all(calls)).toEqual([first, second]);
    expect([[...first.y.data], [...second.y.data]]).toEqual([
      [2, -4],
      [10, 12],
    ]);
  });

  it.each<[string, (into: ReturnType<typeof target>) => unknown, sn.ErrorCode, string[]]>([
    ['a Tensor for a tree', ({ y }) => y, 'ERR_ARGUMENT', ['into', 'y, list, k', 'Tensor']],
    ['null', () => null, 'ERR_ARGUMENT', ['into', 'null']],
    ['a missing key', ({ y, k }) => ({ y, k }), 'ERR_ARGUMENT', ['into', 'y, list, k']],
    ['a key more', (into) => ({ ...into, z: 1 }), 'ERR_ARGUMENT', ['into', 'y, list, k']],
    ['a short list', (into) => ({ ...into, list: [] }), 'ERR_ARGUMENT', ['into.list', 'list of 3']],
    ['a number', (into) => ({ ...into, y: 3 }), 'ERR_ARGUMENT', ['into.y', 'Tensor', '3']],
    [
      'a Tensor for null',
      (into) => ({ ...into, list: [into.list[0], into.y, into.list[2]] }),
      'ERR_ARGUMENT',
      ['into.list[1]', 'null'],
    ],
    ['another static value', (into) => ({ ...into, k: 'x' }), 'ERR_ARGUMENT', ['into.k', "'x'"]],
    [
      'another shape',
      (into) => ({ ...into, y: sn.zeros([1, 2]) }),
      'ERR_SHAPE',
      ['into.y', '(2)', '(1, 2)'],
    ],
    [
      'another dtype',
      (into) => ({ ...into, y: sn.zeros([2], 'float64') }),
      'ERR_DTYPE',
      ['into.y', 'float32', 'float64'],
    ],
    [
      'detached memory',
      (into) => ({ ...into, y: detach(into.y) }),
      'ERR_ARGUMENT',
      ['into.y', 'detached'],
    ],
    [
      'a Tensor twice',
      (into) => ({ ...into, list: [into.list[0], null, into.y] }),
      'ERR_ARGUMENT',
      ['into.list[2]', 'twice'],
    ],
  ])('refuses %s', async (_, wrong, code, words) => {
    const into = wrong(target());
    await expect(f(x, { into: into as never })).rejects.toEqual(
      failsWith(code, '[compile]', ...words),
    );
    expect(await f(x, { into: target() as never })).toBeDefined();
  });

  it('updates arguments in place, in whatever way they overlap', async () => {
    const swap = sn.compile((a: sn.Variable, b: sn.Variable) => [b, add(a, b), a], { backend });
    const [a, b] = [vector(1, 2), vector(10, 20)];
    const sums = vector(0, 0);
    const into: Awaited<ReturnType<typeof swap>> = [a, sums, b];
    for (let i = 0; i < 3; i++) await swap(a, b, { into });
    expect([a, b, sums].map(({ data }) => [...data])).toEqual([
      [10, 20],
      [1, 2],
      [11, 22],
    ]);
    const memory = Float32Array.of(1, 2, 3, 4);
    const part = (start: number) =>
      new sn.Tensor(memory.subarray(start, start + 2), [2], 'float32');
    await swap(part(0), part(1), { into: [part(2), part(0), vector(0, 0)] });
    expect([...memory]).toEqual([3, 5, 2, 3]);
    swap.dispose();
  });

  it('belongs to its call until that is settled', async () => {
    const double = sn.compile((p: { w: sn.Variable }) => ({ w: mul(p.w, 2) }), { backend });
    const p = { w: vector(1, 2) };
    const call = double(p, { into: p });
    const overlapping = new sn.Tensor(p.w.data.subarray(1), [1], 'float32');
    for (const [refused, place] of [
      [double(p), 'w of argument 0'],
      [double({ w: vector(3, 4) }, { into: p }), 'into.w'],
      [double({ w: overlapping }), 'w of argument 0'],
      [f(p.w), 'argument 0'],
    ] as const) {
      await expect(refused).rejects.toEqual(failsWith('ERR_BUSY', '[compile]', place, 'settled'));
    }
    expect(await call).toBe(p);
    const wrong = { w: gather };
    await expect(double(wrong as never, { into: p })).rejects.toEqual(failsWith('ERR_ARGUMENT'));
    await double(p, { into: p });
    expect([...p.w.data]).toEqual([4, 8]);
    double.dispose();
  });

  it('is free again after an error', async () => {
    const pick = sn.compile((v: sn.Variable, i: sn.Variable) => gather(v, i), { backend });
    const v = vector(1, 2);
    const bad = sn.tensor([0, 3], [2], 'int32');
    for (let i = 0; i < 2; i++) {
      await expect(pick(v, bad, { into: v })).rejects.toEqual(failsWith('ERR_ARGUMENT'));
    }
    expect([...v.data]).toEqual([1, 2]);
    pick.dispose();
  });

  it('is an error when it is detached before it is filled', async () => {
    const into = target();
    const [, call] = [f(x), f(x, { into: into as never })];
    detach(into.y);
    await expect(call).rejects.toEqual(failsWith('ERR_ARGUMENT', 'into[0]', 'detached'));
    expect((await f(x)).y.data[0]).toBe(2);
  });

  it('may be nothing at first', async () => {
    let result: Awaited<ReturnType<typeof f>> | undefined;
    const given = new Set<unknown>();
    for (let i = 0; i < 3; i++) {
      result = await f(vector(i, -i), { into: result });
      given.add(result);
      expect([...result.y.data]).toEqual([2 * i, -2 * i]);
    }
    expect(given.size).toBe(1);
  });

  it('is an argument like any other unless it is the last one and has no other key', async () => {
    const g = sn.compile(
      (p: { into: sn.Variable }, q: { into: sn.Variable; k: number }) => add(p.into, q.into),
      { backend },
    );
    expect((await g({ into: x }, { into: x, k: 1 })).data[0]).toBe(2);
    g.dispose();
  });
});
