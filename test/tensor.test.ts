import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  cpuInfo,
  type DType,
  type ErrorCode,
  full,
  ops,
  Tensor,
  tensor,
  zeros,
} from '../lib/index.ts';

function refuses(call: () => unknown, code: ErrorCode, ...message: string[]): void {
  expect(call).toThrow(expect.objectContaining({ code, name: 'StridenetError' }));
  for (const part of message) expect(call).toThrow(part);
}

/** A value whose type the compiler would refuse. */
function untyped<T>(value: unknown): T {
  return value as T;
}

describe('tensor', () => {
  it('reads numbers, nested arrays and typed arrays', () => {
    expect(tensor(3)).toMatchObject({ shape: [], dtype: 'float32' });
    expect(tensor([1, 2, 3])).toMatchObject({ shape: [3], dtype: 'float32' });
    expect(
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
    ).toMatchObject({ shape: [2, 3] });
    expect(tensor([])).toMatchObject({ shape: [0] });
    expect(tensor([[], []])).toMatchObject({ shape: [2, 0] });
    expect(tensor([1, 2, 3, 4], [2, 2]).toArray()).toEqual([
      [1, 2],
      [3, 4],
    ]);
    for (const [array, dtype] of [
      [new Float32Array(4), 'float32'],
      [new Float64Array(4), 'float64'],
      [new Int32Array(4), 'int32'],
      [new Uint8Array(4), 'uint8'],
      [new Uint8ClampedArray(4), 'uint8'],
      [Buffer.alloc(4), 'uint8'],
    ] as const) {
      expect(tensor(array as Float32Array, [2, 2])).toMatchObject({
        shape: [2, 2],
        dtype,
        size: 4,
      });
    }
  });

  it('copies what it is given', () => {
    const values = new Float32Array([1, 2]);
    const x = tensor(values);
    values[0] = 9;
    expect(x.data[0]).toBe(1);
    const copy = x.clone();
    copy.data[1] = 7;
    expect(x.data[1]).toBe(2);
  });

  it('gives back what it was made from', () => {
    const values = [
      [
        [1, 2],
        [3, 4],
      ],
      [
        [5, 6],
        [7, 8],
      ],
      [
        [9, 10],
        [11, 12],
      ],
    ];
    expect(tensor(values).toArray()).toEqual(values);
    expect(tensor(5).toArray()).toBe(5);
    expect(tensor(5).item()).toBe(5);
    expect(zeros([2, 0, 3]).toArray()).toEqual([[], []]);
    expect(full([2], 7, 'int32').toArray()).toEqual([7, 7]);
  });

  it('rounds to its dtype once', () => {
    expect(tensor([0.1]).data[0]).toBe(Math.fround(0.1));
    expect(tensor([0.1], [1], 'float64').to('float32').data[0]).toBe(Math.fround(0.1));
    expect(tensor([1.5, -2.5], [2]).to('int32').toArray()).toEqual([1, -2]);
  });

  it('has a shape that nobody changes', () => {
    const sizes = [1, 2];
    const x = zeros(sizes);
    sizes[0] = 5;
    expect(x.shape).toEqual([1, 2]);
    expect(() => untyped<number[]>(x.shape).push(3)).toThrow(TypeError);
  });
});

describe('what a tensor looks like', () => {
  it('has its dtype, its shape and its elements', () => {
    expect(String(tensor(3))).toBe('Tensor float32 () 3');
    expect(`${tensor([0.1, -2, Number.NaN])}`).toBe('Tensor float32 (3) [0.1, -2, NaN]');
    const matrix = tensor([1, 2, 3, 4], [2, 2], 'int32');
    expect(inspect(matrix)).toBe('Tensor int32 (2, 2)\n[[1, 2],\n [3, 4]]');
    expect(inspect({ a: { b: { c: matrix } } })).toContain('[Tensor int32 (2, 2)]');
    expect(inspect(zeros([2, 0]))).toBe('Tensor float32 (2, 0)\n[[],\n []]');
  });

  it('leaves out the middle of long axes', () => {
    const line = tensor(Int32Array.from({ length: 100 }, (_, i) => i));
    expect(inspect(line)).toBe('Tensor int32 (100) [0, 1, 2, …, 97, 98, 99]');
    const images = tensor(
      Int32Array.from({ length: 9 * 4 * 2 }, (_, i) => i),
      [9, 4, 2],
    );
    const shown = inspect(images);
    expect(shown).toContain('[[[0, 1],\n  [2, 3],\n  [4, 5],\n  [6, 7]],\n …,\n [[64, 65],');
    expect(inspect(zeros([60_000, 1, 28, 28])).length).toBeLessThan(1000);
  });

  it('does not throw for memory that went away', () => {
    const x = zeros([2]);
    structuredClone(x.data.buffer, { transfer: [x.data.buffer as ArrayBuffer] });
    expect(inspect(x)).toBe('Tensor float32 (2) (memory detached)');
  });
});

