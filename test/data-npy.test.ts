import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readNpy } from '../lib/data/index.ts';
import { npyHeader } from '../lib/data/npy.ts';
import type { Tensor } from '../lib/tensor.ts';
import { loadGolden } from './golden/load.ts';
import { expectFormatError, outcomeOf, refuseCuts, surviveChanges } from './support/hostile.ts';

let folder = '';
let path = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-npy-'));
  path = join(folder, 'array.npy');
});
afterAll(() => rmSync(folder, { recursive: true }));

function read(bytes: Uint8Array, options = {}): Promise<Tensor> {
  writeFileSync(path, bytes);
  return readNpy(path, options);
}

const golden = loadGolden('npy').filter(({ name }) => !name.startsWith('savez'));
const arrays = golden.filter(({ outputs }) => outputs.y !== undefined);
const refused = golden.filter(({ outputs }) => outputs.y === undefined);
const bytesOf = (name: string): Buffer => {
  const found = golden.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no golden file ${name}`);
  return Buffer.from(found.attributes.file, 'base64');
};

const dtypes: Readonly<Record<string, string>> = {
  f2: 'float32',
  f4: 'float32',
  f8: 'float64',
  u1: 'uint8',
  b1: 'uint8',
};

/** A file of this dictionary, 24 bytes of elements and the sizes that fit unless told otherwise. */
function written(dictionary: string, { version = 1, length = -1, data = 24 } = {}): Buffer {
  const start = version === 1 ? 10 : 12;
  const head = Buffer.alloc(start);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  const declared = length < 0 ? dictionary.length : length;
  if (version === 1) head.writeUInt16LE(declared, 8);
  else head.writeUInt32LE(declared, 8);
  return Buffer.concat([head, Buffer.from(dictionary, 'latin1'), Buffer.alloc(data)]);
}

const header = (shape: string, descr = "'<f4'"): string =>
  `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }`;

describe('readNpy reads', () => {
  it.each(arrays)('$name', async ({ attributes, outputs: { y } }) => {
    const tensor = await read(Buffer.from(attributes.file, 'base64'));
    expect(tensor.dtype).toBe(dtypes[(attributes.descr as string).slice(1)] ?? 'int32');
    expect(tensor.shape).toEqual(y?.shape);
    expect([...tensor.data]).toEqual([...(y?.data ?? [])]);
  });

  it.each([
    ["{'descr':'<f4','fortran_order':False,'shape':(2,3)}"],
    ["{ 'shape' : ( 2 , 3 , ) ,\n 'fortran_order' : False , 'descr' : '<f4' }  \n"],
    ['{"descr": "<f4", "fortran_order": False, "shape": (2L, 3L), }'],
    ["{'descr': 'f4', 'fortran_order': False, 'shape': (2, 3), }"],
    ["{'descr': '=f4', 'fortran_order': False, 'shape': (2, 3), }"],
  ])('a dictionary written as %s', async (dictionary) => {
    for (const version of [1, 2, 3]) {
      expect((await read(written(dictionary, { version }))).shape).toEqual([2, 3]);
    }
  });

  it('arrays longer than a piece of a stream, elements across pieces', async () => {
    for (const [kind, bytes] of [
      ['<i8', 8],
      ['>f4', 4],
    ] as const) {
      const count = 150_001;
      const data = Buffer.alloc(count * bytes);
      for (let i = 0; i < count; i++) {
        if (kind === '<i8') data.writeBigInt64LE(BigInt(i * 7 - 50_000), i * bytes);
        else data.writeFloatBE(i * 7 - 50_000, i * bytes);
      }
      const file = Buffer.concat([written(header(`(${count},)`, `'${kind}'`), { data: 0 }), data]);
      const { data: values } = await read(file);
      for (let i = 0; i < count; i++) {
        if (values[i] !== i * 7 - 50_000) throw new Error(`${kind}: element ${i} is ${values[i]}`);
      }
    }
  });
});

describe('npyHeader', () => {
  it.each(arrays.filter(({ name }) => /^npy (<f4|<f8|<i4|\|u1|of shape .*)$/.test(name)))(
    'is to the byte what NumPy writes: $name',
    ({ attributes, outputs: { y } }) => {
      const dtype = { f4: 'float32', f8: 'float64', i4: 'int32', u1: 'uint8' } as const;
      const kind = (attributes.descr as string).slice(1) as keyof typeof dtype;
      const head = npyHeader({ dtype: dtype[kind], shape: y?.shape ?? [] });
      const file = Buffer.from(attributes.file, 'base64');
      expect(head.toString('latin1')).toBe(file.toString('latin1', 0, head.length));
    },
  );
});

describe('readNpy refuses', () => {
  it.each(refused)('what NumPy writes: $name', async ({ attributes }) => {
    const bytes = Buffer.from(attributes.file, 'base64');
    const outcome = await outcomeOf(() => read(bytes));
    if (!('error' in outcome)) throw new Error('it was read');
    expectFormatError(outcome.error, path);
  });

  it.each([
    ['text', Buffer.from('hello'), 0, /does not start as/],
    ['a zip file', Buffer.from('PK\x03\x04'), 0, /readNpz/],
    ['version 0', written(header('(6,)'), { version: 0 }), 6, /version 0/],
    ['version 4', written(header('(6,)'), { version: 4 }), 6, /version 4/],
    [
      'a header of 4 GB',
      written(header('(6,)'), { version: 2, length: 2 ** 32 - 1 }),
      8,
      /4294967295/,
    ],
    [
      'a header beyond the file',
      written(header('(6,)'), { length: 9999 }),
      91,
      /within the header/,
    ],
    ['8 PiB in 100 bytes', written(header('(67108864, 33554432)')), 10, /more elements than/],
    ['more than the file has', written(header('(7,)')), 10, /needs 28 bytes of data but 24 follow/],
    ['less than the file has', written(header('(5,)')), 10, /needs 20 bytes of data but 24 follow/],
    [
      'a product that wraps',
      written(header('(4194305, 4194305, 211106198978564)')),
      10,
      /more elem/,
    ],
    ['an empty array of monstrous sizes', written(header('(0, 9007199254740991, 9)')), 10, /more/],
    ['a size beyond 2^53', written(header('(9007199254740993,)')), 51, /\(9007199254740993/],
    ['a negative size', written(header('(-6,)')), 51, /no dictionary of simple values/],
    ['a shape that is a number', written(header('(6)')), 51, /no dictionary/],
    ['a shape that is an expression', written(header('(2*3,)')), 51, /no dictionary/],
    ['a shape of rank 9', written(header('(1, 1, 1, 1, 1, 1, 1, 1, 6)')), 10, /rank 9/],
    ['code', written("{'descr': __import__('os').system('true')}"), 11, /no dictionary/],
    ['nothing', written(''), 10, /no dictionary/],
    ['no shape', written("{'descr': '<f4', 'fortran_order': False}"), 10, /no tuple 'shape'/],
    ['no order', written("{'descr': '<f4', 'shape': (6,)}"), 10, /no truth 'fortran_order'/],
    ['a dtype that is a tuple', written(header('(6,)', '(6,)')), 10, /no text 'descr'/],
    ['a dtype of the prototype', written(header('(6,)', "'toString'")), 10, /'toString' is none/],
    ['a name twice', written("{'shape': (6,), 'shape': (6,)}"), 26, /'shape' twice/],
    ['a dictionary with a tail', written(`${header('(6,)')} 7`), 67, /no dictionary/],
    ['an unclosed dictionary', written(header('(6,)').slice(0, -1)), 66, /no dictionary/],
  ])('%s', async (_, bytes, byte, reason) => {
    const outcome = await outcomeOf(() => read(bytes));
    if (!('error' in outcome)) throw new Error('it was read');
    expectFormatError(outcome.error, path);
    const { message } = outcome.error as Error;
    expect(message).toContain(`, byte ${byte}:`);
    expect(message).toMatch(reason);
  });

  it('a file cut at any byte', async () => {
    for (const name of ['npy <f4', 'npy >i8 in Fortran order', 'npy version 3']) {
      await refuseCuts(bytesOf(name), path, read);
    }
  });

  it('or reads files of which bytes were changed', async () => {
    const counts = { refused: 0, read: 0 };
    for (const [i, name] of ['npy <f4', 'npy >i8 in Fortran order', 'npy version 2'].entries()) {
      const bytes = bytesOf(name);
      const accept = (tensor: Tensor): void =>
        expect(tensor.size).toBeLessThanOrEqual(bytes.length);
      const found = await surviveChanges(bytes, path, read, { seed: 30 + i, trials: 250, accept });
      counts.refused += found.refused;
      counts.read += found.read;
    }
    expect(counts.refused).toBeGreaterThan(50);
    expect(counts.read).toBeGreaterThan(50);
  });

  it('more than maxBytes, counted as the tensor takes them', async () => {
    const eight = bytesOf('npy <i8');
    expect((await read(eight, { maxBytes: 48 })).dtype).toBe('int32');
    await expect(read(eight, { maxBytes: 47 })).rejects.toMatchObject({
      code: 'ERR_MEMORY',
      message: expect.stringMatching(/array\.npy, byte 10: makes 48 bytes .* maxBytes, 47/),
    });
    await expect(read(bytesOf('npy <f2'), { maxBytes: 47 })).rejects.toMatchObject({
      code: 'ERR_MEMORY',
    });
  });

  it('wrong arguments, and what is no file', async () => {
    for (const [file, options, code] of [
      [5, {}, 'ERR_ARGUMENT'],
      ['', {}, 'ERR_ARGUMENT'],
      [path, { maxByte: 5 }, 'ERR_ARGUMENT'],
      [path, { maxBytes: -1 }, 'ERR_ARGUMENT'],
      [path, null, 'ERR_ARGUMENT'],
      [join(folder, 'none'), {}, 'ERR_FILE_NOT_FOUND'],
      ['a\0b', {}, 'ERR_FILE_NOT_FOUND'],
      [folder, {}, 'ERR_FILE_ACCESS'],
      ['/dev/zero', {}, 'ERR_FILE_ACCESS'],
    ] as const) {
      const call = readNpy(file as string, options as object);
      await expect(call, String(file)).rejects.toMatchObject({ code });
    }
  });
});
