import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { apply, need, type Operator } from '../lib/ops/operator.ts';
import { detach, failsWith } from './support/errors.ts';

const { add, argmax, mul, relu, square, sum } = sn.ops;

function vector(...values: number[]): sn.Tensor<'float32'> {
  return sn.tensor(values);
}

class Params {
  w = vector(1);
}

function cyclicList(): unknown[] {
  const list: unknown[] = [[]];
  (list[0] as unknown[]).push(list);
  return list;
}

/** Arguments that are none, and what the message says of them. */
const noArguments: [title: string, inputs: unknown[], words: string[]][] = [
  ['an instance of a class', [vector(1), { p: [new Params()] }], ['p[0] of argument 1', 'Params']],
  ['a function', [relu], ['argument 0', 'a function']],
  ['a bigint', [1n], ['argument 0', '1n']],
  ['a symbol', [Symbol('x')], ['argument 0', 'a symbol']],
  ['an array that is typed', [new Float32Array(2)], ['argument 0', 'Float32Array']],
  ['a set', [{ m: new Set() }], ['m of argument 0', 'Set']],
  ['a Map by numbers', [{ m: new Map([[1, 2]]) }], ['m of argument 0', 'strings as keys', '1']],
  ['a list within itself', [cyclicList()], ['[0][0] of argument 0', 'within']],
  ['detached memory', [{ w: detach(vector(1, 2)) }], ['w of argument 0', 'detached']],
];

const transforms = Object.entries({ grad: sn.grad, valueAndGrad: sn.valueAndGrad });

describe.each(transforms)('%s refuses', (name, transform) => {
  const make = transform as unknown as (
    fn: unknown,
    options?: unknown,
  ) => (...xs: unknown[]) => unknown;
  const differentiate = (fn: (...inputs: sn.Variable[]) => unknown) =>
    make(fn, { backend: 'reference' });
  const total = (...inputs: sn.Variable[]) => sum(inputs.reduce((a, b) => add(a, b)));

  it.each(noArguments)('%s', (_, inputs, words) => {
    const f = differentiate(total);
    expect(() => f(...inputs)).toThrow(failsWith('ERR_ARGUMENT', `[${name}]`, ...words));
    sn.trace((x: sn.Variable) => {
      const traced = () => f(...inputs, x);
      expect(traced).toThrow(failsWith('ERR_ARGUMENT', `[${name}]`, ...words));
      return x;
    }, vector(1));
  });

  const x = vector(3, 1);
  it.each<[string, (x: sn.Variable) => unknown, string[]]>([
    ['nothing', () => undefined, ['depends on', 'undefined']],
    ['a number', () => 3, ['depends on', '3']],
    ['null', () => null, ['depends on', 'null']],
    ['an empty list', () => [], ['depends on', '[]']],
    ['a Tensor', () => sn.tensor(1), ['depends on', 'Tensor']],
    ['a promise', async (v) => sum(v), ['at once', 'promise']],
    ['a promise that fails', async () => Promise.reject(new Error('late')), ['at once', 'promise']],
    ['a function', () => relu, ['a function']],
    ['a shape other than one element', (v) => v, ['one element', '(2)']],
    ['no element', (v) => sn.ops.slice(v, [[0, 0]]), ['one element', '(0)']],
    ['an integer', (v) => argmax(v), ['floating', 'int32']],
    ['two values', (v) => [sum(v), sum(v)], ['one floating value']],
    ['an integer beside a list', (v) => [sum(v), [null, v]], ['one floating value']],
  ])('a function that gives %s', (_, fn, words) => {
    const f = differentiate(fn);
    const expected = failsWith('ERR_ARGUMENT', `[${name}]`, ...words);
    expect(() => f(x)).toThrow(expected);
    sn.trace((v: sn.Variable) => {
      expect(() => f(v)).toThrow(expected);
      return v;
    }, x);
  });

  it('a value of another trace, and one that escaped from a trace that has ended', () => {
    let leaked: sn.Variable | null = null;
    const keep = (v: sn.Variable) => {
      leaked = v;
      return sum(v);
    };
    const uses = (v: sn.Variable) => sum(mul(v, leaked as unknown as sn.Variable));
    const ended = failsWith('ERR_ARGUMENT', 'trace', 'values do not leave');
    for (const end of [() => sn.trace(keep, x), () => differentiate(keep)(x)]) {
      end();
      expect(() => differentiate(uses)(x)).toThrow(ended);
      expect(() => differentiate(() => leaked)(x)).toThrow();
      expect(() =>
        sn.trace((v: sn.Variable) => {
          differentiate(total)(v, leaked as unknown as sn.Variable);
          return v;
        }, x),
      ).toThrow(ended);
    }
    // The last one is of a gradient, whose trace is over: nothing more may be recorded in it.
    for (const late of [() => relu(leaked as never), () => differentiate(total)(leaked)]) {
      expect(late).toThrow(failsWith('ERR_ARGUMENT', 'a trace that has ended'));
    }
  });

  it('no arguments, but not NaN', () => {
    expect(() => differentiate(total)()).toThrow();
    expect(() => differentiate(() => sn.tensor(1))()).toThrow(
      failsWith('ERR_ARGUMENT', `[${name}]`),
    );
    const [gradient] = sn.grad((v) => sum(square(v)))(vector(Number.NaN, 1));
    expect([...(gradient as sn.Tensor).data]).toEqual([Number.NaN, 2]);
  });
});

