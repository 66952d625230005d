import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { failsWith } from './support/errors.ts';
import { errorOf, small, traced, untyped } from './support/stumbles.ts';

const { add, conv2d, sum } = sn.ops;

describe('options', () => {
  const t = sn.zeros([3]);
  const total = (x: sn.Variable) => sum(x);
  const noOptions: [string, () => unknown, string[]][] = [
    ['softmax', () => sn.ops.softmax(t, untyped(t)), ['[softmax] a Tensor float32 (3)']],
    ['grad', () => sn.grad(total, untyped(t)), ['[grad] a Tensor float32 (3)', 'grad(f)(x)']],
    ['valueAndGrad', () => sn.valueAndGrad(total, untyped(t)), ['valueAndGrad(f)(x)']],
    ['compile', () => sn.compile(total, untyped(t)), ['compile(f)(x)']],
    [
      'a traced value',
      () => sn.trace((x: sn.Variable) => sn.ops.softmax(x, untyped(x)), t),
      ['a traced value float32 (3)'],
    ],
  ];
  it.each(noOptions)('are no Tensor: %s', (_, call, words) => {
    expect(call).toThrow(failsWith('ERR_ARGUMENT', ...words));
    expect(call).toThrow('stands where the options belong');
  });

  it('are named by what a misspelt one is near to', () => {
    const dense = (options: object) => errorOf(() => sn.layers.dense(untyped(options))).message;
    expect(dense({ unit: 3 })).toContain("no option 'unit': did you mean 'units'? its options are");
    expect(dense({ units: 3, xyzzy: 1 })).toContain("no option 'xyzzy'; its options are units,");
  });
});

describe('a message', () => {
  it.each<[string, unknown, string]>([
    ['a Tensor', sn.zeros([3]), 'but received a Tensor float32 (3)'],
    ['a traced value', traced(), 'but received a traced value float32 (2, 3)'],
    ['a promise', Promise.resolve(1), 'but received a promise (await it)'],
    ['a generator', (function* () {})(), 'but received an object of Generator'],
    [
      "another library's tensor",
      { shape: [3], dtype: 'float32', data: () => [] },
      'an object of Object',
    ],
  ])('describes %s', (_, value, text) => {
    expect(errorOf(() => sn.layers.dense({ units: untyped(value) })).message).toContain(text);
  });
});

describe('trace', () => {
  const spec = { shape: [2], dtype: 'float32' } as const;
  const loose = sn.trace as unknown as (...values: unknown[]) => unknown;
  const two = (a: sn.Variable, b: sn.Variable) => add(a, b);
  it.each<[string, unknown[], string]>([
    ['nothing', [() => undefined, spec], 'a value but it gave undefined (is a return missing?)'],
    ['a number', [() => 3, spec], 'a value but it gave 3'],
    [
      'a function that misses specs',
      [two, spec],
      '[trace] the function has 2 parameters but received 1 spec: [add]',
    ],
    [
      'a spec without dtype',
      [two, spec, { shape: [2] }],
      '[trace] argument 1 has a shape but no dtype, so it is no spec: [add]',
    ],
    [
      'a spec without shape',
      [two, spec, { dtype: 'int32' }],
      'argument 1 has a dtype but no shape',
    ],
  ])('says of %s what is wrong', (_, values, message) => {
    const error = errorOf(() => loose(...values));
    expect(error.code).toBe('ERR_ARGUMENT');
    expect(error.message).toContain(message);
  });

  it('leaves parameters that are not needed, and static shapes, alone', () => {
    const graph = loose(
      (x: sn.Variable, o: { shape: number[] }, rest?: string) => {
        return rest ?? sn.ops.reshape(x, o.shape);
      },
      spec,
      { shape: [1, 2] },
    );
    expect((graph as sn.ComputationGraph).outputs[0]?.shape).toEqual([1, 2]);
  });

  it('names the missing return of functions to differentiate and to compile', async () => {
    const nothing = untyped<(x: sn.Variable) => sn.Variable>(() => undefined);
    expect(() => sn.grad(nothing)(sn.zeros([]))).toThrow('undefined (is a return missing?)');
    await expect(sn.compile(nothing)(sn.zeros([]))).rejects.toThrow(
      'undefined (is a return missing?)',
    );
  });
});

