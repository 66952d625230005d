import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { csvRows } from '../lib/data/images/csv.ts';
import { type ImageListOptions, imageList } from '../lib/data/index.ts';
import { expectFormatError, outcomeOf, surviveChanges } from './support/hostile.ts';
import { imageBytes, writeTree } from './support/images.ts';

let root = '';
let path = '';
const size = [5, 4] as const;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'stridenet-list-'));
  path = join(root, 'labels.csv');
  const png = imageBytes('png');
  writeTree(root, {
    'a.png': png,
    'b.png': png,
    'in/c, d.png': png,
    'other/e.png': png,
    broken: 'x',
  });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function list(text: string | Uint8Array, options: Partial<ImageListOptions> = {}) {
  writeFileSync(path, text);
  return imageList(path, { size, ...options });
}

const rows = (text: string | Uint8Array, delimiter = ','): (readonly string[])[] =>
  [...csvRows('test', 'file.csv', Buffer.from(text), delimiter)].map(({ fields }) => fields);

describe('CSV', () => {
  it.each<[string, string, string[][]]>([
    [
      'lines',
      'a,1\nb,2\n',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'a last line without an end',
      'a,1\nb,2',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'all ends of lines',
      'a,1\r\nb,2\rc,3\n',
      [
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
      ],
    ],
    [
      'empty lines',
      '\n\na,1\n\r\n\nb,2\n\n',
      [
        ['a', '1'],
        ['b', '2'],
      ],
    ],
    [
      'quotes',
      '"a ""x"", y","1"\n"b\r\nc",2',
      [
        ['a "x", y', '1'],
        ['b\r\nc', '2'],
      ],
    ],
    [
      'empty fields',
      ',\n"",\n',
      [
        ['', ''],
        ['', ''],
      ],
    ],
    ['the mark of UTF-8', '\ufeffgröße,ß\n', [['größe', 'ß']]],
    ['nothing', '', []],
    ['spaces, which count', ' a , 1\n', [[' a ', ' 1']]],
  ])('reads %s', (_, text, expected) => {
    expect(rows(text)).toEqual(expected);
  });

  it('tells where rows start, in bytes and lines', () => {
    const found = [...csvRows('test', 'f', Buffer.from('ä,1\n"b\nb",2\n\nc,3'), ',')];
    expect(found.map(({ offset, line }) => [offset, line])).toEqual([
      [0, 1],
      [5, 2],
      [14, 5],
    ]);
  });

  it.each<[string, string | Uint8Array, number, RegExp]>([
    ['a quote without an end', 'a,1\nb,"2\n', 6, /no end/],
    ['a quote within a field', 'a,1\nb"c,2', 5, /within a field/],
    ['text behind quotes', '"a"b,1', 3, /behind a quoted/],
    ['more fields', 'a,1\nb,2,3', 4, /line 2 has 3 fields, the first one 2/],
    ['fewer fields', 'a,1\n\nb', 5, /line 3 has 1 fields/],
    ['what is no UTF-8', Uint8Array.of(0x61, 0x2c, 0xff), 2, /no UTF-8/],
  ])('refuses %s', async (_, text, byte, reason) => {
    const outcome = await outcomeOf(() => rows(text));
    if (!('error' in outcome)) throw new Error('it was read');
    expectFormatError(outcome.error, 'file.csv');
    expect((outcome.error as Error).message).toContain(`, byte ${byte}:`);
    expect((outcome.error as Error).message).toMatch(reason);
  });

  it('is refused or read whatever bytes are changed', async () => {
    const text = Buffer.from('file,"label"\n"a ""b"".png",cat\r\ngröße.png,dog\n');
    const read = (bytes: Uint8Array): (readonly string[])[] => rows(bytes);
    const accept = (found: (readonly string[])[]): void => {
      for (const row of found) expect(row.length).toBe(found[0]?.length);
    };
    const count = await surviveChanges(text, 'file.csv', read, { seed: 61, trials: 2000, accept });
    expect(Math.min(count.refused, count.read)).toBeGreaterThan(200);
  });
});

