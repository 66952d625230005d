import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpz, writeNpz } from '../lib/data/index.ts';
import { npyHeader } from '../lib/data/npy.ts';
import { full, Tensor, tensor } from '../lib/tensor.ts';
import { loadGolden } from './golden/load.ts';
import { expectFormatError, outcomeOf, refuseCuts, surviveChanges } from './support/hostile.ts';

let folder = '';
let path = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-npz-'));
  path = join(folder, 'arrays.npz');
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(bytes: Uint8Array, options = {}): Promise<Map<string, Tensor>> {
  writeFileSync(path, bytes);
  return readNpz(path, options);
}

const archives = loadGolden('npy').filter(({ name }) => name.startsWith('savez'));

/** A .npy of a tensor. */
function npy(value: Tensor): Buffer {
  const { buffer, byteOffset, byteLength } = value.data;
  return Buffer.concat([npyHeader(value), Buffer.from(buffer, byteOffset, byteLength)]);
}

/** One file of an archive, and the lies told of it. */
interface Member {
  readonly name: string;
  readonly localName?: string;
  readonly contents: Buffer;
  readonly compress?: boolean;
  readonly method?: number;
  readonly flags?: number;
  /** What the directory says of the unpacked size. */
  readonly size?: number;
  readonly packedSize?: number;
  readonly sum?: number;
}

/** A zip file as its specification has it. */
function zip(members: readonly Member[], { count = members.length } = {}): Buffer {
  const files: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const member of members) {
    const { contents, compress = false, flags = 0x800, sum = crc32(contents) } = member;
    const data = compress ? deflateRawSync(contents) : contents;
    const { method = compress ? 8 : 0, size = contents.length, packedSize = data.length } = member;
    const shared = Buffer.alloc(26);
    [20, flags, method, 0, 0].forEach((value, i) => {
      shared.writeUInt16LE(value, 2 * i);
    });
    [sum, packedSize, size].forEach((value, i) => {
      shared.writeUInt32LE(value, 10 + 4 * i);
    });
    const nameOf = (name: string): Buffer => {
      const bytes = Buffer.from(name);
      shared.writeUInt16LE(bytes.length, 22);
      return bytes;
    };
    const localName = nameOf(member.localName ?? member.name);
    files.push(Buffer.from('PK\x03\x04', 'latin1'), Buffer.from(shared), localName, data);
    const name = nameOf(member.name);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\0', 'latin1'), Buffer.from(shared), place, name);
    at += 30 + localName.length + data.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  const directoryBytes = Buffer.concat(directory);
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(directoryBytes.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...files, directoryBytes, end]);
}

const small = npy(tensor([1, 2, 3]));

describe('readNpz', () => {
  it.each(archives)('reads what NumPy writes: $name', async ({ attributes, outputs }) => {
    const found = await read(Buffer.from(attributes.file, 'base64'));
    expect([...found.keys()]).toEqual(Object.keys(outputs));
    for (const [name, { shape, data }] of Object.entries(outputs)) {
      expect(found.get(name)?.shape).toEqual(shape);
      expect([...(found.get(name)?.data ?? [])], name).toEqual([...data]);
    }
    expect(({} as Record<string, unknown>).shape).toBeUndefined();
  });

  it('reads only the arrays that are wanted', async () => {
    const bytes = zip([
      { name: 'a.npy', contents: small },
      { name: 'objects.npy', contents: Buffer.from('a pickle') },
      { name: 'notes.txt', contents: Buffer.from('text') },
    ]);
    expect([...(await read(bytes, { names: ['a'] })).keys()]).toEqual(['a']);
    await expect(read(bytes, { names: ['a', 'b'] })).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT',
      message: expect.stringContaining("there is no 'b' but a.npy, objects.npy, notes.txt"),
    });
    await expect(read(bytes)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
  });

  it('reads an archive without arrays', async () => {
    expect((await read(zip([]))).size).toBe(0);
  });
});

