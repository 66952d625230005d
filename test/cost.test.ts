import { describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { need } from '../lib/ops/operator.ts';

const { add, exp, matmul, maxPool2d, mul, neg, reshape, sin, sum } = sn.ops;
const row = { shape: [10], dtype: 'float64' } as const;

describe('peak memory', () => {
  it('is of what lives at once, with what backward reads', () => {
    const { forward, backward, total, givenBytes } = sn
      .trace((x: sn.Variable) => sum(sin(exp(neg(x)))), row)
      .cost();
    // Operand and result of neg, exp or sin.
    expect(forward).toEqual({ multiplyAdds: 0, bytes: 8 * (20 + 20 + 20 + 11), peakBytes: 160 });
    // exp and the sum are kept; then the message to sin, its cosine and their product.
    expect(backward.peakBytes).toBe(8 * (10 + 1 + 10 + 10 + 10));
    expect(total.peakBytes).toBe(backward.peakBytes);
    expect(givenBytes).toEqual({ inputs: 80, states: 0, constants: 0 });
  });

  it('counts a reshape as the memory of its operand', () => {
    const { forward } = sn
      .trace((x: sn.Variable) => {
        const y = exp(x);
        const z = reshape(y, [2, 5]);
        const other = neg(sin(y));
        return [sum(z), other];
      }, row)
      .cost();
    // exp lives on as z while sin is negated and while z is summed.
    expect(forward.peakBytes).toBe(8 * 30);
    expect(forward.bytes).toBe(8 * (20 + 20 + 20 + 11));
    const input = sn.trace((x: sn.Variable) => neg(reshape(x, [5, 2])), row).cost();
    expect(input.forward).toEqual({ multiplyAdds: 0, bytes: 160, peakBytes: 80 });
  });

  it('holds outputs to the end, and leaves out what nobody needs', () => {
    const kept = sn.trace((x: sn.Variable) => [exp(x), sum(sin(neg(x)))], row).cost().forward;
    expect(kept.peakBytes).toBe(8 * 30);
    const dead = sn.trace((x: sn.Variable) => {
      exp(x);
      return sum(sin(neg(x)));
    }, row);
    expect(dead.cost().forward).toEqual({ ...kept, bytes: 8 * (20 + 20 + 11), peakBytes: 160 });
    expect(dead.cost().nodes.map(({ name }) => name)).not.toContain('exp');
  });
});

describe('bytes', () => {
  it('count an operand that is read twice once', () => {
    const { bytes } = sn.trace((x: sn.Variable) => mul(x, x), row).cost().forward;
    expect(bytes).toBe(8 * 20);
  });

  it('count winners of pooling where backward reads them', () => {
    const x = { shape: [1, 2, 6, 6], dtype: 'float32' } as const;
    const { forward, backward } = sn
      .trace((image: sn.Variable) => maxPool2d(image, { kernelSize: 2 }), x)
      .cost();
    expect(forward.bytes).toBe(4 * (72 + 18));
    // Winners (uint8) written, then read with dy; dx written.
    expect(backward.bytes).toBe(18 + (18 + 4 * 18 + 4 * 72));
  });

  it('are those of the nodes', () => {
    const loss = sn.losses.softmaxCrossEntropy();
    const { nodes, forward, total } = sn.models.mnist().graph({ batch: 2, loss }).cost();
    const summed = (what: 'bytes' | 'multiplyAdds') =>
      nodes.reduce((all, node) => all + node[what], 0);
    expect(summed('bytes')).toBe(total.bytes);
    expect(summed('multiplyAdds')).toBe(total.multiplyAdds);
    const first = nodes.filter(({ pass }) => pass === 'forward');
    expect(first.map(({ name, scope }) => `${name} in ${scope}`).at(-1)).toBe(
      'softmaxCrossEntropy in loss',
    );
    expect(first.reduce((all, { multiplyAdds }) => all + multiplyAdds, 0)).toBe(
      forward.multiplyAdds,
    );
  });
});

describe('multiply-adds', () => {
  const of = (fn: (...inputs: sn.Variable[]) => sn.Variable, ...shapes: number[][]) => {
    const specs = shapes.map((shape) => ({ shape, dtype: 'float32' }) as const);
    const { forward, backward } = sn.trace(fn, ...specs).cost();
    return [forward.multiplyAdds, backward.multiplyAdds];
  };

  it('of single operators as counted by hand', () => {
    expect(of((a, b) => matmul(a, b), [7, 3, 4], [7, 4, 5])).toEqual([420, 840]);
    const depthwise = { groups: 6, padding: 1, stride: 2 };
    expect(of((x, w) => sn.ops.conv2d(x, w, null, depthwise), [2, 6, 7, 7], [6, 1, 3, 3])).toEqual([
      2 * 6 * 9 * 16,
      4 * 6 * 9 * 16,
    ]);
    // Every place of the input meets every weight once.
    expect(
      of((x, w) => sn.ops.convTranspose2d(x, w, null, { stride: 2 }), [1, 3, 5, 5], [3, 4, 2, 2]),
    ).toEqual([25 * 48, 2 * 25 * 48]);
    expect(of((x, w) => sn.ops.conv1d(x, w), [2, 3, 20], [4, 3, 5])).toEqual([
      2 * 60 * 16,
      4 * 60 * 16,
    ]);
  });

  it('are those of the summary and of sn.shape', () => {
    for (const net of [sn.models.mnist(), sn.models.lenet5()]) {
      const rows = net.layers().reduce((all, { multiplyAdds }) => all + multiplyAdds, 0);
      expect(net.graph().cost().forward.multiplyAdds).toBe(rows);
    }
    const conv = { channels: 8, filters: 6, kernelSize: 3, groups: 2, stride: 2 };
    const [forward] = of(
      (x, w) => sn.ops.conv2d(x, w, null, { groups: 2, stride: 2 }),
      [1, 8, 11, 9],
      [6, 4, 3, 3],
    );
    expect(sn.shape.convMultiplyAdds([11, 9], conv)).toBe(forward);
  });

  it('backward are of the inputs that are asked for', () => {
    const graph = sn.trace(
      (a: sn.Variable, b: sn.Variable) => matmul(a, b),
      {
        shape: [2, 3],
        dtype: 'float64',
        name: 'a',
      },
      { shape: [3, 4], dtype: 'float64', name: 'b' },
    );
    const backward = (wrt: (string | sn.GraphVariable)[]) =>
      graph.cost({ wrt }).backward.multiplyAdds;
    expect([backward([]), backward(['a']), backward(['a', 'b'])]).toEqual([0, 24, 48]);
    expect(backward([need(graph.inputs[1]).variable])).toBe(24);
  });

  it('of layers that are not trained leave their gradients out', () => {
    const net = (trainable: boolean): sn.Network =>
      sn.sequential({
        inputShape: [8],
        layers: [
          sn.layers.dense({ units: 6, trainable }),
          sn.layers.batchNorm(),
          sn.layers.dense({ units: 4 }),
        ],
      });
    const costs = [true, false].map((trainable) =>
      net(trainable).graph({ training: true, batch: 2 }).cost(),
    );
    expect(costs.map(({ forward }) => forward.multiplyAdds)).toEqual([144, 144]);
    expect(costs.map(({ backward }) => backward.multiplyAdds)).toEqual([96 + 2 * 48, 2 * 48]);
  });

  it('of several outputs and of integer ones', () => {
    const spec = { shape: [2, 3], dtype: 'float64' } as const;
    const weight = sn.zeros([3, 4], 'float64');
    const graph = sn.trace((x: sn.Variable) => {
      const y = matmul(x, weight);
      return [add(y, y), y, sn.ops.argmax(y)];
    }, spec);
    const { forward, backward } = graph.cost();
    expect([forward.multiplyAdds, backward.multiplyAdds]).toEqual([24, 24]);
    const classes = sn.trace((x: sn.Variable) => sn.ops.argmax(x), spec).cost();
    expect(classes.backward).toEqual({ multiplyAdds: 0, bytes: 0, peakBytes: 0 });
  });
});