describe('imageList', () => {
  it('numbers names of classes in their order', async () => {
    const data = await list('file,label\nb.png,dog\na.png,cat\n"in/c, d.png",dog\n');
    expect(data.classNames).toEqual(['cat', 'dog']);
    expect(data.length).toBe(3);
    const { x, y } = await data.toSamples();
    expect(x.shape).toEqual([3, 3, 5, 4]);
    expect([...y.data]).toEqual([1, 0, 1]);
  });

  it('takes numbers as they are', async () => {
    const data = await list('a.png,7\nb.png,0\n');
    expect(data.classNames).toBe(null);
    expect([...(await data.toSamples()).y.data]).toEqual([7, 0]);
    expect((await list('a.png,7\nb.png,0\n', { classes: 8 })).length).toBe(2);
  });

  it('takes folder, header, columns, delimiter and classes as they are given', async () => {
    const folder = join(root, 'other');
    const text = 'id;class;image\n1;x;e.png\n2;y;./e.png\n';
    const columns = { file: 'image', label: 'class' };
    const named = await list(text, { folder, columns, delimiter: ';', classes: ['y', 'x'] });
    expect([...(await named.toSamples()).y.data]).toEqual([1, 0]);
    const placed = await list(text, { folder, columns: { file: 2, label: 0 }, delimiter: ';' });
    expect([...(await placed.toSamples()).y.data]).toEqual([1, 2]);
    expect((await list('a.png,1\nb.png,2\n', { header: true })).length).toBe(1);
    await expect(list('file,label\na.png,1\n', { header: false })).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
  });

  it('passes over images that are missing or broken, if it is told to', async () => {
    const text = 'a.png,0\nnone.png,1\nbroken,2\nb.png,3\n';
    await expect(list(text)).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    const files: string[] = [];
    const data = await list(text, { onBroken: ({ file }) => files.push(file) });
    expect([...(await data.toSamples()).y.data]).toEqual([0, 3]);
    expect(files).toEqual([join(root, 'none.png'), join(root, 'broken')]);
  });

  it.each<[string, string, Partial<ImageListOptions>, number, RegExp]>([
    [
      'a name that leaves the folder',
      'a.png,0\n../x.png,0\n',
      {},
      8,
      /'\.\.\/x\.png' names no file/,
    ],
    ['a name that leaves it on its way', 'in/../../x.png,0\n', {}, 0, /names no file within/],
    ['an absolute name', '/etc/passwd.png,0\n', {}, 0, /names no file within/],
    ['an absolute name of Windows', 'C:\\x.png,0\n', {}, 0, /names no file within/],
    ['an empty name', 'a.png,0\n"",0\n', {}, 8, /'' names no file/],
    ['the folder itself', 'a.png,0\n.,0\n', { header: false }, 8, /'\.' names no file/],
    ['a name with a zero byte', 'a\0.png,0\n', {}, 0, /names no file/],
    [
      'a class above the number of them',
      'a.png,0\nb.png,2\n',
      { classes: 2 },
      8,
      /class '2' .* 0 to 1/,
    ],
    ['a class that is no number', 'a.png,0\nb.png,-1\n', { classes: 2 }, 8, /class '-1'/],
    ['a class of another name', 'a.png,cat\nb.png,cow\n', { classes: ['cat'] }, 10, /class 'cow'/],
    ['an empty class', 'a.png,cat\nb.png,\n', {}, 10, /class ''/],
    ['a list of nothing', '', {}, 0, /names no images/],
    ['a header alone', 'file,label\n', {}, 11, /names no images/],
    ['one column', 'a.png\n', {}, 0, /no column 1 but a.png; .* option delimiter/],
    [
      'no such column',
      'file,label\na.png,1\n',
      { columns: { file: 'image' } },
      0,
      /no column 'image' but file, label/,
    ],
    [
      'a list of many bytes',
      'a.png,0\n',
      { maxListBytes: 7 },
      0,
      /8 bytes are more than maxListBytes, 7/,
    ],
  ])('refuses %s', async (_, text, options, byte, reason) => {
    const outcome = await outcomeOf(() => list(text, options));
    if (!('error' in outcome)) throw new Error('it was read');
    expectFormatError(outcome.error, path);
    expect((outcome.error as Error).message).toContain(`, byte ${byte}:`);
    expect((outcome.error as Error).message).toMatch(reason);
  });

  it('refuses links that leave the folder, whatever becomes of broken images', async () => {
    const folder = join(root, 'links');
    mkdirSync(folder);
    symlinkSync(join(root, 'a.png'), join(folder, 'out.png'));
    for (const onBroken of ['throw', 'skip'] as const) {
      await expect(list('out.png,1\n', { folder, onBroken })).rejects.toMatchObject({
        code: 'ERR_FILE_ACCESS',
        message: expect.stringContaining('out.png: this leads to'),
      });
    }
    expect((await list('links/out.png,1\n')).length).toBe(1);
  });

  it('refuses wrong arguments', async () => {
    writeFileSync(path, 'a.png,1\n');
    const wrong: [unknown, unknown, string][] = [
      [5, { size }, 'ERR_ARGUMENT'],
      [join(root, 'none.csv'), { size }, 'ERR_FILE_NOT_FOUND'],
      [root, { size }, 'ERR_FILE_ACCESS'],
      [path, {}, 'ERR_ARGUMENT'],
      [path, { size, folder: 5 }, 'ERR_ARGUMENT'],
      [path, { size, folder: join(root, 'none') }, 'ERR_FILE_NOT_FOUND'],
      [path, { size, header: 'yes' }, 'ERR_ARGUMENT'],
      [path, { size, columns: [0, 1] }, 'ERR_ARGUMENT'],
      [path, { size, columns: { image: 0 } }, 'ERR_ARGUMENT'],
      [path, { size, columns: { file: -1 } }, 'ERR_ARGUMENT'],
      [path, { size, columns: { file: 'a' }, header: false }, 'ERR_ARGUMENT'],
      [path, { size, delimiter: 'ab' }, 'ERR_ARGUMENT'],
      [path, { size, classes: [] }, 'ERR_ARGUMENT'],
      [path, { size, maxListBytes: 0 }, 'ERR_ARGUMENT'],
      [path, { size, separator: ';' }, 'ERR_ARGUMENT'],
    ];
    for (const [where, options, code] of wrong) {
      const call = imageList(where as string, options as ImageListOptions);
      await expect(call, JSON.stringify(options)).rejects.toMatchObject({ code });
    }
  });
});