describe('writeNpz', () => {
  const tensors = new Map<string, Tensor>([
    ['x', tensor([1.5, -2, 3, 4], [2, 2])],
    ['layer/weight', full([3, 4], 0.5, 'float64')],
    ['größe', tensor(Int32Array.of(-7, 2 ** 31 - 1))],
    ['scalar', tensor(2.5, [])],
    ['none', full([0, 3], 0)],
    ['__proto__', tensor(Uint8Array.of(1, 2))],
  ]);

  it.each([false, true])('is read again, compress: %s', async (compress) => {
    const before = new Map([...tensors].map(([name, each]) => [name, each.clone()]));
    const changed = tensor([1, 2]);
    const written = writeNpz(path, new Map([...tensors, ['changed', changed]]), { compress });
    changed.data.fill(9);
    await written;
    const found = await readNpz(path);
    expect([...found.keys()]).toEqual([...before.keys(), 'changed']);
    for (const [name, value] of before) expect(found.get(name)).toEqual(value);
    expect([...(found.get('changed')?.data ?? [])]).toEqual([1, 2]);
    expect(readdirSync(folder)).toEqual(['arrays.npz']);
  });

  it('gives equal bytes for equal tensors, whatever the time zone', async () => {
    const zone = process.env.TZ;
    const files: Buffer[] = [];
    for (const each of ['UTC', 'Asia/Tokyo', 'America/Los_Angeles']) {
      process.env.TZ = each;
      await writeNpz(path, tensors);
      files.push(readFileSync(path));
    }
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
    expect(files[1]?.equals(files[0] as Buffer)).toBe(true);
    expect(files[2]?.equals(files[0] as Buffer)).toBe(true);
  });

  it('takes an object, and tensors of any length', async () => {
    const values = Float32Array.from({ length: 700_001 }, (_, i) => i % 1000);
    for (const compress of [false, true]) {
      await writeNpz(path, { long: tensor(values, [700_001]) }, { compress });
      const found = (await readNpz(path)).get('long') as Tensor;
      expect(Buffer.compare(Buffer.from(found.data.buffer), Buffer.from(values.buffer))).toBe(0);
    }
  });

  it('refuses wrong arguments, and leaves the old file where it fails', async () => {
    const good = { a: tensor([1]) };
    for (const [name, value, options, code] of [
      [path, [], {}, 'ERR_ARGUMENT'],
      [path, tensor([1]), {}, 'ERR_ARGUMENT'],
      [path, { a: [1] }, {}, 'ERR_ARGUMENT'],
      [path, { '': tensor([1]) }, {}, 'ERR_ARGUMENT'],
      [path, { '/a': tensor([1]) }, {}, 'ERR_ARGUMENT'],
      [path, { 'a/../../b': tensor([1]) }, {}, 'ERR_ARGUMENT'],
      [path, { 'a\\b': tensor([1]) }, {}, 'ERR_ARGUMENT'],
      [path, { 'C:/a': tensor([1]) }, {}, 'ERR_ARGUMENT'],
      [path, { '\ud800': tensor([1]) }, {}, 'ERR_ARGUMENT'],
      [path, { ['a'.repeat(70_000)]: tensor([1]) }, {}, 'ERR_ARGUMENT'],
      [path, new Map([[1, tensor([1])]]), {}, 'ERR_ARGUMENT'],
      [path, good, { compress: 1 }, 'ERR_ARGUMENT'],
      [path, good, { level: 1 }, 'ERR_ARGUMENT'],
      [5, good, {}, 'ERR_ARGUMENT'],
      [join(folder, 'none', 'a.npz'), good, {}, 'ERR_FILE_NOT_FOUND'],
      [folder, good, {}, 'ERR_FILE_ACCESS'],
    ] as const) {
      const call = writeNpz(name as string, value as Record<string, Tensor>, options as object);
      await expect(call, JSON.stringify(options)).rejects.toMatchObject({ code });
    }
    await writeNpz(path, good);
    await expect(writeNpz(path, { '..': tensor([2]) })).rejects.toThrow();
    expect([...((await readNpz(path)).get('a')?.data ?? [])]).toEqual([1]);
    expect(readdirSync(folder)).toEqual(['arrays.npz']);
  });
});

