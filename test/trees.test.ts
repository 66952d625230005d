import { describe, expect, expectTypeOf, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { failsWith } from './support/errors.ts';
import { backends } from './support/networks.ts';

const { add, linear, mean, mul, softmaxCrossEntropy, square, sub, sum } = sn.ops;

type Float32 = sn.Tensor<'float32'>;
type Named = ReadonlyMap<string, sn.Variable>;

const vector = (...values: number[]): Float32 => sn.tensor(values);

function named(): Map<string, Float32> {
  return new Map([
    ['w', vector(1, 2)],
    ['b', vector(3, 4)],
  ]);
}

describe('the types of gradients', () => {
  const x = vector(1, 2);
  const loss = (p: { w: sn.Operand; b?: sn.Variable }, y: sn.Variable) => sum(mul(p.w, y));

  it('are those of the Tensors of the call', () => {
    const labels = sn.tensor([1, 2], [2], 'int32');
    const both = sn.valueAndGrad(loss);
    const { grads } = both({ w: x }, x);
    expectTypeOf(grads).toEqualTypeOf<[{ w: Float32 }, Float32]>();
    expectTypeOf(sn.grad(loss)({ w: x, b: x }, x)).toEqualTypeOf<
      [{ w: Float32; b: Float32 }, Float32]
    >();
    const unknown: sn.Tensor = x;
    const [ofUnknown] = sn.grad(loss)({ w: unknown }, x);
    expectTypeOf<null>().toExtend<typeof ofUnknown.w>();
    const [ofW, ofLabels] = sn.grad((w, _labels, scale: number) => mul(sum(w), scale))(
      x,
      labels,
      2,
    );
    expectTypeOf(ofW).toEqualTypeOf<Float32>();
    expectTypeOf(ofLabels).toEqualTypeOf<null>();
    expect([ofW.data[0], ofLabels]).toEqual([2, null]);
    // @ts-expect-error w is missing
    expect(() => both({ b: x }, x)).toThrow();
    // @ts-expect-error w is no Tensor
    expect(() => both({ w: 'x' }, x)).toThrow();
  });

  it('go back into the parameters', async () => {
    let params = { w: vector(1, 2), k: [vector(3)] };
    const f = (p: { w: sn.Variable; k: sn.Variable[] }) =>
      add(sum(square(p.w)), sum(p.k[0] as sn.Variable));
    const [g] = sn.grad(f)(params);
    params = { w: sub(params.w, mul(g.w, 0.5)), k: params.k };
    expect([...params.w.data]).toEqual([0, 0]);
    const compiled = sn.compile(sn.grad(f));
    const [again] = await compiled(params);
    expectTypeOf(again).toEqualTypeOf<{ w: Float32; k: Float32[] }>();
    params = again;
    const into: Awaited<ReturnType<typeof compiled>> = [again];
    expect(await compiled({ w: vector(1, 2), k: [vector(3)] }, { into })).toBe(into);
    // @ts-expect-error the gradient of k is missing
    await expect(compiled(params, { into: [{ w: params.w }] })).rejects.toThrow();
    compiled.dispose();
  });
});

describe.each(backends)('Maps as arguments on %s', (backend) => {
  const loss = (p: Named, { more }: { more: Named[] }, k: number) =>
    mul(sum(mul(p.get('w') as sn.Variable, more[0]?.get('w') as sn.Variable)), k);

  it('have gradients that are Maps', () => {
    const counts = sn.tensor([1], [1], 'int32');
    const more = [new Map<string, sn.Tensor>([...named(), ['n', counts]])];
    const [ofP, ofMore, none] = sn.grad(loss, { backend })(named(), { more }, 2);
    expectTypeOf(ofP).toEqualTypeOf<Map<string, Float32>>();
    expect([...ofP.keys()]).toEqual(['w', 'b']);
    expect([...ofP.values()].map(({ data }) => [...data])).toEqual([
      [2, 4],
      [0, 0],
    ]);
    const [map] = ofMore.more;
    expect([map?.get('w')?.data[1], map?.get('n'), none]).toEqual([4, null, null]);
    const { maxError } = sn.gradientCheck(
      (p: Named) => sum(square(square(p.get('w') as sn.Variable))),
      [new Map([['w', sn.tensor([1, 2], [2], 'float64')]])],
      { backend },
    );
    expect(maxError).toBeLessThan(1e-8);
  });

  it('are compiled, and filled', async () => {
    let traces = 0;
    const f = sn.compile(
      (p: Named) => {
        traces++;
        return { doubled: new Map([...p].map(([key, value]) => [key, mul(value, 2)])), p };
      },
      { backend },
    );
    const result = await f(named());
    expectTypeOf(result).toEqualTypeOf<{
      doubled: Map<string, sn.Tensor>;
      p: ReadonlyMap<string, sn.Tensor>;
    }>();
    await f(new Map([...named()].map(([key, value]) => [key, value.clone()])));
    expect(traces).toBe(1);
    expect(result.doubled.get('b')?.toArray()).toEqual([6, 8]);
    const reversed = { doubled: new Map([...result.doubled].reverse()), p: result.p };
    expect(await f(named(), { into: reversed })).toBe(reversed);
    expect(reversed.doubled.get('w')?.toArray()).toEqual([2, 4]);
    await f(new Map([['w', vector(1)]]));
    await f(new Map([['v', vector(1)]]));
    expect(traces).toBe(3);
    const wrong = [
      [{ ...result, doubled: Object.fromEntries(result.doubled) }, 'into.doubled', 'a Map of w, b'],
      [{ ...result, doubled: new Map([['w', vector(1, 2)]]) }, 'into.doubled', 'a Map of w, b'],
      [
        { ...result, doubled: new Map<string, unknown>([...result.doubled, ['w', 5]]) },
        'into.doubled.w',
        '5',
      ],
    ] as const;
    for (const [into, ...words] of wrong) {
      await expect(f(named(), { into: into as never })).rejects.toEqual(
        failsWith('ERR_ARGUMENT', '[compile]', ...words),
      );
    }
    f.dispose();
  });

  it('are those of a trace', () => {
    const spec = { shape: [2], dtype: 'float32' } as const;
    const graph = sn
      .trace(
        (p: Named) => mul(p.get('a') as sn.Variable, p.get('b') as sn.Variable),
        new Map([
          ['a', spec],
          ['b', spec],
        ]),
      )
      .with({ backend });
    expect(graph.inputs.map(({ variable }) => variable.name)).toEqual(['a', 'b']);
    const [a, b] = [vector(1, 2), vector(3, 5)];
    const values = graph.values(
      new Map([
        ['b', b],
        ['a', a],
      ]),
    );
    expect([...values.values()].at(-1)?.toArray()).toEqual([3, 10]);
    expect(() => graph.values({ a, b } as never)).toThrow(failsWith('ERR_ARGUMENT', 'a Map'));
    expect(() => graph.values(new Map([['c', a]]))).toThrow(
      failsWith('ERR_ARGUMENT', 'c of argument 0'),
    );
    expect(() => graph.values(new Map([['a', a]]))).toThrow(failsWith('ERR_ARGUMENT', 'b'));
  });

  it('have strings as keys, and are no Sets', async () => {
    const numbered = new Map([[1, vector(1)]]) as never;
    for (const wrong of [numbered, new Set([vector(1)]) as never]) {
      const f = (p: Named) => sum(p.get('w') as sn.Variable);
      expect(() => sn.grad(f)(wrong)).toThrow(failsWith('ERR_ARGUMENT', 'argument 0'));
      const compiled = sn.compile(f, { backend });
      await expect(compiled(wrong)).rejects.toEqual(failsWith('ERR_ARGUMENT', 'argument 0'));
      compiled.dispose();
    }
  });
});

describe.each(backends)('the parameters of a network as an argument on %s', (backend) => {
  it('have the gradients that training by fit follows', async () => {
    const layers = [
      sn.layers.dense({ units: 4, activation: 'tanh' }),
      sn.layers.batchNorm(),
      sn.layers.dense({ units: 3, activation: 'softmax' }),
    ];
    const net = sn.sequential({ inputShape: [2], layers, backend });
    const x = sn.tensor([
      [1, -2],
      [0.5, 3],
      [2, 0.1],
    ]);
    const y = sn.tensor([0, 2, 1], [3], 'int32');
    const both = sn.compile(
      sn.valueAndGrad((p: Named, x: sn.Variable, y: sn.Variable) =>
        softmaxCrossEntropy(net.apply(x, p, { logits: true, training: true }), y),
      ),
      { backend },
    );
    const params = net.parameters();
    const { value, grads } = await both(params, x, y);
    expect(grads[2]).toBeNull();
    const moved = sn.mapTensors((p, g) => sub(p, mul(g, 0.5)), params, grads[0]);
    const { epochs } = await net.fit(
      { x, y },
      { epochs: 1, batchSize: 3, optimizer: sn.optimizers.sgd({ learningRate: 0.5 }) },
    );
    expect(value.item()).toBeCloseTo(epochs[0]?.loss as number, 5);
    for (const [key, after] of net.parameters()) {
      const running = key.includes('running');
      const expected = (running ? params : moved).get(key) as sn.Tensor;
      if (running) {
        expect(
          grads[0].get(key)?.data.every((each) => each === 0),
          key,
        ).toBe(true);
        expect(moved.get(key)).toEqual(params.get(key));
        continue;
      }
      after.data.forEach((each, i) => {
        expect(each, key).toBeCloseTo(expected.data[i] as number, 5);
      });
    }
    net.setParameters(moved);
    both.dispose();
  });
});

describe('mapTensors', () => {
  const tree = () => ({ w: vector(1, 2), list: [{ n: 3, v: vector(4) }], name: 'x' });

  it('keeps the form of the tree, and what is static', () => {
    const doubled = sn.mapTensors((each) => mul(each, 2), tree());
    expectTypeOf(doubled).toEqualTypeOf<{
      w: Float32;
      list: { n: number; v: Float32 }[];
      name: string;
    }>();
    expect(doubled).toEqual({ w: vector(2, 4), list: [{ n: 3, v: vector(8) }], name: 'x' });
    const shapes = sn.mapTensors(({ shape }) => shape, named());
    expectTypeOf(shapes).toEqualTypeOf<Map<string, sn.Shape>>();
    expect([...shapes.values()]).toEqual([[2], [2]]);
    expect(sn.mapTensors((each) => each.size, vector(1, 2))).toBe(2);
  });

  it('passes over what has no gradient', () => {
    const p = { w: vector(1, 2), labels: sn.tensor([1], [1], 'int32'), k: 2 };
    const f = (q: { w: sn.Variable; labels: sn.Variable; k: number }) => mul(sum(q.w), q.k);
    const [g] = sn.grad(f)(p);
    const seen: number[] = [];
    const moved = sn.mapTensors(
      (each, gradient, other) => {
        seen.push(each.size);
        return add(sub(each as Float32, gradient), other as Float32);
      },
      p,
      g,
      p,
    );
    expectTypeOf(moved.w).toEqualTypeOf<Float32>();
    expect(moved.labels).toBe(p.labels);
    expect([moved.w.toArray(), moved.k, seen]).toEqual([[0, 2], 2, [2]]);
  });

  it('is recorded in a trace', async () => {
    type Params = { w: sn.Variable; list: sn.Variable[] };
    const loss = (p: Params, x: sn.Variable) =>
      mean(square(linear(x, p.w, p.list[0] as sn.Variable)));
    const train = sn.compile((p: Params, x: sn.Variable) => {
      const { value, grads } = sn.valueAndGrad(loss)(p, x);
      const next = sn.mapTensors((each, g) => sub(each, mul(g, 0.1)), p, grads[0]);
      expectTypeOf(next).toEqualTypeOf<{ w: sn.Variable; list: sn.Variable[] }>();
      return { p: next, value };
    });
    const losses: number[] = [];
    let p = { w: sn.full([2, 2], 1) as sn.Tensor, list: [sn.zeros([2]) as sn.Tensor] };
    for (let i = 0; i < 5; i++) {
      const step = await train(p, sn.tensor([[1, 2]]));
      p = step.p;
      losses.push(step.value.item());
    }
    expect(losses[4]).toBeLessThan((losses[0] as number) / 2);
    train.dispose();
  });

  it('refuses trees of other forms', () => {
    const w = vector(1);
    const pairs: [unknown, unknown, string][] = [
      [{ w }, {}, 'w of tree 1'],
      [{ w }, { w: 3 }, 'w of tree 1'],
      [{ a: { w } }, { a: [w] }, 'a.w of tree 1'],
      [{ a: null }, { a: w }, 'a of tree 0'],
      [[w], [w, w], '[1] of tree 0'],
      [w, { w }, 'the value of tree 1'],
      [{ w }, { w: new Date() }, 'w'],
    ];
    for (const [a, b, place] of pairs) {
      expect(() => sn.mapTensors((x) => x, a, b)).toThrow(failsWith('ERR_ARGUMENT', place));
    }
    expect(() => sn.mapTensors(5 as never, w)).toThrow(failsWith('ERR_ARGUMENT', 'mapTensors'));
  });
});
