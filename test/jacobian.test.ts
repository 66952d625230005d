import { describe, expect, expectTypeOf, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { failsWith } from './support/errors.ts';
import { backends } from './support/networks.ts';

const { add, argmax, matmul, mul, relu, softmax, square, sum, tanh } = sn.ops;

function drawn(seed: number, ...shape: number[]): sn.Tensor<'float64'> {
  const random = new Generator(seed);
  const x = sn.zeros(shape, 'float64');
  for (let i = 0; i < x.size; i++) x.data[i] = random.normal();
  return x;
}

function numbers(tensor: sn.Tensor | null): number[] {
  return [...(tensor as sn.Tensor).data];
}

function closeTo(tensor: sn.Tensor | null, shape: number[], expected: readonly number[]): void {
  expect(tensor?.shape).toEqual(shape);
  numbers(tensor).forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i] as number, 12);
  });
}

describe.each(backends)('jacobian on %s', (backend) => {
  it('of softmax is p_i·(δ_ij − p_j)', () => {
    const x = drawn(1, 5);
    const p = [...softmax(x).data];
    const [found] = sn.jacobian((v) => softmax(v), { backend })(x);
    const expected = p.flatMap((pi, i) => p.map((pj, j) => pi * (Number(i === j) - pj)));
    closeTo(found, [5, 5], expected);
  });

  it('of a product, nested, is the other factor in its places', () => {
    const x = drawn(2, 2, 3);
    const w = drawn(3, 3, 2);
    const f = sn.jacobian(
      (p: { w: sn.Variable; k: number }, v: sn.Variable, _labels: sn.Variable) =>
        mul(matmul(v, p.w), p.k),
      { backend },
    );
    const [ofP, ofX, ofLabels] = f({ w, k: 2 }, x, sn.zeros([1], 'int32'));
    expectTypeOf(ofP).toEqualTypeOf<{ w: sn.Tensor<'float64'>; k: null }>();
    expect([ofP.k, ofLabels]).toEqual([null, null]);
    const [rows, units, inputs] = [2, 2, 3].map((n) => Array.from({ length: n }, (_, i) => i));
    const by = (of: (i: number, o: number, r: number, c: number) => number, a = rows, b = inputs) =>
      rows?.flatMap((i) => units?.flatMap((o) => a?.flatMap((r) => b?.map((c) => of(i, o, r, c)))));
    const at = ({ data }: sn.Tensor, place: number): number => data[place] as number;
    closeTo(
      ofX,
      [2, 2, 2, 3],
      by((i, o, r, c) => 2 * Number(i === r) * at(w, c * 2 + o)) as number[],
    );
    closeTo(
      ofP.w,
      [2, 2, 3, 2],
      by((i, o, r, c) => 2 * Number(o === c) * at(x, i * 3 + r), inputs, units) as number[],
    );
  });

  it('of a gradient is the Hessian', () => {
    const a = drawn(4, 3, 3);
    const form = (v: sn.Variable) => sum(mul(matmul(sn.ops.reshape(v, [1, 3]), a), v));
    const [hessian] = sn.jacobian(sn.grad(form), { backend })(drawn(5, 3));
    const entry = (i: number, j: number) =>
      (a.data[3 * i + j] as number) + (a.data[3 * j + i] as number);
    closeTo(
      hessian,
      [3, 3],
      [0, 1, 2].flatMap((i) => [0, 1, 2].map((j) => entry(i, j))),
    );
  });

  it('agrees with gradients of each element, for more elements than are fed at once', () => {
    const [n, units] = [1100, 2];
    const x = drawn(6, units);
    const w = drawn(7, n, units);
    const f = (v: sn.Variable) => square(add(tanh(sn.ops.mean(mul(w, v), { axis: 1 })), 1));
    const [found] = sn.jacobian(f, { backend })(x);
    expect(found?.shape).toEqual([n, units]);
    for (const i of [0, 1, 952, 953, 954, 1099]) {
      const mask = sn.zeros([n], 'float64');
      mask.data[i] = 1;
      const [row] = sn.grad((v) => sum(mul(f(v), mask)), { backend })(x);
      closeTo(row, [units], numbers(found).slice(i * units, (i + 1) * units));
    }
  });

  it('is of no element, of no argument and of none that matters', () => {
    expect(sn.jacobian((x) => relu(x), { backend })(sn.zeros([0]))[0]?.shape).toEqual([0, 0]);
    const ofInteger = sn.jacobian((i: sn.Variable) => sn.ops.gather(drawn(8, 3), i), { backend });
    expect(ofInteger(sn.zeros([2], 'int32'))).toEqual([null]);
    const [, unused] = sn.jacobian((x, _y) => relu(x), { backend })(drawn(9, 2), drawn(9, 3));
    closeTo(unused, [2, 3], [0, 0, 0, 0, 0, 0]);
  });
});

describe('jacobian refuses', () => {
  const x = drawn(1, 3);

  it('traced values, integers, and what is no value of its arguments', () => {
    sn.trace((v: sn.Variable) => {
      const call = () => sn.jacobian(relu)(v as never);
      expect(call).toThrow(failsWith('ERR_ARGUMENT', '[jacobian]', 'argument 0', 'gradients('));
      return v;
    }, x);
    for (const [fn, word] of [
      [(v: sn.Variable) => argmax(v), 'int32'],
      [(v: sn.Variable) => [v, v], 'one floating value'],
      [() => 3, 'depends on'],
      [async (v: sn.Variable) => v, 'promise'],
    ] as const) {
      const call = () => sn.jacobian(fn as never)(x as never);
      expect(call).toThrow(failsWith('ERR_ARGUMENT', '[jacobian]', word));
    }
    expect(() => sn.jacobian(3 as never)).toThrow(failsWith('ERR_ARGUMENT', '[jacobian]'));
    expect(() => sn.jacobian(relu)([new Set()] as never)).toThrow(
      failsWith('ERR_ARGUMENT', '[jacobian]', '[0] of argument 0', 'Set'),
    );
  });
});