describe('readNpz refuses', () => {
  const huge = npy(new Tensor(new Float32Array(0), [0], 'float32'));
  it.each<[string, Buffer, RegExp]>([
    ['text', Buffer.from('hello, this is no archive at all'), /[Nn]ot a zip file|signature/],
    ['nothing', Buffer.alloc(0), /./],
    ['a .npy', small, /./],
    [
      'a name twice',
      zip([
        { name: 'a.npy', contents: small },
        { name: 'a.npy', contents: small },
      ]),
      /'a.npy' occurs twice/,
    ],
    [
      'a name that leaves the folder',
      zip([{ name: '../a.npy', contents: small }]),
      /relative path/,
    ],
    [
      'a name that leaves it later',
      zip([{ name: 'a/../../b.npy', contents: small }]),
      /relative path/,
    ],
    ['an absolute name', zip([{ name: '/etc/a.npy', contents: small }]), /absolute path/],
    ['a name of Windows', zip([{ name: '..\\a.npy', contents: small }]), /invalid characters/],
    ['what is no array', zip([{ name: 'a.txt', contents: small }]), /'a.txt' is no .npy/],
    ['a folder', zip([{ name: 'a/', contents: Buffer.alloc(0) }]), /'a\/' is no .npy/],
    [
      'another name at the data',
      zip([{ name: 'a.npy', localName: 'b.npy', contents: small }]),
      /another name/,
    ],
    ['another checksum', zip([{ name: 'a.npy', contents: small, sum: 7 }]), /checksum of 'a.npy'/],
    ['an unknown method', zip([{ name: 'a.npy', contents: small, method: 12 }]), /method 12/],
    [
      'an encrypted array',
      zip([{ name: 'a.npy', contents: small, compress: true, flags: 1 }]),
      /encrypted/,
    ],
    [
      'a size that stored bytes have not',
      zip([{ name: 'a.npy', contents: small, size: 1000 }]),
      /size/,
    ],
    [
      'packed bytes beyond the file',
      zip([{ name: 'a.npy', contents: small, packedSize: 10_000, size: 10_000 }]),
      /bounds/,
    ],
    [
      'more unpacked than declared',
      zip([{ name: 'a.npy', contents: small, compress: true, size: 100 }]),
      /./,
    ],
    [
      'less unpacked than declared',
      zip([{ name: 'a.npy', contents: small, compress: true, size: 200 }]),
      /./,
    ],
    [
      'a size that deflate cannot pack',
      zip([{ name: 'a.npy', contents: small, compress: true, size: 2 ** 31 }]),
      /declares 2147483648 bytes, packed in/,
    ],
    ['bytes that are not deflated', zip([{ name: 'a.npy', contents: small, method: 8 }]), /./],
    [
      'a shape above the declared size',
      zip([{ name: 'a.npy', contents: Buffer.concat([huge, small]) }]),
      /needs 0 bytes of data but 140 follow/,
    ],
    [
      'a member that is no .npy',
      zip([{ name: 'a.npy', contents: Buffer.from('pickle') }]),
      /does not start as/,
    ],
    [
      'more members than there are',
      zip([{ name: 'a.npy', contents: small }], { count: 60_000 }),
      /./,
    ],
  ])('%s', async (_, bytes, reason) => {
    const outcome = await outcomeOf(() => read(bytes));
    if (!('error' in outcome)) throw new Error('it was read');
    expectFormatError(outcome.error, path);
    expect((outcome.error as Error).message).toMatch(reason);
  });

  it('a bomb, without unpacking it', async () => {
    const head = npyHeader({ dtype: 'uint8', shape: [512 * 2 ** 20] });
    const contents = Buffer.concat([head, Buffer.alloc(512 * 2 ** 20)]);
    const members = [{ name: 'a.npy', contents, compress: true }];
    const bytes = zip(members);
    expect(bytes.length).toBeLessThan(2 ** 20);
    const lie = zip([{ ...members[0], name: 'a.npy', contents, size: 1000 + head.length }]);
    const before = process.memoryUsage().rss;
    await expect(read(bytes, { maxBytes: 2 ** 24 })).rejects.toMatchObject({
      code: 'ERR_MEMORY',
      message: expect.stringMatching(
        /'a\.npy', byte 10: makes 536870912 bytes .* maxBytes, 16777216/,
      ),
    });
    await expect(read(lie.subarray(0))).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  it('many arrays that take more than maxBytes together', async () => {
    const members = ['a', 'b', 'c'].map((name) => ({ name: `${name}.npy`, contents: small }));
    expect((await read(zip(members), { maxBytes: 36 })).size).toBe(3);
    await expect(read(zip(members), { maxBytes: 35 })).rejects.toMatchObject({
      code: 'ERR_MEMORY',
      message: expect.stringContaining("'c.npy', byte 10: makes 36 bytes"),
    });
  });

  const two = (compress: boolean): Buffer =>
    zip([
      { name: 'a.npy', contents: small, compress },
      { name: 'b/c.npy', contents: npy(tensor(Int32Array.of(4, 5))), compress },
    ]);

  it.each([false, true])('a file cut at any byte, compressed: %s', async (compress) => {
    await refuseCuts(two(compress), path, read);
  });

  it.each([false, true])('or reads what was changed, compressed: %s', async (compress) => {
    const good = two(compress);
    // A changed byte may stand where nothing depends on it; values that are read are the right ones.
    const accept = (found: Map<string, Tensor>): void => {
      for (const [name, { data }] of found) {
        const expected = { a: [1, 2, 3], 'b/c': [4, 5] }[name];
        expect([...data], name).toEqual(expected);
      }
    };
    const count = await surviveChanges(good, path, read, { seed: 41, trials: 400, accept });
    expect(count.refused).toBeGreaterThan(200);
    expect(count.read).toBeGreaterThan(10);
  });

  it('wrong arguments, and what is no file', async () => {
    for (const [file, options, code] of [
      [5, {}, 'ERR_ARGUMENT'],
      [path, { maxBytes: 0.5 }, 'ERR_ARGUMENT'],
      [path, { names: 'a' }, 'ERR_ARGUMENT'],
      [path, { names: [1] }, 'ERR_ARGUMENT'],
      [path, { name: ['a'] }, 'ERR_ARGUMENT'],
      [join(folder, 'none'), {}, 'ERR_FILE_NOT_FOUND'],
      [folder, {}, 'ERR_FILE_ACCESS'],
      ['/dev/zero', {}, 'ERR_FILE_ACCESS'],
    ] as const) {
      const call = readNpz(file as string, options as object);
      await expect(call, String(file)).rejects.toMatchObject({ code });
    }
  });
});