describe('a derivative that does not exist', () => {
  const slope: Operator = {
    ...{ name: 'slope', inputs: ['dy', 'x'], outputs: ['dx'] },
    infer: ([dy]) => [need(dy)],
  };
  const smooth: Operator = {
    ...{ name: 'smooth', inputs: ['x'], outputs: ['y'] },
    infer: ([x]) => [need(x)],
    gradient: ({ inputs, gradients: [dy] }) => [apply(slope, [need(dy), need(inputs[0])], {})],
  };

  it('is named by its operator, with the scope that it was recorded in', () => {
    const loss = (x: sn.Variable) => sn.scoped('head', () => sum(apply(smooth, [x], {})));
    sn.trace((x: sn.Variable) => sn.grad(loss)(x), vector(1));
    const second = sn.grad((x) => sum(square(sn.grad(loss)(x)[0] as sn.Variable)));
    expect(() => second(vector(1))).toThrow(failsWith('ERR_NOT_DIFFERENTIABLE', '[slope]'));
    const first = sn.grad((x) => sn.scoped('head', () => sum(apply(slope, [x, x], {}))));
    expect(() => first(vector(1))).toThrow(
      failsWith('ERR_NOT_DIFFERENTIABLE', '[slope]', 'in head'),
    );
  });
});

describe('what a compiled function refuses', () => {
  const f = sn.compile((...inputs: sn.Variable[]) => inputs.reduce((a, b) => add(a, b)), {
    backend: 'reference',
  });
  const call = (...inputs: unknown[]) => f(...(inputs as sn.Tensor[]));
  it.each(noArguments)('%s', async (_, inputs, words) => {
    await expect(call(...inputs)).rejects.toEqual(failsWith('ERR_ARGUMENT', '[compile]', ...words));
    expect((await call(vector(1), vector(2))).item()).toBe(3);
  });

  it('traced values, and so calls within a trace', async () => {
    const inner = sn.compile((x: sn.Variable) => relu(x), { backend: 'reference' });
    let call: Promise<unknown> | null = null;
    sn.trace(
      (x: sn.Variable) => {
        call = inner(x as never);
        return x;
      },
      { shape: [1], dtype: 'float32' },
    );
    await expect(call).rejects.toEqual(failsWith('ERR_ARGUMENT', 'argument 0', 'trace'));
    expect(() => sn.grad((x) => inner(x as never) as never)(vector(1))).toThrow(
      failsWith('ERR_ARGUMENT', '[grad]', 'at once', 'promise'),
    );
    inner.dispose();
  });

  it.each<[string, (x: sn.Variable) => unknown, string[]]>([
    ['nothing', () => undefined, ['gives a value', 'undefined']],
    ['a number', () => 3, ['gives a value', '3']],
    ['a list of nulls', () => [null], ['gives a value']],
    ['a promise', async (x) => x, ['at once', 'promise']],
    ['a promise that fails', async () => Promise.reject(new Error('late')), ['at once', 'promise']],
    ['a list of promises', (x) => [Promise.resolve(x)], ['[0]', 'promise']],
    ['an instance of a class', () => ({ p: new Params() }), ['p', 'Params']],
  ])('functions that give %s', async (_, fn, words) => {
    const compiled = sn.compile(fn as never, { backend: 'reference' }) as unknown as (
      x: sn.Tensor,
    ) => Promise<unknown>;
    await expect(compiled(vector(1))).rejects.toEqual(failsWith('ERR_ARGUMENT', ...words));
  });

  it('a number of programs that is none', () => {
    for (const keep of [0, 1.5, -1, Number.NaN, '3']) {
      expect(() => sn.compile(relu, { keep: keep as number })).toThrow(
        failsWith('ERR_ARGUMENT', 'keep'),
      );
    }
  });
});

