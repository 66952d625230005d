import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { full, type Tensor, tensor } from '../lib/tensor.ts';
import { expectFormatError, outcomeOf, refuseCuts, surviveChanges } from './support/hostile.ts';
import { encodeSafetensors, readSafetensors } from './support/safetensors.ts';

let folder = '';
let path = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-safetensors-'));
  path = join(folder, 'some.safetensors');
});
afterAll(() => rmSync(folder, { recursive: true }));

type Contents = Awaited<ReturnType<typeof readSafetensors>>;

function read(bytes: Uint8Array): Promise<Contents> {
  writeFileSync(path, bytes);
  return readSafetensors(path);
}

/** A file of a header as it is written here, and so many bytes of data. */
function written(header: string, dataBytes: number): Uint8Array {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

function entry(shape: readonly number[], begin: number, end: number, dtype = 'F32'): string {
  return JSON.stringify({ dtype, shape, data_offsets: [begin, end] });
}

const small = new Map<string, Tensor>([
  ['weight', tensor([1.5, -2, 3, 4], [2, 2])],
  ['none', full([0, 3], 0)],
  ['steps', tensor(Int32Array.of(7, -8))],
  ['scalar', tensor(2.5, [], 'float64')],
  ['bytes', tensor(Uint8Array.of(1, 2, 3))],
]);

describe('safetensors', () => {
  it('come back whole, however long', async () => {
    const long = new Map(small);
    const values = Float32Array.from({ length: 600_001 }, (_, i) => i / 3);
    long.set('long', tensor(values, [600_001]));
    long.set('after', tensor([9]));
    const { tensors, metadata } = await read(encodeSafetensors(long, new Map([['a', 'b']])));
    expect([...metadata]).toEqual([['a', 'b']]);
    expect(new Set(tensors.keys())).toEqual(new Set(long.keys()));
    for (const [name, { dtype, shape, data }] of long) {
      expect(tensors.get(name)).toMatchObject({ dtype, shape });
      expect(Buffer.compare(bytesOf(tensors.get(name)?.data), bytesOf(data)), name).toBe(0);
    }
  });

  it('keep names that objects have otherwise', async () => {
    const names = ['__proto__', 'constructor', 'toString', '0', ''];
    const tensors = new Map(names.map((name, i) => [name, tensor([i])]));
    const metadata = new Map([['__proto__', 'text']]);
    const found = await read(encodeSafetensors(tensors, metadata));
    for (const [i, name] of names.entries())
      expect([...(found.tensors.get(name)?.data ?? [])]).toEqual([i]);
    expect([...found.metadata]).toEqual([['__proto__', 'text']]);
    expect(({} as Record<string, unknown>).text).toBeUndefined();
  });

  it.each([
    ['a header longer than the file', Buffer.from('ffffffffffffff7f7b7d', 'hex'), 0],
    ['a header of 2^64 − 1 bytes', Buffer.from('ffffffffffffffff7b7d', 'hex'), 0],
    ['a header that is a list', written('[]', 0), 8],
    ['a header that is a number', written('7', 0), 8],
    ['a header that is no text', Buffer.from('0200000000000000ff7d', 'hex'), 8],
    ['two tensors of one name', written(`{"a":${entry([1], 0, 4)},"a":${entry([1], 0, 4)}}`, 4), 8],
    [
      'one name written in two ways',
      written(`{"a":${entry([1], 0, 4)},"\\u0061" : ${entry([1], 0, 4)}}`, 4),
      8,
    ],
    [
      'two dtypes',
      written('{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', 4),
      8,
    ],
    ['tensors that overlap', written(`{"a":${entry([2], 0, 8)},"b":${entry([2], 4, 12)}}`, 12), -1],
    [
      'two tensors in one place',
      written(`{"a":${entry([1], 0, 4)},"b":${entry([1], 0, 4)}}`, 4),
      -1,
    ],
    ['a hole', written(`{"a":${entry([1], 0, 4)},"b":${entry([1], 8, 12)}}`, 12), -1],
    ['data at the end that belongs to nobody', written(`{"a":${entry([1], 0, 4)}}`, 5), -1],
    ['data that ends too early', written(`{"a":${entry([2], 0, 8)}}`, 7), -1],
    ['offsets backwards', written(`{"a":${entry([1], 4, 0)}}`, 4), 8],
    ['offsets that are no integers', written(`{"a":${entry([1], 0.5, 4.5)}}`, 5), 8],
    ['a negative size', written(`{"a":${entry([-1], 0, 4)}}`, 4), 8],
    [
      'a product that wraps 64 bits to 4',
      written(`{"a":${entry([4194305, 4194305, 211106198978564], 0, 16)}}`, 16),
      8,
    ],
    [
      'a monstrous shape without elements',
      written(`{"a":${entry([0, 2 ** 40, 2 ** 40], 0, 0)}}`, 0),
      8,
    ],
    ['rank 9', written(`{"a":${entry([1, 1, 1, 1, 1, 1, 1, 1, 1], 0, 4)}}`, 4), 8],
    ['a dtype of the prototype', written(`{"a":${entry([1], 0, 4, 'toString')}}`, 4), 8],
    ['a dtype that is not held', written(`{"a":${entry([4], 0, 4, 'F8_E4M3')}}`, 4), 8],
    [
      'an entry behind __proto__',
      written('{"a":{"__proto__":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}}', 4),
      8,
    ],
    ['a tensor that is null', written('{"a":null}', 0), 8],
    ['metadata that is text', written('{"__metadata__":"a"}', 0), 8],
    ['metadata that is no text', written('{"__metadata__":{"a":1}}', 0), 8],
  ])('refuse %s', async (_, bytes, byte) => {
    const outcome = await outcomeOf(() => read(bytes));
    if (!('error' in outcome)) throw new Error('it was read');
    expectFormatError(outcome.error, path);
    if (byte >= 0) expect((outcome.error as Error).message).toContain(`byte ${byte}:`);
  });

  it('refuse a file cut at any byte', async () => {
    await refuseCuts(encodeSafetensors(small, new Map([['a', 'b']])), path, read);
  });

  it('never crash the reader, whatever bytes are changed', async () => {
    const good = encodeSafetensors(small, new Map([['a', '{"b":[1]}']]));
    const accept = ({ tensors }: Contents): void => {
      let bytes = 0;
      for (const { data } of tensors.values()) bytes += data.byteLength;
      expect(bytes).toBeLessThan(2 * good.length);
    };
    const count = await surviveChanges(good, path, read, { seed: 17, trials: 800, accept });
    expect(count.refused).toBeGreaterThan(100);
    expect(count.read).toBeGreaterThan(20);
  });

  it('take no long time for long headers', async () => {
    const nested = written(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`, 0);
    const text = written(`{"a":"${'\\"'.repeat(2_000_000)}"}`, 0);
    for (const bytes of [nested, text]) {
      const start = performance.now();
      await expect(read(bytes)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
      expect(performance.now() - start).toBeLessThan(2000);
    }
  });
});

function bytesOf(data: Tensor['data'] | undefined): Buffer {
  if (data === undefined) throw new Error('the tensor is missing');
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