describe('data sets', () => {
  const net = small();
  const data = { x: sn.zeros([4, 2]), y: sn.zeros([4], 'int32') };
  const uses: [string, (given: sn.Samples) => Promise<unknown>][] = [
    ['fit', (given) => net.fit(given)],
    ['fit, validationData', (given) => net.fit(data, { validationData: given })],
    ['evaluate', (given) => net.evaluate(given)],
    ['train', async (given) => net.train(given).next()],
    ['slice', async (given) => sn.data.slice(given, 0, 1)],
  ];

  it.each(uses)('that something else stands for are refused: %s', async (_, use) => {
    const refused = (given: unknown) => expect(use(untyped(given))).rejects;
    const refusal = 'data to be { x, y } of Tensors but received a promise (await it)';
    await refused(Promise.resolve(data)).toThrow(refusal);
    await refused(Promise.reject(new Error('no such folder'))).toThrow(refusal);
    await refused(data.x).toThrow('but received a Tensor float32 (4, 2)');
    await refused(null).toThrow('but received null');
    await refused({ train: data, test: data }).toThrow('give data.train');
  });
});

describe('operands and settings in the wrong form', () => {
  const [x, weight] = [sn.zeros([1, 3, 8, 8]), sn.zeros([4, 3, 3, 3])];
  const order = 'the order is conv2d(x, weight)';
  const logits = sn.zeros([2, 3]);
  const labelled = small().graph({ loss: sn.losses.softmaxCrossEntropy() });
  it.each<[string, () => unknown, string]>([
    ['conv2d swapped', () => conv2d(weight, x), order],
    [
      'conv2d swapped, of one channel',
      () => conv2d(sn.zeros([4, 1, 3, 3]), sn.zeros([9, 1, 8, 8])),
      order,
    ],
    ['slice of a range', () => sn.ops.slice(x, untyped([0, 2])), 'slice(x, [[0, 2]])'],
    ['slice of a start', () => sn.ops.slice(x, untyped(0)), 'slice(x, [[0, 2]])'],
    ['flip by options', () => sn.ops.flip(x, untyped({ axes: [0] })), 'flip(x, [0])'],
    ['transpose by an axis', () => sn.ops.transpose(x, untyped(0)), 'transpose(x, [1, 0])'],
    ['transpose by two of four axes', () => sn.ops.transpose(x, [0, 1]), 'each of them once'],
    ['float labels', () => sn.ops.softmaxCrossEntropy(logits, sn.zeros([2])), ".to('int32')"],
    ['float indices', () => sn.ops.gather(x, sn.zeros([2])), ".to('int32')"],
    ['concat of two values', () => sn.ops.concat(untyped<sn.Tensor[]>(x)), 'concat([a, b])'],
    ['max of two values', () => sn.ops.max(x, untyped(x)), 'larger of two values is maximum(a, b)'],
    ['max of a number', () => sn.ops.max(x, untyped(0)), 'larger of two values is maximum(a, b)'],
    [
      'min of two values',
      () => sn.ops.min(x, untyped(x)),
      'smaller of two values is minimum(a, b)',
    ],
    ['an axis for options', () => sum(x, untyped(1)), 'an object of options (axis, keepDims)'],
    [
      'float labels of a graph',
      () => labelled.evaluate(sn.zeros([1, 2]), sn.zeros([1])),
      ".to('int32')",
    ],
  ])('%s', (_, call, hint) => {
    expect(errorOf(call)).toBeInstanceOf(sn.StridenetError);
    expect(errorOf(call).message).toContain(hint);
  });

  it('are not taken for swapped where that would not help, or the bias is wrong', () => {
    const bad = () => conv2d(x, sn.zeros([2, 4, 3, 3]));
    expect(errorOf(bad).message).not.toContain('order');
    const bias = () => conv2d(sn.zeros([3, 3, 3, 3]), sn.zeros([3, 3, 3, 3]), sn.zeros([7]));
    expect(errorOf(bias).message).toContain('bias must have shape (3)');
    expect(errorOf(bias).message).not.toContain('order');
  });

  it('are mended by what the messages of networks say', async () => {
    const net = small();
    await expect(net.predict(sn.zeros([2]))).rejects.toThrow('sn.ops.reshape(x, [1, 2])');
    await expect(net.predict(sn.zeros([2, 1]))).rejects.toThrow('sn.ops.reshape(x, [1, 2])');
    await expect(net.predict(sn.zeros([3]))).rejects.not.toThrow('reshape');
    const data = { x: sn.zeros([4, 2]), y: sn.zeros([4]) };
    await expect(net.fit(data)).rejects.toThrow("y.to('int32')");
  });

  it('are mended by what the messages say of images', async () => {
    const net = sn.sequential({ inputShape: [3, 4, 5], layers: [sn.layers.flatten()] });
    const planes = sn.randomNormal([2, 3, 4, 5], { seed: 1 });
    const advised: [wrong: sn.Tensor, advice: string, mended: (x: sn.Tensor) => sn.Tensor][] = [
      [
        sn.ops.transpose(planes, [0, 2, 3, 1]),
        'sn.ops.transpose(x, [0, 3, 1, 2])',
        (x) => sn.ops.transpose(x, [0, 3, 1, 2]),
      ],
      [
        sn.ops.reshape(planes, [2, 60]),
        'sn.ops.reshape(x, [2, 3, 4, 5])',
        (x) => sn.ops.reshape(x, [2, 3, 4, 5]),
      ],
    ];
    for (const [wrong, advice, mended] of advised) {
      await expect(net.predict(wrong)).rejects.toThrow(advice);
      expect(mended(wrong).toArray()).toEqual(planes.toArray());
    }
    const one = sn.ops.transpose(
      sn.data.slice({ x: planes, y: sn.zeros([2]) }, 0, 1).x,
      [0, 2, 3, 1],
    );
    await expect(net.predict(one)).rejects.toThrow('sn.ops.transpose(x, [0, 3, 1, 2])');
    await expect(net.predict(one)).rejects.not.toThrow('reshape');
    await expect(net.predict(sn.ops.reshape(one, [4, 5, 3]))).rejects.toThrow(
      'sn.ops.reshape(sn.ops.transpose(x, [2, 0, 1]), [1, 3, 4, 5])',
    );
    const lazily = sn.data.from([{ x: sn.zeros([4, 5, 3]), y: 0 }]);
    await expect(net.fit(lazily)).rejects.toThrow('x of each sample must be (3, 4, 5)');
  });

  it('name an inputShape whose channels are last, where it does not work', async () => {
    const advice = 'for images of 28x32 with 1 channel give (1, 28, 32)';
    const make = (padding: number, inputShape = [28, 32, 1]) =>
      sn.sequential({
        inputShape,
        layers: [sn.layers.conv2d({ filters: 2, kernelSize: 3, padding })],
      });
    expect(errorOf(() => make(0))).toMatchObject({ code: 'ERR_SHAPE' });
    expect(errorOf(() => make(0)).message).toMatch(
      /^layer 0 \(conv2d\).*; inputShape is \(C,H,W\)/,
    );
    expect(errorOf(() => make(0)).message).toContain(advice);
    expect(errorOf(() => make(0, [28, 32, 5, 1])).message).not.toContain('inputShape is');
    expect(errorOf(() => make(0, [1, 28, 2])).message).not.toContain('inputShape is');
    // It may be meant: nothing is said before data come the other way.
    const net = make(1);
    await expect(net.predict(sn.zeros([5, 1, 28, 32]))).rejects.toThrow(advice);
    await expect(net.predict(sn.zeros([5, 1, 28, 32]))).rejects.not.toThrow('reshape');
    await expect(net.predict(sn.zeros([5, 896]))).rejects.toThrow('reshape(x, [5, 28, 32, 1])');
  });
});