describe('options in the place of an argument', () => {
  const x = vector(1, 2);
  const f = (v: sn.Variable) => sn.ops.sum(v);
  const options = { backend: 'reference' } as const;

  it.each([
    ['grad', () => sn.grad(f)(...([x, options] as never as [sn.Tensor]))],
    ['valueAndGrad', () => sn.valueAndGrad(f)(...([x, options] as never as [sn.Tensor]))],
    ['jacobian', () => sn.jacobian(f)(...([x, options] as never as [sn.Tensor]))],
    ['grad', () => sn.grad(sn.grad(f))(...([x, { threads: 1 }] as never as [sn.Tensor]))],
  ])('are refused by %s', (name, call) => {
    expect(call).toThrow(failsWith('ERR_ARGUMENT', `[${name}]`, `options in ${name}(f, options)`));
  });

  it('are refused by compiled functions', async () => {
    const compiled = sn.compile(sn.grad(f), options);
    for (const wrong of [options, { keep: 3 }, { threads: 1, isa: 'portable' }]) {
      await expect(compiled(...([x, wrong] as never as [sn.Tensor]))).rejects.toEqual(
        failsWith('ERR_ARGUMENT', '[compile]', 'options in compile(f, options)'),
      );
    }
    compiled.dispose();
  });

  it('are arguments of functions that have such parameters', () => {
    const g = (v: sn.Variable, { threads }: { threads: number }) =>
      sn.ops.sum(sn.ops.mul(v, threads));
    expect(sn.grad(g, options)(x, { threads: 3 })[0].data[0]).toBe(3);
    expect(sn.grad((v, _axis?) => sn.ops.sum(v), options)(x)[0].data[0]).toBe(1);
    expect(sn.grad(sn.ops.sum, options)(x, { axis: 0 })[0].data[0]).toBe(1);
  });

  it('of types: as many specs as parameters, and types beside defaults', async () => {
    // @ts-expect-error a spec too many
    sn.trace((v) => sn.ops.sum(v), x, x);
    // @ts-expect-error a spec too many
    sn.trace((v: sn.Variable) => sn.ops.sum(v), x, x);
    // @ts-expect-error a spec too many
    sn.trace((v: sn.Operand, p: { w: sn.Variable }) => sn.ops.mul(v, p.w), x, { w: x }, x);
    // @ts-expect-error a spec is missing
    expect(() => sn.trace((v: sn.Variable, w: sn.Variable) => sn.ops.mul(v, w), x)).toThrow();
    expect(sn.trace((v, w) => sn.ops.mul(v, w), ...[x, x]).inputs).toHaveLength(2);
    const scaled = sn.compile((v: sn.Variable, k: number = 2) => sn.ops.mul(v, k), options);
    const result = await scaled(x);
    expect(result.toArray()).toEqual([2, 4]);
    expect((await scaled(x, 3, { into: result })).toArray()).toEqual([3, 6]);
    scaled.dispose();
  });
});
