import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkImageOptions, decodeImage, type ImageOptions } from '../lib/data/images/decode.ts';
import { loadSharp, type Sharp } from '../lib/data/images/sharp.ts';
import {
  type BrokenImage,
  type ImageFolderOptions,
  imageFolder,
  type Sample,
} from '../lib/data/index.ts';
import { StridenetError } from '../lib/errors.ts';
import type { Tensor } from '../lib/tensor.ts';
import { loadGolden } from './golden/load.ts';
import { expectFormatError, outcomeOf, surviveChanges } from './support/hostile.ts';
import { imageBytes, writeTree } from './support/images.ts';

let root = '';
let path = '';
let sharp: Sharp;
let folders = 0;
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'stridenet-images-'));
  path = join(root, 'image');
  sharp = await loadSharp('test');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function decode(bytes: Uint8Array, options: ImageOptions): Promise<Tensor> {
  writeFileSync(path, bytes);
  return decodeImage('test', sharp, path, checkImageOptions('test', options));
}

function folderOf(files: Readonly<Record<string, Uint8Array | string>>): string {
  const folder = join(root, `folder-${folders++}`);
  mkdirSync(folder);
  writeTree(folder, files);
  return folder;
}

const png = imageBytes('png');
const size = [5, 4] as const;

describe('images', () => {
  it.each(loadGolden('images'))('are what Pillow reads: $name', async ({ attributes, outputs }) => {
    const bytes = Buffer.from(attributes.file, 'base64');
    for (const [channels, expected] of [
      [3, outputs.rgb],
      [1, outputs.grey],
    ] as const) {
      if (expected === undefined) throw new Error('no expected pixels');
      const [, height, width] = expected.shape as readonly [number, number, number];
      const found = await decode(bytes, { size: [height, width], channels, fit: 'fill' });
      expect(found.shape).toEqual(expected.shape);
      expect(found.dtype).toBe('uint8');
      let worst = 0;
      found.data.forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value - (expected.data[i] as number)));
      });
      expect(worst).toBeLessThanOrEqual(attributes.tolerance);
    }
  });

  it('get their size by cutting, by black beside them, or by stretching', async () => {
    // Columns of red, green and blue, four each.
    const raw = Buffer.alloc(12 * 4 * 3);
    for (let i = 0; i < 48; i++) raw[3 * i + Math.floor((i % 12) / 4)] = 255;
    const { default: encode } = await import('sharp');
    const wide = await encode(raw, { raw: { width: 12, height: 4, channels: 3 } })
      .png()
      .toBuffer();
    const covered = await decode(wide, { size: 4 });
    expect(covered.shape).toEqual([3, 4, 4]);
    expect(new Set(covered.data.subarray(16, 32))).toEqual(new Set([255]));
    expect(new Set([...covered.data.subarray(0, 16), ...covered.data.subarray(32)])).toEqual(
      new Set([0]),
    );
    const contained = await decode(wide, { size: 12, fit: 'contain' });
    const rows = Array.from({ length: 12 }, (_, y) => contained.data[y * 12]);
    expect(rows).toEqual([0, 0, 0, 0, 255, 255, 255, 255, 0, 0, 0, 0]);
    const stretched = await decode(wide, { size: [8, 12], fit: 'fill' });
    expect([stretched.data[0], stretched.data[11], stretched.data[2 * 96 + 95]]).toEqual([
      255, 0, 255,
    ]);
  });

  it.each([
    ['text', Buffer.from('hello'), /starts with 68656c6c6f/],
    ['nothing', Buffer.alloc(0), /starts with nothing/],
    [
      'SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
      /starts with 3c737667/,
    ],
    ['a picture of a format that needs other programs', Buffer.from('%PDF-1.4'), /starts with/],
    ['a start alone', png.subarray(0, 8), /./],
  ])('refused: %s', async (_, bytes, reason) => {
    const outcome = await outcomeOf(() => decode(bytes, { size }));
    if (!('error' in outcome)) throw new Error('it was decoded');
    expectFormatError(outcome.error, path);
    expect((outcome.error as Error).message).toMatch(reason);
  });

  it('refused: more pixels or bytes than the limits', async () => {
    await expect(decode(png, { size, maxPixels: 19 })).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT',
      message: expect.stringContaining('exceeds pixel limit'),
    });
    expect((await decode(png, { size, maxPixels: 20 })).size).toBe(60);
    await expect(decode(png, { size, maxFileBytes: png.length - 1 })).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT',
    });
    // A header of 60,000 x 60,000 pixels in a file of 100 bytes.
    const bomb = Buffer.from(png);
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    const before = process.memoryUsage().rss;
    await expect(decode(bomb, { size })).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 2 ** 20);
  });

  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff'])(
    'refused or whole: a %s cut at any byte',
    async (name) => {
      const bytes = imageBytes(name);
      const whole = await decode(bytes, { size });
      for (let end = 0; end < bytes.length; end++) {
        const outcome = await outcomeOf(() => decode(bytes.subarray(0, end), { size }));
        // The end of some formats holds no pixels.
        if ('value' in outcome) {
          expect(bytes.length - end, `cut at ${end}`).toBeLessThan(16);
          expect(outcome.value).toEqual(whole);
        } else expectFormatError(outcome.error, path, `cut at ${end}`);
      }
    },
  );

  it.each(['png', 'jpeg', 'webp', 'gif', 'tiff'])(
    'refused or right in size: a changed %s',
    async (name) => {
      const accept = (image: Tensor): void => expect(image.shape).toEqual([3, 5, 4]);
      const read = (bytes: Uint8Array): Promise<Tensor> =>
        decode(bytes, { size, maxPixels: 2 ** 20 });
      const count = await surviveChanges(imageBytes(name), path, read, {
        seed: 51,
        trials: 150,
        accept,
      });
      expect(count.refused).toBeGreaterThan(5);
    },
  );

  it('need a package, which is named when it is missing', async () => {
    const missing = (): Promise<never> => Promise.reject(new Error("Cannot find package 'sharp'"));
    await expect(loadSharp('imageFolder', missing)).rejects.toMatchObject({
      code: 'ERR_PACKAGE_NOT_FOUND',
      message: expect.stringMatching(
        /^\[imageFolder\] needs the package sharp.*npm install sharp$/,
      ),
    });
  });
});

