import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readIdx, select, slice } from '../lib/data/index.ts';
import { StridenetError } from '../lib/errors.ts';
import { type DType, tensor } from '../lib/tensor.ts';

let folder = '';
let files = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-data-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function file(contents: Uint8Array): string {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, contents);
  return path;
}

/** An IDX header. */
function header(type: number, shape: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 + 4 * shape.length);
  bytes[2] = type;
  bytes[3] = shape.length;
  shape.forEach((size, i) => {
    bytes.writeUInt32BE(size, 4 + 4 * i);
  });
  return bytes;
}

function idx(type: number, shape: readonly number[], data: Uint8Array): Buffer {
  return Buffer.concat([header(type, shape), data]);
}

function bigEndian(values: readonly number[], bytes: 4 | 8, float: boolean): Buffer {
  const result = Buffer.alloc(values.length * bytes);
  values.forEach((value, i) => {
    if (!float) result.writeInt32BE(value, i * bytes);
    else if (bytes === 4) result.writeFloatBE(value, i * bytes);
    else result.writeDoubleBE(value, i * bytes);
  });
  return result;
}

async function refusal(path: string): Promise<StridenetError> {
  const error = await readIdx(path).then(
    (read) => new Error(`read ${read.dtype} ${read.shape}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StridenetError);
  return error as StridenetError;
}

/** Expects ERR_FILE_FORMAT that names file and byte, and a reason. */
async function expectFormatError(path: string, byte: number, reason: RegExp): Promise<void> {
  const error = await refusal(path);
  expect(error.code, error.message).toBe('ERR_FILE_FORMAT');
  expect(error.message).toContain(path);
  expect(error.message).toContain(`byte ${byte}:`);
  expect(error.message).toMatch(reason);
}

const six = Uint8Array.from([1, 2, 3, 250, 251, 252]);

describe('readIdx reads', () => {
  const integers = [1, -2, 2147483647, -2147483648, 5, 0];
  const shorts = [1, -32768, 32767, 0, -2, 258];
  const floats = [1.5, -2.25, 2 ** 100, 0, -0, 3];
  const doubles = [1.1, -2.2, 1e300, 5e-324, -0, 3];
  const kinds: [DType, number, Buffer, number[]][] = [
    ['uint8', 0x08, Buffer.from(six), [...six]],
    ['int32', 0x09, Buffer.from(six), [1, 2, 3, -6, -5, -4]],
    ['int32', 0x0b, Buffer.from('000180007fff0000fffe0102', 'hex'), shorts],
    ['int32', 0x0c, bigEndian(integers, 4, false), integers],
    ['float32', 0x0d, bigEndian(floats, 4, true), floats],
    ['float64', 0x0e, bigEndian(doubles, 8, true), doubles],
  ];
  it.each(kinds)(
    '%s of type %i, plain and gzipped, whatever the name',
    async (dtype, type, data, wanted) => {
      const plain = idx(type, [2, 3], data);
      for (const contents of [plain, gzipSync(plain)]) {
        const read = await readIdx(file(contents));
        expect(read.dtype).toBe(dtype);
        expect(read.shape).toEqual([2, 3]);
        expect([...read.data]).toEqual(wanted);
      }
    },
  );

  it('files larger than one piece of a stream', async () => {
    const data = Uint8Array.from({ length: 3_000_017 }, (_, i) => (i * i) >> 3);
    const contents = idx(0x08, [3_000_017], data);
    for (const bytes of [contents, gzipSync(contents)]) {
      const read = await readIdx(file(bytes));
      expect(Buffer.compare(read.data as Uint8Array, data)).toBe(0);
    }
  });

  it('no rows at all', async () => {
    const read = await readIdx(file(header(0x08, [0, 28, 28])));
    expect(read.shape).toEqual([0, 28, 28]);
    expect(read.size).toBe(0);
  });

  it('gzip streams of several members', async () => {
    const contents = idx(0x08, [2, 3], six);
    const members = [gzipSync(contents.subarray(0, 7)), gzipSync(contents.subarray(7))];
    expect([...(await readIdx(file(Buffer.concat(members)))).data]).toEqual([...six]);
  });
});

describe('readIdx refuses', () => {
  it('a plain file cut at any byte', async () => {
    const whole = idx(0x0c, [2, 3], bigEndian([1, 2, 3, 4, 5, 6], 4, false));
    for (let size = 0; size < whole.length; size++) {
      // Within the header the end is what is wrong, after it the sizes of the header.
      const [byte, reason] =
        size < 12 ? [size, /ends within the header/] : ([4, /needs 24 bytes of data but/] as const);
      await expectFormatError(file(whole.subarray(0, size)), byte, reason);
    }
  });

  it('a gzipped file cut at any byte', async () => {
    const whole = gzipSync(idx(0x08, [2, 3], six));
    for (let size = 2; size < whole.length; size++) {
      const error = await refusal(file(whole.subarray(0, size)));
      expect(error.code, `cut at ${size}: ${error.message}`).toBe('ERR_FILE_FORMAT');
    }
  });

  it('a gzipped file that holds too little or was changed', async () => {
    const short = gzipSync(idx(0x08, [2, 3], six.subarray(0, 4)));
    await expectFormatError(file(short), 16, /ends 2 bytes too early/);
    const whole = gzipSync(idx(0x08, [2000], new Uint8Array(2000)));
    for (let at = 10; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 0x55;
      const error = await refusal(file(changed));
      expect(error.code, `changed at ${at}: ${error.message}`).toBe('ERR_FILE_FORMAT');
    }
  });

  it.each([
    ['text', Buffer.from('hello, this is no data'), 0, /two zero bytes, this one with 68656c6c/],
    ['an unknown element type', idx(0x0a, [6], six), 2, /0x0a is none of the format/],
    ['rank 0', idx(0x08, [], six), 3, /rank 0 is not within 1 to 8/],
    ['rank 9', idx(0x08, [1, 1, 1, 1, 1, 1, 1, 1, 6], six), 3, /rank 9/],
    ['trailing bytes', idx(0x08, [5], six), 4, /needs 5 bytes of data but 6 follow/],
    [
      'sizes above the file',
      idx(0x08, [60000, 28, 28], six),
      4,
      /needs 47040000 bytes .* but 6 fo/,
    ],
    ['a size that wraps 32 bits', idx(0x08, [65537, 65536], six), 4, /needs 4295032832 bytes/],
    ['a product above 2^53', idx(0x0e, [4294967295, 4294967295], six), 4, /more elements than/],
    [
      'a product that wraps 64 bits to 4',
      idx(0x08, [0x80000001, 0x80000000, 4, 2], six),
      4,
      /more elements than/,
    ],
    [
      'an empty tensor of monstrous sizes',
      idx(0x08, [0, 4294967295, 4294967295], new Uint8Array(0)),
      4,
      /more elements than/,
    ],
  ])('%s', async (_, contents, byte, reason) => {
    await expectFormatError(file(contents), byte, reason);
    if (!/follow/.test(reason.source) && byte < 4) {
      await expectFormatError(file(gzipSync(contents)), byte, reason);
    }
  });

  it('a gzip bomb, without unpacking it', async () => {
    const bomb = gzipSync(idx(0x08, [10], new Uint8Array(200 * 2 ** 20)), { level: 1 });
    const before = process.memoryUsage().rss;
    await expectFormatError(file(bomb), 18, /more data than the 10 bytes/);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  it('a gzipped header that promises more than its file can hold, before making room', async () => {
    const lie = gzipSync(idx(0x08, [65535, 65535], six));
    await expectFormatError(file(lie), 4, /at most \d+ can follow/);
  });

  it('what is not there, or no file', async () => {
    const missing = await refusal(join(folder, 'missing'));
    expect(missing.code).toBe('ERR_FILE_NOT_FOUND');
    expect(missing.message).toContain(join(folder, 'missing'));
    await expect(readIdx(folder)).rejects.toMatchObject({ code: 'ERR_FILE_ACCESS' });
    await expect(readIdx(5 as unknown as string)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await expect(readIdx('a\0b')).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
  });
});

describe('select and slice', () => {
  const data = {
    x: tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]),
    y: tensor([7, 8, 9], [3], 'int32'),
    scale: 2,
  };

  it('copy the samples asked for', () => {
    const chosen = select(data, [2, 0, 2]);
    expect(chosen.x.toArray()).toEqual([
      [5, 6],
      [1, 2],
      [5, 6],
    ]);
    expect(chosen.y.toArray()).toEqual([9, 7, 9]);
    expect(chosen.y.dtype).toBe('int32');
    expect(chosen.scale).toBe(2);
    const part = slice(data, 1, 3);
    expect(part.x.toArray()).toEqual([
      [3, 4],
      [5, 6],
    ]);
    part.x.data[0] = 0;
    expect(data.x.data[2]).toBe(3);
    expect(slice(data, 1, 1).x.shape).toEqual([0, 2]);
  });

  it('refuse indices of no sample', () => {
    for (const indices of [[3], [-1], [0.5], [Number.NaN]]) {
      expect(() => select(data, indices)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT' }),
      );
    }
  });

  it('slice counts as arrays do', () => {
    for (const bounds of [
      [],
      [1],
      [-2],
      [0, -1],
      [-2, -1],
      [0, 4],
      [2, 1],
      [-5, 2],
      [3, 9],
      [undefined, 2],
    ] as const) {
      const [start, end] = bounds;
      expect([...slice(data, start, end).y.data]).toEqual([7, 8, 9].slice(start, end));
    }
  });

  it('slice refuses bounds that are no integers', () => {
    for (const [start, end] of [
      [0, 1.5],
      [Number.NaN, 2],
      ['1', 2],
    ]) {
      expect(() => slice(data, start as number, end as number)).toThrow(
        expect.objectContaining({ code: 'ERR_ARGUMENT' }),
      );
    }
  });
});
