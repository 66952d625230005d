import { describe, expect, it } from 'vitest';
import { loadAddon } from '../lib/backends/addon.ts';
import { evaluate } from '../lib/backends/evaluate.ts';
import { backendOf } from '../lib/backends/index.ts';
import { compileProgram } from '../lib/compiler/compile.ts';
import { gradients } from '../lib/graph/differentiate.ts';
import { Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import type { Operand, Variable } from '../lib/ops/operator.ts';
import { transposeOperator } from '../lib/ops/transpose.ts';
import { Generator } from '../lib/random.ts';
import { backends, relativeDistance } from './support/networks.ts';

const { ops } = sn;

/** 0, 1, 2, … in this shape. */
function counted(shape: readonly number[], dtype: sn.DType = 'float32'): sn.Tensor {
  const result = sn.zeros(shape, dtype);
  for (let i = 0; i < result.size; i++) result.data[i] = i;
  return result;
}

describe('rot90 turns as NumPy does', () => {
  const x = counted([2, 3]);

  it.each([
    [
      0,
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    ],
    [
      1,
      [
        [2, 5],
        [1, 4],
        [0, 3],
      ],
    ],
    [
      2,
      [
        [5, 4, 3],
        [2, 1, 0],
      ],
    ],
    [
      3,
      [
        [3, 0],
        [4, 1],
        [5, 2],
      ],
    ],
    [
      -1,
      [
        [3, 0],
        [4, 1],
        [5, 2],
      ],
    ],
    [
      4,
      [
        [0, 1, 2],
        [3, 4, 5],
      ],
    ],
    [
      -6,
      [
        [5, 4, 3],
        [2, 1, 0],
      ],
    ],
  ])('k = %i', (k, expected) => {
    expect(ops.rot90(x, { k }).toArray()).toEqual(expected);
  });

  it('in any plane, either way round', () => {
    const y = counted([2, 3, 4, 5]);
    const turned = ops.rot90(y, { axes: [2, -1] });
    expect(turned.shape).toEqual([2, 3, 5, 4]);
    // turned[n, c, i, j] = y[n, c, j, 5 − 1 − i]
    expect(turned.data[((1 * 3 + 2) * 5 + 1) * 4 + 3]).toBe(((1 * 3 + 2) * 4 + 3) * 5 + 3);
    expect(ops.rot90(turned, { axes: [3, 2] }).toArray()).toEqual(y.toArray());
  });

  it('and has a gradient', () => {
    const { maxError } = sn.gradientCheck(
      (v) => ops.rot90(v as Variable, { k: 3 }),
      [counted([3, 4], 'float64')],
    );
    expect(maxError).toBeLessThan(1e-8);
  });
});

describe('the public functions', () => {
  it('slice as Python does', () => {
    const x = counted([3, 5]);
    expect(
      ops
        .slice(x, [
          [1, 3],
          [-4, -1, 2],
        ])
        .toArray(),
    ).toEqual([
      [6, 8],
      [11, 13],
    ]);
    expect(ops.slice(x, [[-1, 9]]).toArray()).toEqual([[10, 11, 12, 13, 14]]);
    expect(ops.slice(x, [null, [4, 1]]).shape).toEqual([3, 0]);
  });

  it('pad the last axes', () => {
    const padded = ops.pad(
      counted([1, 2, 2]),
      [
        [1, 0],
        [0, 2],
      ],
      { value: 9 },
    );
    expect(padded.toArray()).toEqual([
      [
        [9, 9, 9, 9],
        [0, 1, 9, 9],
        [2, 3, 9, 9],
      ],
    ]);
    const mirrored = ops.pad(counted([4]), [[2, 3]], { mode: 'reflect' });
    expect(mirrored.toArray()).toEqual([2, 1, 0, 1, 2, 3, 2, 1, 0]);
    const repeated = ops.pad(counted([3]), [[2, 1]], { mode: 'replicate' });
    expect(repeated.toArray()).toEqual([0, 0, 0, 1, 2, 2]);
  });

  it('gather with indices of any shape or a list', () => {
    const x = counted([2, 3]);
    expect(ops.gather(x, sn.tensor([[2, 0]], [1, 2], 'uint8'), { axis: -1 }).toArray()).toEqual([
      [[2, 0]],
      [[5, 3]],
    ]);
    expect(ops.gather(x, [1, 1, 0]).toArray()).toEqual([
      [3, 4, 5],
      [3, 4, 5],
      [0, 1, 2],
    ]);
  });

  it('concat more values than one native call takes', () => {
    const xs = Array.from({ length: 70 }, (_, i) => sn.tensor([i, -i], [2, 1]));
    expect(ops.concat(xs, { axis: 1 }).toArray()).toEqual([
      xs.map((_, i) => i),
      xs.map((_, i) => -i),
    ]);
    const { maxError } = sn.gradientCheck(
      (...all) => ops.concat(all, { axis: -1 }),
      [...xs.map((x) => x.to('float64'))],
    );
    expect(maxError).toBeLessThan(1e-6);
  });
});

describe.each(sn.cpuInfo().isas)('a transposition too large for the caches on %s', (isa) => {
  // above 16 MB, both sizes multiples of a cache line
  const [N, C, A] = [5, 64, 13_200];
  const bits = new Uint32Array(N * C * A);
  for (let i = 0; i < bits.length; i++) bits[i] = i;
  const data = new Float32Array(bits.buffer);

  it('is right, there and back', () => {
    const axes = [0, 2, 1];
    const options = { backend: 'native', isa } as const;
    const x = new sn.Tensor(data, [N, C, A], 'float32');
    const [last] = evaluate(transposeOperator, [x], { axes }, options) as [sn.Tensor];
    const moved = new Uint32Array(last.data.buffer, last.data.byteOffset, last.size);
    let wrong = 0;
    for (let n = 0; n < N; n++) {
      for (let c = 0; c < C; c++) {
        for (let a = 0; a < A; a++) {
          if (moved[(n * A + a) * C + c] !== (n * C + c) * A + a) wrong++;
        }
      }
    }
    expect(wrong).toBe(0);
    const [back] = evaluate(transposeOperator, [last], { axes }, options) as [sn.Tensor];
    const again = new Uint32Array(back.data.buffer, back.data.byteOffset, back.size);
    expect(again.every((value, i) => value === i)).toBe(true);
  });
});

describe('transpose', () => {
  it('counts negative axes from the end', () => {
    const x = counted([2, 3, 4]);
    const expected = ops.transpose(x, [2, 0, 1]);
    expect(ops.transpose(x, [-1, 0, -2])).toEqual(expected);
    for (const axes of [
      [-1, 0, 2],
      [0, 1, -4],
    ]) {
      expect(() => ops.transpose(x, axes)).toThrow('[transpose] expected axes to be a permutation');
    }
  });
});

describe('along the batch', () => {
  const shape = [4, 4];
  const moves: [string, (x: Variable) => Operand][] = [
    ['concat', (x) => ops.concat([x, x])],
    ['slice', (x) => ops.slice(x, [[0, 2]])],
    ['flip', (x) => ops.flip(x)],
    ['rot90', (x) => ops.rot90(x)],
    [
      'pad',
      (x) =>
        ops.pad(x, [
          [1, 0],
          [0, 0],
        ]),
    ],
    ['gather', (x) => ops.gather(x, [0])],
    ['transpose', (x) => ops.transpose(x)],
  ];

  it.each(moves)('%s moves nothing', (name, move) => {
    const call = () => sn.trace(move, { shape, dtype: 'float32', batched: true });
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
    expect(call).toThrow('(4, 4)');
    expect(call).toThrow(name);
  });

  it('concat does not mix what is batched with what is not', () => {
    const call = () =>
      sn.trace((x) => ops.concat([x, sn.zeros(shape)], { axis: 1 }), {
        shape,
        dtype: 'float32',
        batched: true,
      });
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
  });

  it('gather takes batched indices along axis 0 alone', () => {
    const index = { shape: [4], dtype: 'int32', batched: true } as const;
    expect(sn.trace((i) => ops.gather(sn.zeros([5, 2]), i), index).outputs[0]).toMatchObject({
      shape: [4, 2],
      batched: true,
    });
    const call = () => sn.trace((i) => ops.gather(sn.zeros([5, 2]), i, { axis: 1 }), index);
    expect(call).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
  });
});

/** Convolutions with every move between them, and the gradients of what comes out. */
function movingNetwork() {
  const random = new Generator(5, 'moves');
  const made = (...shape: number[]): sn.Tensor => {
    const result = sn.zeros(shape);
    for (let i = 0; i < result.size; i++) result.data[i] = random.uniform() - 0.5;
    return result;
  };
  const feeds = [made(3, 2, 9, 7), made(4, 2, 3, 3), made(5, 9, 2, 2)];
  const tracer = new Tracer();
  const input = (feed: sn.Tensor, batched: boolean): Variable =>
    tracer.input({ shape: feed.shape, dtype: 'float32', batched });
  const [x, first, second] = feeds.map((feed, i) => input(feed, i === 0)) as unknown as [
    Variable,
    Variable,
    Variable,
  ];
  const a = ops.conv2d(x, first, undefined, { padding: 1 });
  const b = ops.relu(ops.slice(a, [null, [0, 4, 3], [1, -1]]));
  const c = ops.pad(
    b,
    [
      [1, 0],
      [1, 1],
      [0, 0],
    ],
    { mode: 'constant', value: 2 },
  );
  const d = ops.flip(ops.concat([c, a, ops.flip(c, 1)], { axis: 1 }), [1, -1]);
  const e = ops.slice(d, [null, [1, 10]]);
  const f = ops.pad(
    e,
    [
      [2, 1],
      [0, 3],
    ],
    { mode: 'reflect' },
  );
  const g = ops.pad(
    ops.conv2d(f, second),
    [
      [1, 0],
      [0, 2],
    ],
    { mode: 'replicate' },
  );
  const seed = made(...g.shape);
  feeds.push(seed);
  const wanted = gradients(g, [x, first, second], input(seed, true)) as Operand[];
  return { graph: tracer.graph([g, ...wanted]), feeds };
}

describe.each(backends)('moves between convolutions on %s', (backend) => {
  it('give the same in both layouts', () => {
    const { graph, feeds } = movingNetwork();
    const results = [true, false].map((layout) => {
      const program = backendOf(backend).prepare(graph, { passes: { layout } });
      try {
        return program.runSync({ steps: 1, feeds: feeds.map(({ data }) => data) }).fetches;
      } finally {
        program.dispose();
      }
    });
    results[0]?.forEach((values, i) => {
      const [kept, moved] = [values, results[1]?.[i]].map(
        (data) => new sn.Tensor(data as Float32Array, [values.length], 'float32'),
      ) as [sn.Tensor, sn.Tensor];
      expect(relativeDistance(kept, moved), `output ${i}`).toBeLessThan(1e-6);
    });
  });
});

describe.runIf(backends.includes('native'))('moves between convolutions', () => {
  it('stay channels last', () => {
    const { addon } = loadAddon();
    const { instructions } = compileProgram(movingNetwork().graph, (call) =>
      addon.scratchBytes(call),
    );
    // x and the seed on the way in, y and the gradient of x on the way out
    expect(instructions.filter(({ op }) => op === 'transpose').length).toBe(4);
  });
});