describe('imageFolder', () => {
  const three = {
    'dog/b.png': png,
    'dog/a.PNG': png,
    'dog/deeper/c.webp': imageBytes('webp'),
    'dog/notes.txt': 'text',
    'cat/x.jpg': imageBytes('jpeg'),
    'cat/.hidden.png': 'text',
    'Zebra/z.gif': imageBytes('gif'),
    '.cache/y.png': png,
    'readme.md': 'text',
    'stray.png': png,
  };

  it('has a class for each folder, in the order of names', async () => {
    const data = await imageFolder(folderOf(three), { size });
    expect(data.classNames).toEqual(['Zebra', 'cat', 'dog']);
    expect(data.length).toBe(5);
    expect(data.randomAccess).toBe(true);
    const samples: Sample[] = [];
    for await (const sample of data.prefetch(4)) samples.push(sample);
    expect(samples.map(({ y }) => y)).toEqual([0, 1, 2, 2, 2]);
    expect(samples.map(({ x }) => x.shape)).toEqual(Array(5).fill([3, 5, 4]));
    expect(samples[2]?.x).toEqual(await decode(png, { size }));
    const { x, y } = await data.toSamples();
    expect([x.dtype, x.shape]).toEqual(['uint8', [5, 3, 5, 4]]);
    expect([...y.data]).toEqual([0, 1, 2, 2, 2]);
    const [most] = data.split(0.6, { stratified: true });
    expect(most?.length).toBe(3);
  });

  it('takes endings and classes as they are given', async () => {
    const folder = folderOf({ ...three, 'dog/raw.data': png });
    const chosen = await imageFolder(folder, {
      size,
      extensions: ['.data', '.jpg', '.GIF'],
      classes: ['dog', 'cat', 'Zebra'],
    });
    expect(chosen.classNames).toEqual(['dog', 'cat', 'Zebra']);
    expect([...(await chosen.toSamples()).y.data]).toEqual([0, 1, 2]);
    expect((await imageFolder(folder, { size, classes: 3 })).length).toBe(5);
  });

  it('fails at a broken image, or passes it over and counts', async () => {
    const jpeg = imageBytes('jpeg');
    const folder = folderOf({ ...three, 'cat/y.jpg': jpeg.subarray(0, 400), 'dog/d.png': 'text' });
    const strict = await imageFolder(folder, { size });
    expect(strict.length).toBe(7);
    const error = await strict.toSamples().catch((each: unknown) => each);
    expectFormatError(error, join(folder, 'cat/y.jpg'));
    expect(error).toMatchObject({ sampleIndex: 2 });
    expect((error as Error).message).toMatch(/; with onBroken=skip such files are left out$/);

    const quiet = await imageFolder(folder, { size, onBroken: 'skip' });
    expect(quiet.length).toBe(null);
    expect([...(await quiet.toSamples()).y.data]).toEqual([0, 1, 2, 2, 2]);

    const broken: BrokenImage[] = [];
    const told = await imageFolder(folder, { size, onBroken: (each) => broken.push(each) });
    for (let epoch = 0; epoch < 2; epoch++) {
      expect([...(await told.prefetch(7).toSamples()).y.data]).toEqual([0, 1, 2, 2, 2]);
    }
    expect(broken.map(({ file }) => file).sort()).toEqual([
      join(folder, 'cat/y.jpg'),
      join(folder, 'dog/d.png'),
    ]);
    expect(broken.map(({ count }) => count)).toEqual([1, 2]);
    for (const { error: each } of broken) expect(each).toMatchObject({ code: 'ERR_FILE_FORMAT' });
  });

  it('passes over files that vanish, if it passes over any', async () => {
    const folder = folderOf(three);
    const strict = await imageFolder(folder, { size });
    const quiet = await imageFolder(folder, { size, onBroken: 'skip' });
    rmSync(join(folder, 'dog/b.png'));
    await expect(strict.toSamples()).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    expect([...(await quiet.toSamples()).y.data]).toEqual([0, 1, 2, 2]);
  });

  it.each<[string, Record<string, Uint8Array | string>, Partial<ImageFolderOptions>, RegExp]>([
    ['a folder without folders', { 'a.png': png }, {}, /there is no folder in it/],
    ['an empty class', { 'a/a.png': png, 'b/b.txt': 'text' }, {}, /\/b: has no image \(\.jpg/],
    [
      'more classes than said',
      three,
      { classes: 2 },
      /folders for 3 classes \(Zebra, cat, dog\) and not for 2/,
    ],
    ['a missing class', three, { classes: ['cat', 'cow', 'dog', 'Zebra'] }, /no folder for cow/],
    ['another class', three, { classes: ['cat', 'dog'] }, /folders of no class: Zebra/],
  ])('refuses %s', async (_, files, options, reason) => {
    const folder = folderOf(files);
    const error = await imageFolder(folder, { size, ...options }).catch((each: unknown) => each);
    expect(error).toBeInstanceOf(StridenetError);
    expect(error).toMatchObject({
      code: 'ERR_FILE_FORMAT',
      message: expect.stringMatching(reason),
    });
    expect((error as Error).message).toContain(folder);
  });

  it('follows links within the folder and refuses those that leave it, or never end', async () => {
    const folder = folderOf({ ...three, 'other/c.png': png });
    symlinkSync(join(folder, 'dog/b.png'), join(folder, 'cat/linked.png'));
    symlinkSync('../other', join(folder, 'cat/inner'));
    expect((await imageFolder(folder, { size })).length).toBe(8);
    const linked = `${folder}-link`;
    symlinkSync(folder, linked);
    expect((await imageFolder(linked, { size })).length).toBe(8);

    const outside = folderOf({ 'secret.png': png });
    const leaving: [string, string][] = [
      [join(outside, 'secret.png'), 'cat/leaving.png'],
      [outside, 'cat/leaving'],
      [outside, 'leaving'],
      ['/etc/passwd', 'cat/passwd.png'],
    ];
    for (const [target, name] of leaving) {
      symlinkSync(target, join(folder, name));
      const error = await imageFolder(folder, { size }).catch((each: unknown) => each);
      expect(error, name).toMatchObject({ code: 'ERR_FILE_ACCESS' });
      expect((error as Error).message).toContain(`${join(folder, name)}: this leads to`);
      rmSync(join(folder, name));
    }
    symlinkSync('..', join(folder, 'cat/around'));
    await expect(imageFolder(folder, { size })).rejects.toMatchObject({ code: 'ERR_FILE_FORMAT' });
    rmSync(join(folder, 'cat/around'));
    symlinkSync('nowhere.png', join(folder, 'cat/dangling.png'));
    await expect(imageFolder(folder, { size })).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
  });

  it('refuses wrong arguments', async () => {
    const folder = folderOf(three);
    const wrong: [unknown, unknown, string][] = [
      [5, { size }, 'ERR_ARGUMENT'],
      [join(root, 'none'), { size }, 'ERR_FILE_NOT_FOUND'],
      [path, { size }, 'ERR_FILE_NOT_FOUND'],
      [folder, undefined, 'ERR_ARGUMENT'],
      [folder, {}, 'ERR_ARGUMENT'],
      [folder, { size: 0 }, 'ERR_ARGUMENT'],
      [folder, { size: [3, 4, 5] }, 'ERR_ARGUMENT'],
      [folder, { size: 2 ** 13 + 1 }, 'ERR_ARGUMENT'],
      [folder, { size: [1, 2 ** 14 + 1] }, 'ERR_ARGUMENT'],
      [folder, { size, channels: 4 }, 'ERR_ARGUMENT'],
      [folder, { size, fit: 'inside' }, 'ERR_ARGUMENT'],
      [folder, { size, onBroken: 'ignore' }, 'ERR_ARGUMENT'],
      [folder, { size, maxPixels: 0 }, 'ERR_ARGUMENT'],
      [folder, { size, maxFileBytes: 1.5 }, 'ERR_ARGUMENT'],
      [folder, { size, extensions: ['png'] }, 'ERR_ARGUMENT'],
      [folder, { size, extensions: '.png' }, 'ERR_ARGUMENT'],
      [folder, { size, classes: 0 }, 'ERR_ARGUMENT'],
      [folder, { size, classes: ['cat', 'cat'] }, 'ERR_ARGUMENT'],
      [folder, { size, height: 4 }, 'ERR_ARGUMENT'],
    ];
    for (const [where, options, code] of wrong) {
      const call = imageFolder(where as string, options as ImageFolderOptions);
      await expect(call, JSON.stringify(options)).rejects.toMatchObject({ code });
    }
    for (const most of [2 ** 13, [2 ** 14, 2 ** 12]] as const) {
      expect((await imageFolder(folder, { size: most })).length).toBe(5);
    }
  });
});