describe('wrong tensors', () => {
  it.each([
    [[[1, 2], [3]]],
    [
      [
        [1, 2],
        [3, 4, 5],
      ],
    ],
    [[[[1], [2]], [[3]]]],
    [[[1], [[2]]]],
  ])('ragged values %j are ERR_SHAPE', (values) => {
    refuses(() => tensor(values), 'ERR_SHAPE', 'ragged');
  });

  it.each([
    [[[1, 2], 3]],
    [[1, [2]]],
    ['text'],
    [null],
    [undefined],
    [{}],
    [[1, '2']],
    [[1, null]],
    [[true]],
    [[1n]],
    [new Map()],
    [new BigInt64Array(2)],
    [new Int16Array(2)],
    [new ArrayBuffer(8)],
  ])('%s is ERR_ARGUMENT', (values) => {
    refuses(() => tensor(untyped(values)), 'ERR_ARGUMENT', 'tensor');
  });

  it('the constructor takes the array of its dtype alone', () => {
    const made = (data: unknown, dtype?: DType) => () =>
      new Tensor<DType>(untyped(data), [2], untyped(dtype));
    refuses(made([1, 2]), 'ERR_ARGUMENT', '[Tensor]', '(sn.tensor takes lists)', '[1, 2]');
    refuses(made(new Int16Array(2), 'int32'), 'ERR_ARGUMENT', 'an object of Int16Array');
    refuses(made(new Float32Array(2)), 'ERR_ARGUMENT', "[Tensor] expected a dtype of 'float32'");
    refuses(made(new Int32Array(2), 'float32'), 'ERR_DTYPE', 'needs a Float32Array', 'Int32Array');
  });

  it('a shape of another number of elements is ERR_SHAPE', () => {
    refuses(() => tensor([1, 2, 3], [2, 2]), 'ERR_SHAPE', '(2, 2)', '4', '3');
    refuses(() => new Tensor(new Float32Array(3), [2, 2], 'float32'), 'ERR_SHAPE', '(2, 2)', '3');
  });

  it.each([[[1.5]], [[-1]], [[Number.NaN]], [[2 ** 53]], [[2 ** 30, 2 ** 30]]])(
    'a shape %j is ERR_SHAPE',
    (sizes) => {
      refuses(() => tensor([1], sizes), 'ERR_SHAPE');
      refuses(() => zeros(sizes), 'ERR_SHAPE');
      refuses(() => full(sizes, 1), 'ERR_SHAPE');
    },
  );

  it('a shape that no memory holds is ERR_MEMORY', () => {
    refuses(() => zeros([2 ** 20, 2 ** 20]), 'ERR_MEMORY');
    refuses(() => tensor([1], [2 ** 20, 2 ** 20]), 'ERR_MEMORY');
    refuses(() => zeros([2 ** 33], 'float64'), 'ERR_MEMORY');
  });

  it.each(['float16', 'double', 3, null, 'toString', '__proto__'])(
    'dtype %s is ERR_ARGUMENT',
    (dtype) => {
      refuses(() => tensor([1], [1], untyped<DType>(dtype ?? {})), 'ERR_ARGUMENT', 'dtype');
      refuses(() => zeros([1], untyped<DType>(dtype ?? {})), 'ERR_ARGUMENT', 'dtype');
      refuses(() => tensor([1]).to(untyped<DType>(dtype)), 'ERR_ARGUMENT', 'dtype');
    },
  );

  it.each([
    [[1.5], 'int32', '1.5'],
    [[Number.NaN], 'int32', 'NaN'],
    [[2 ** 31], 'int32', String(2 ** 31)],
    [[0, -1], 'uint8', '-1'],
    [[256], 'uint8', '256'],
    [[Number.POSITIVE_INFINITY], 'uint8', 'Infinity'],
  ] as const)('%j as %s is ERR_DTYPE', (values, dtype, shown) => {
    refuses(() => tensor(values, [values.length], dtype), 'ERR_DTYPE', shown, dtype);
  });

  it('item() of several elements is ERR_SHAPE', () => {
    refuses(() => tensor([1, 2]).item(), 'ERR_SHAPE', 'float32 (2)');
  });
});

/** ES2024's array buffers, which Node has and the library's language level does not type. */
const Resizable =
  untyped<
    new (
      size: number,
      options: { maxByteLength: number },
    ) => ArrayBuffer & { resize(size: number): void }
  >(ArrayBuffer);

describe('memory that went away or is shared', () => {
  it('a tensor whose memory was transferred is refused when it is used', () => {
    const data = new Float32Array(4);
    const x = new Tensor(data, [4], 'float32');
    structuredClone(data.buffer, { transfer: [data.buffer] });
    const code = /ERR_(ARGUMENT|SHAPE)/;
    for (const call of [() => ops.relu(x), () => ops.add(tensor([1, 2, 3, 4]), x)]) {
      expect(call).toThrow(expect.objectContaining({ code: expect.stringMatching(code) }));
    }
  });

  it('a typed array whose memory was transferred is ERR_SHAPE or ERR_ARGUMENT', () => {
    const data = new Float32Array(4);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    refuses(() => tensor(data, [4]), 'ERR_SHAPE');
  });

  it('shared memory is copied by tensor() and refused when wrapped', () => {
    const shared = new Float32Array(new SharedArrayBuffer(16));
    expect(tensor(shared, [4]).data.buffer).toBeInstanceOf(ArrayBuffer);
    refuses(() => new Tensor(shared, [4], 'float32'), 'ERR_ARGUMENT');
  });

  it('arrays that grew or shrank under a tensor are refused', () => {
    const buffer = new Resizable(16, { maxByteLength: 32 });
    const x = new Tensor(new Float32Array(buffer), [4], 'float32');
    buffer.resize(4);
    expect(() => ops.relu(x)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/ERR_(ARGUMENT|SHAPE)/) }),
    );
  });
});

describe('cpuInfo', () => {
  it('says what kernels run, best first', () => {
    const { isa, isas, threads, addon } = cpuInfo();
    expect(isas).toContain('portable');
    expect(isas).toContain(isa);
    expect(threads).toBeGreaterThan(0);
    expect(addon).toMatch(/\.node$/);
  });
});
