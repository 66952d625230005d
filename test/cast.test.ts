import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { backends } from './support/networks.ts';

const { ops } = sn;

describe('cast', () => {
  it('has the type of its dtype', () => {
    const y: sn.Tensor<'int32'> = ops.cast(sn.tensor([1.5, -1.5]), 'int32');
    expect(y.toArray()).toEqual([1, -1]);
    const same = sn.tensor([1, 2]);
    expect(ops.cast(same, 'float32').data).not.toBe(same.data);
  });

  it.each(backends)('gives gradients in the dtype of its operand on %s', (backend) => {
    const x = sn.tensor([1, -2, 3], [3], 'float64');
    const f = (v: sn.Variable): sn.Variable => {
      const single = ops.square(ops.cast(v, 'float32'));
      return ops.sum(ops.mul(ops.cast(single, 'float64'), 3));
    };
    const [gradient] = sn.grad(f, { backend })(x);
    expect(gradient).toMatchObject({ dtype: 'float64', shape: [3] });
    expect(gradient?.toArray()).toEqual([6, -12, 18]);
  });

  it.each(backends)('passes no gradient on through integers on %s', (backend) => {
    const f = (v: sn.Variable): sn.Variable =>
      ops.sum(ops.mul(v, ops.cast(ops.cast(v, 'int32'), 'float32')));
    const [gradient] = sn.grad(f, { backend })(sn.tensor([1.5, -2.5]));
    expect(gradient?.toArray()).toEqual([1, -2]);
  });

  it.each(backends)('lets a compiled function tell an accuracy, on %s', async (backend) => {
    const accuracy = sn.compile(
      (logits: sn.Variable, labels: sn.Variable) =>
        ops.mean(ops.cast(ops.equal(ops.argmax(logits, { axis: 1 }), labels), 'float32')),
      { backend },
    );
    const logits = sn.tensor([
      [1, 2],
      [3, 0],
      [0, 5],
      [2, 1],
    ]);
    expect((await accuracy(logits, sn.tensor(Int32Array.of(1, 0, 0, 0)))).item()).toBe(0.75);
  });

  it.runIf(backends.includes('native'))('stands between convolutions in their layout', () => {
    const images = sn.randomNormal([2, 3, 5, 6], { seed: 1 });
    const first = sn.randomNormal([4, 3, 3, 3], { seed: 2 });
    const second = sn.randomNormal([2, 4, 3, 3], { seed: 3, dtype: 'float64' });
    const f = (x: sn.Operand): sn.Operand =>
      ops.conv2d(ops.cast(ops.conv2d(x, first), 'float64') as sn.Operand, second);
    for (const layout of [true, false]) {
      const { maxError } = sn.compareBackends(f as never, [images], { passes: { layout } });
      expect(maxError).toBeLessThan(1e-5);
    }
  });

  it('keeps the batch', async () => {
    const layer = sn.layers.custom((x) =>
      ops.cast(ops.cast(ops.mul(x, 2), 'uint8') as sn.Variable, 'float32'),
    );
    const net = sn.sequential({ inputShape: [2], layers: [layer], backend: 'reference' });
    const y = await net.predict(sn.full([3, 2], 1.75));
    expect(y.toArray()).toEqual(sn.full([3, 2], 3).toArray());
  });
});

describe('axes of size 1', () => {
  const batched = { shape: [1, 1, 3], dtype: 'float32', batched: true } as const;
  const refused = (f: (x: sn.Variable) => sn.Operand, message: RegExp): void => {
    expect(() => sn.trace(f as never, batched)).toThrow(
      expect.objectContaining({ code: 'ERR_SHAPE', message: expect.stringMatching(message) }),
    );
  };

  it('never is the batch', () => {
    refused((x) => ops.squeeze(x, { axis: 0 }), /^\[squeeze\] .*batch/);
    refused((x) => ops.unsqueeze(x, { axis: 0 }), /^\[unsqueeze\] .*batch/);
    refused((x) => ops.stack([x, x]), /^\[stack\] .*batch/);
    const shapes = (x: sn.Variable): sn.Operand[] => [
      ops.squeeze(x),
      ops.unsqueeze(x, { axis: -1 }),
      ops.stack([x, x], { axis: 1 }),
    ];
    const { outputs } = sn.trace(shapes as never, batched);
    expect(outputs.map(({ shape, batched: kept }) => [shape, kept])).toEqual([
      [[1, 3], true],
      [[1, 1, 3, 1], true],
      [[1, 2, 1, 3], true],
    ]);
  });

  it('refuses what has another size, and values that differ', () => {
    const x = sn.zeros([2, 1]);
    expect(() => ops.squeeze(x, { axis: [0, 1] })).toThrow('axis 0 of x (2, 1) has not the size 1');
    expect(() => ops.stack([x, sn.zeros([2, 2])], { axis: 1 })).toThrow(
      '[stack] xs[0] (2, 1) and xs[1] (2, 2) must have one shape',
    );
    expect(() => ops.stack([x, sn.zeros([2, 1], 'float64')])).toThrow(
      expect.objectContaining({ code: 'ERR_DTYPE' }),
    );
  });
});
