import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { failsWith } from './support/errors.ts';
import { bits } from './support/networks.ts';
import { encodeSafetensors, readSafetensors } from './support/safetensors.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stridenet-'));
});
afterAll(() => rm(folder, { recursive: true }));

function network(): sn.Network {
  return sn.sequential({
    inputShape: [2, 6, 6],
    seed: 9,
    backend: 'reference',
    dtype: 'float64',
    layers: [
      sn.layers.conv2d({
        filters: 4,
        kernelSize: [3, 2],
        padding: [
          [1, 0],
          [0, 2],
        ],
        groups: 2,
        name: 'stem',
        initializer: sn.initializers.scaledNormal({ gain: 2 }),
        optimizer: sn.optimizers.sgd(),
      }),
      sn.layers.activation('relu'),
      sn.layers.maxPool2d({ kernelSize: 2, ties: 'split' }),
      sn.layers.flatten(),
      sn.layers.dense({ units: 3, bias: false, activation: 'softmax' }),
    ],
  });
}

/** Tensors of rank 1 as another program writes them. */
function foreign(
  tensors: Readonly<Record<string, { dtype: string; bytes: readonly number[]; size: number }>>,
): Buffer {
  let end = 0;
  const entries = Object.entries(tensors).map(([key, { dtype, bytes, size }]) => {
    end += bytes.length;
    return [key, { dtype, shape: [size], data_offsets: [end - bytes.length, end] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([
    length,
    header,
    Buffer.from(Object.values(tensors).flatMap(({ bytes }) => [...bytes])),
  ]);
}

const seven = { dtype: 'I64', bytes: [7, 0, 0, 0, 0, 0, 0, 0], size: 1 };
const words = (...bits: number[]): number[] => bits.flatMap((b) => [b & 255, b >> 8]);

describe('models on disk', () => {
  it('have the layers as they were made, whatever becomes of the lists that were given', async () => {
    const size: [number, number] = [1, 1];
    const inner = [sn.layers.conv2d({ filters: 2, kernelSize: size })];
    const block = sn.layers.residual({ layers: inner });
    const branch = [sn.layers.flatten()];
    const both = sn.layers.branches({ branches: [branch] });
    inner.push(sn.layers.activation('relu'), block as never);
    branch.push(both);
    size[0] = 9;
    const layers = [block, both];
    const net = sn.sequential({ inputShape: [2, 6, 6], layers, backend: 'reference' });
    const path = join(folder, 'lists.safetensors');
    await net.save(path);
    const back = await sn.load(path, { backend: 'reference' });
    await rm(path);
    expect(back.summary()).toBe(net.summary());
    expect(bits(back.parameters())).toBe(bits(net.parameters()));
  });

  it('come back as they were, and leave no other file', async () => {
    const net = network();
    const path = join(folder, 'net.safetensors');
    await net.save(pathToFileURL(path));
    const loaded = await sn.load(pathToFileURL(path), { backend: 'reference' });
    expect(bits(loaded.parameters())).toBe(bits(net.parameters()));
    expect(loaded.summary()).toBe(net.summary());
    const x = sn.full([3, 2, 6, 6], 0.25, 'float64');
    expect((await loaded.predict(x)).data).toEqual((await net.predict(x)).data);
    expect(await readdir(folder)).toEqual(['net.safetensors']);
  });

  it('keep the names of the classes, unless load is given others', async () => {
    const path = join(folder, 'named.safetensors');
    const { layers } = network().architecture;
    const options = {
      inputShape: [2, 6, 6],
      layers: layers.map(({ layer }) => layer),
      classNames: ['cat', 'dög', 'x,"y"'],
    };
    const net = sn.sequential(options);
    await net.save(path);
    expect((await sn.load(path)).classNames).toEqual(options.classNames);
    expect(net.snapshot().classNames).toEqual(options.classNames);
    expect(network().classNames).toBeNull();
    const classNames = ['a', 'b', 'c'];
    expect((await sn.load(path, { classNames })).classNames).toEqual(classNames);
    for (const wrong of [['a', 'b'], ['a', 'b', 'b'], 'abc', [1, 2, 3], null]) {
      const given = wrong as string[];
      const refused = failsWith('ERR_ARGUMENT', 'classNames to be 3 different names');
      expect(() => sn.sequential({ ...options, classNames: given }), String(wrong)).toThrow(
        refused,
      );
      await expect(sn.load(path, { classNames: given })).rejects.toThrow(refused);
    }
    const { metadata } = await readSafetensors(path);
    for (const wrong of ['["a"]', '3', 'null', '[', '{}']) {
      const changed = new Map([...metadata, ['classNames', wrong]]);
      await writeFile(path, encodeSafetensors(net.parameters(), changed));
      await expect(sn.load(path), wrong).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    }
  });

  it('survive several saves to one path at the same time', async () => {
    const path = join(folder, 'shared.safetensors');
    const net = network();
    for (let round = 0; round < 10; round++) {
      await Promise.all([net.save(path), net.save(path), net.save(path)]);
    }
    expect(bits((await sn.load(path)).parameters())).toBe(bits(net.parameters()));
    expect((await readdir(folder)).filter((name) => name.includes('tmp'))).toEqual([]);
    await rm(path);
  });

  it('are refused before memory is taken when the tensors do not fit the layers', async () => {
    const path = join(folder, 'lying.safetensors');
    const architecture = {
      inputShape: [1000],
      dtype: 'float32',
      layers: [{ kind: 'dense', options: { units: 1_000_000 } }],
    };
    const metadata = new Map([
      ['format', 'stridenet'],
      ['version', '1'],
      ['architecture', JSON.stringify(architecture)],
    ]);
    const tensors = new Map([
      ['0.weight', sn.zeros([1])],
      ['0.bias', sn.zeros([1])],
    ]);
    await writeFile(path, encodeSafetensors(tensors, metadata));
    const start = performance.now();
    await expect(sn.load(path)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    expect(performance.now() - start).toBeLessThan(1000);
    await rm(path);
  });

  it('are refused when missing, of another kind, or changed', async () => {
    await expect(sn.load(join(folder, 'none'))).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
    await expect(network().save(join(folder, 'none', 'net'))).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
    await expect(network().save(folder)).rejects.toMatchObject({ code: 'ERR_FILE_ACCESS' });
    await expect(sn.load(folder)).rejects.toMatchObject({ code: 'ERR_FILE_ACCESS' });
    await expect(sn.load(5 as never)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    const other = join(folder, 'other.safetensors');
    await writeFile(other, encodeSafetensors(new Map([['a', sn.zeros([2])]]), new Map()));
    await expect(sn.load(other)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    const metadata = new Map([
      ['format', 'stridenet'],
      ['version', '1'],
      [
        'architecture',
        '{"inputShape":[1],"dtype":"float32","layers":[{"kind":"constructor","options":{}}]}',
      ],
    ]);
    await writeFile(other, encodeSafetensors(new Map(), metadata));
    await expect(sn.load(other)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
  });

  const relu = '{"kind":"activation","options":{"activation":"relu"}}';
  const nested = '{"kind":"sequential","options":{"layers":['.repeat(20_000);
  const wrong: Readonly<Record<string, readonly [layers: string, shape?: string, dtype?: string]>> =
    {
      'no list of layers': ['null'],
      'no layers, but their number': ['{"length":3}'],
      'no layer': ['[null]'],
      'a layer of no kind': ['[{"kind":"__proto__","options":{}}]'],
      'layers too deep': [`[${nested}${relu}${']}}'.repeat(20_000)}]`],
      'a negative size': [`[${relu}]`, '[-1]'],
      'no size': [`[${relu}]`, '[null]'],
      'more than there can be': [`[${relu}]`, '[4294967296,4294967296]'],
      'no dtype': [`[${relu}]`, '[4]', '"__proto__"'],
      'too large a pad': ['[{"kind":"pad","options":{"padding":1000000000}}]', '[1,4,4]'],
      'an option that is none': ['[{"kind":"flatten","options":{"__proto__":{"a":1}}}]'],
    };
  it.each(Object.entries(wrong))('with %s are refused', async (_, parts) => {
    const path = join(folder, 'architecture.safetensors');
    const [list, shape = '[4]', dtype = '"float32"'] = parts;
    const architecture = `{"inputShape":${shape},"dtype":${dtype},"layers":${list}}`;
    const metadata = Object.entries({ format: 'stridenet', version: '1', architecture });
    await writeFile(path, encodeSafetensors(new Map(), new Map(metadata)));
    await expect(sn.load(path)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    await rm(path);
  });

  it('of other programs give their tensors, half precision and int64 too', async () => {
    const path = join(folder, 'foreign.safetensors');
    await writeFile(
      path,
      foreign({
        half: {
          dtype: 'F16',
          bytes: words(0x3c00, 0xc000, 1, 0x7bff, 0x7c00, 0x7e00, 0x8000),
          size: 7,
        },
        'bn.num_batches_tracked': seven,
        upper: { dtype: 'BF16', bytes: words(0x3f80, 0xc040, 0x7f80), size: 3 },
        negative: { ...seven, bytes: [254, ...new Array<number>(7).fill(255)] },
      }),
    );
    const found = await sn.data.readSafetensors(path);
    const infinity = Number.POSITIVE_INFINITY;
    expect([...found].map(([key, { dtype, data }]) => [key, dtype, [...data]])).toEqual([
      ['half', 'float32', [1, -2, 2 ** -24, 65504, infinity, Number.NaN, -0]],
      ['bn.num_batches_tracked', 'int32', [7]],
      ['upper', 'float32', [1, -3, infinity]],
      ['negative', 'int32', [-2]],
    ]);
    for (const wrong of [
      { ...seven, bytes: [0, 0, 0, 128, 0, 0, 0, 0] },
      { ...seven, size: 2 },
      { ...seven, dtype: 'F8_E4M3' },
      { ...seven, dtype: 'toString' },
    ]) {
      await writeFile(path, foreign({ wrong }));
      await expect(sn.data.readSafetensors(path)).rejects.toMatchObject({
        code: 'ERR_FILE_FORMAT',
      });
    }
    await expect(sn.data.readSafetensors('')).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await rm(path);
  });

  it('that are no regular file, or larger than the network, take no memory', async () => {
    const path = join(folder, 'net.safetensors');
    await network().save(path);
    const { metadata } = await readSafetensors(path);
    const bytes = 2 ** 33;
    const header = JSON.stringify({
      __metadata__: Object.fromEntries(metadata),
      '0.weight': { dtype: 'U8', shape: [bytes], data_offsets: [0, bytes] },
    });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    await writeFile(path, Buffer.concat([length, Buffer.from(header)]));
    await truncate(path, 8 + header.length + bytes);
    await expect(sn.load(path)).rejects.toThrow(
      expect.objectContaining({
        code: 'ERR_FILE_FORMAT',
        message: expect.stringContaining('lacks'),
      }),
    );
    await writeFile(path, foreign({ empty: { dtype: 'U8', bytes: [], size: 0 } }));
    const huge = (await readFile(path, 'latin1')).replace('[0]', '[0,99999999999]');
    const sizes = Buffer.from(huge, 'latin1');
    sizes.writeBigUInt64LE(BigInt(sizes.length - 8));
    await writeFile(path, sizes);
    await expect(sn.data.readSafetensors(path)).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    await expect(sn.data.readSafetensors('/dev/zero')).rejects.toMatchObject({
      code: 'ERR_FILE_ACCESS',
    });
    await rm(path);
  });
});
