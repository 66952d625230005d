import { mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Cifar100Options, cifar10, cifar100, from, type Split } from '../lib/data/index.ts';
import { expectFormatError, outcomeOf } from './support/hostile.ts';
import { writeTree } from './support/images.ts';

let root = '';
let folders = 0;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'stridenet-cifar-'));
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Records of these labels; byte i of sample s of file f is 7i + 31s + f, as a byte. */
function records(labels: readonly (readonly number[])[], f = 0): Buffer {
  return Buffer.concat(
    labels.map((each, s) =>
      Buffer.from([...each, ...Array.from({ length: 3072 }, (_, i) => (7 * i + 31 * s + f) & 255)]),
    ),
  );
}

const batches = [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`);
const ten: Record<string, Buffer> = {
  ...Object.fromEntries(batches.map((name, f) => [name, records([[f], [9 - f]], f)])),
  'test_batch.bin': records([[3], [1], [2]], 9),
};
const hundred: Record<string, Buffer> = {
  'train.bin': records([
    [0, 99],
    [19, 0],
    [4, 53],
  ]),
  'test.bin': records([[11, 19]]),
};

function folderOf(files: Record<string, Buffer>, inner = ''): string {
  const folder = join(root, `set-${folders++}`);
  mkdirSync(folder);
  writeTree(join(folder, inner), files);
  return folder;
}

describe('cifar10', () => {
  it.each(['', 'cifar-10-batches-bin'])("reads the files of a folder, in '%s'", async (inner) => {
    const { train, test } = await cifar10({ path: folderOf(ten, inner) });
    expect([train.x.shape, train.x.dtype]).toEqual([[10, 3, 32, 32], 'uint8']);
    expect(train.y.dtype).toBe('uint8');
    expect([...train.y.data]).toEqual([0, 9, 1, 8, 2, 7, 3, 6, 4, 5]);
    expect([...test.y.data]).toEqual([3, 1, 2]);
    train.x.data.forEach((value, at) => {
      const [i, sample] = [at % 3072, Math.floor(at / 3072)];
      const expected = (7 * i + 31 * (sample % 2) + Math.floor(sample / 2)) & 255;
      if (value !== expected) throw new Error(`byte ${i} of sample ${sample} is ${value}`);
    });
    expect(train.classNames?.[6]).toBe('frog');
    expect(from(train).classNames).toHaveLength(10);
  });

  it('reads more samples than one piece has', async () => {
    const many = Array.from({ length: 600 }, (_, i) => [i % 10]);
    const { test } = await cifar10({ path: folderOf({ ...ten, 'test_batch.bin': records(many) }) });
    expect([...test.y.data]).toEqual(many.flat());
    expect(test.x.data[599 * 3072]).toBe((31 * 599) & 255);
  });

  it('looks where the environment says', async () => {
    vi.stubEnv('STRIDENET_CIFAR10', folderOf(ten));
    expect((await cifar10()).test.y.size).toBe(3);
  });
});

describe('cifar100', () => {
  it('reads fine and coarse labels', async () => {
    const path = folderOf(hundred, 'cifar-100-binary');
    const labels = async (options: Cifar100Options): Promise<[number[], Split]> => {
      const split = await cifar100({ path, ...options });
      return [[...split.train.y.data], split];
    };
    const [fine, byDefault] = await labels({});
    expect(fine).toEqual([99, 0, 53]);
    expect((await labels({ labels: 'fine' }))[0]).toEqual(fine);
    const [coarse, split] = await labels({ labels: 'coarse' });
    expect(coarse).toEqual([0, 19, 4]);
    expect(split.train.x.shape).toEqual([3, 3, 32, 32]);
    expect(split.train.x.data[3072]).toBe(31);
    const [names, groups] = [byDefault.train.classNames ?? [], split.train.classNames ?? []];
    expect([names.length, groups.length]).toEqual([100, 20]);
    expect([...names].sort()).toEqual(names);
    expect([...groups].sort()).toEqual(groups);
    expect(new Set([...names, ...groups]).size).toBe(120);
    // As the data set numbers them: 19 is cattle, of group 11.
    expect([names[53], names[19], groups[11]]).toEqual([
      'orange',
      'cattle',
      'large_omnivores_and_herbivores',
    ]);
  });
});

describe('cifar refuses', () => {
  it.each<[string, Record<string, Buffer>, number, RegExp]>([
    [
      'a file cut within a sample',
      { 'test_batch.bin': records([[1], [2]]).subarray(0, 6000) },
      3073,
      /6000 bytes are not/,
    ],
    ['an empty file', { 'data_batch_3.bin': Buffer.alloc(0) }, 0, /0 bytes are not one or more/],
    [
      'a byte too many',
      { 'data_batch_3.bin': Buffer.concat([records([[1]]), Buffer.alloc(1)]) },
      3073,
      /3074 bytes/,
    ],
    [
      'a label of no class',
      { 'data_batch_5.bin': records([[1], [10]]) },
      3073,
      /label 10 of sample 1 is not within 0 to 9/,
    ],
  ])('%s', async (_, files, byte, reason) => {
    const folder = folderOf({ ...ten, ...files });
    const outcome = await outcomeOf(() => cifar10({ path: folder }));
    if (!('error' in outcome)) throw new Error('it was read');
    expectFormatError(outcome.error, join(folder, Object.keys(files)[0] as string));
    expect((outcome.error as Error).message).toContain(`, byte ${byte}:`);
    expect((outcome.error as Error).message).toMatch(reason);
  });

  it('labels of either kind that are none, at their byte', async () => {
    for (const [labels, byte] of [
      [[20, 0], 3074],
      [[0, 100], 3075],
    ] as const) {
      const path = folderOf({ ...hundred, 'test.bin': records([[0, 0], labels]) });
      for (const wanted of ['fine', 'coarse'] as const) {
        await expect(cifar100({ path, labels: wanted })).rejects.toMatchObject({
          code: 'ERR_FILE_FORMAT',
          message: expect.stringContaining(`test.bin, byte ${byte}: label`),
        });
      }
    }
  });

  it('more than maxBytes, before memory is taken', async () => {
    const path = folderOf(hundred);
    expect((await cifar100({ path, maxBytes: 3 * 3073 })).train.y.size).toBe(3);
    const message = expect.stringContaining('more than maxBytes');
    await expect(cifar100({ path, maxBytes: 3 * 3073 - 1 })).rejects.toMatchObject({
      code: 'ERR_MEMORY',
      message,
    });
    truncateSync(join(path, 'train.bin'), 3074 * 2 ** 22);
    await expect(cifar100({ path })).rejects.toMatchObject({ code: 'ERR_MEMORY', message });
  });

  it('what is not there, and wrong arguments', async () => {
    vi.stubEnv('STRIDENET_CIFAR10', undefined);
    const { 'data_batch_2.bin': _, ...four } = ten;
    const wrong: [object, string, RegExp][] = [
      [
        {},
        'ERR_FILE_NOT_FOUND',
        /no path was given, no STRIDENET_CIFAR10 was given.*\nCure: .*CIFAR-10 binary version/,
      ],
      [{ path: folderOf(four) }, 'ERR_FILE_NOT_FOUND', /lacks data_batch_2\.bin\./],
      [{ path: join(root, 'none') }, 'ERR_FILE_NOT_FOUND', /no folder/],
      [{ path: 5 }, 'ERR_ARGUMENT', /path to be a folder/],
      [{ maxBytes: -1 }, 'ERR_ARGUMENT', /maxBytes/],
      [{ labels: 'fine' }, 'ERR_ARGUMENT', /no option 'labels'/],
    ];
    for (const [options, code, reason] of wrong) {
      const message = expect.stringMatching(reason);
      await expect(cifar10(options)).rejects.toMatchObject({ code, message });
    }
    await expect(cifar100({ labels: 'medium' } as object)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
  });
});
