import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { command } from './support/command.ts';
import { imageBytes } from './support/images.ts';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function saved(name: string, options: sn.SequentialOptions): Promise<string> {
  const path = join(folder, name);
  await sn.sequential(options).save(path);
  return path;
}

const predict = (...args: string[]) => command('predict', ...args, '--backend', 'reference');

describe('predict tells outputs that are not finite', () => {
  const rows = [1, 2, Number.NaN, 4, 5, 6, 7, Number.POSITIVE_INFINITY, 9, 1, 1, 1];

  async function samples(): Promise<string> {
    const path = join(folder, 'x.npz');
    await sn.data.writeNpz(path, { x: sn.tensor(rows, [4, 3]) });
    return path;
  }

  it('of classes, as such, and null in JSON, and which they are', async () => {
    const layers = [sn.layers.dense({ units: 4, activation: 'softmax' })];
    const model = await saved('classes.safetensors', { inputShape: [3], layers });
    const x = await samples();
    const { code, out, err } = await predict(model, x, '--top', '2');
    expect(code).toBe(1);
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    for (const i of [0, 2]) expect(lines[i]).toBe(`${x}[${i}]  not finite`);
    for (const i of [1, 3]) expect(lines[i]).toMatch(/\] +\d +\S+ % +\d +\S+ %$/);
    const said = (i: number): string =>
      `[predict] ${x}[${i}]: what the model gives is not finite, as values of the sample are`;
    expect(err).toBe(`${said(0)}\n${said(2)}\n`);
    const told = JSON.parse((await predict(model, x, '--json')).out);
    expect(told).toEqual([
      { file: `${x}[0]`, classes: null, error: said(0) },
      { file: `${x}[1]`, classes: [expect.objectContaining({ class: expect.any(Number) })] },
      { file: `${x}[2]`, classes: null, error: said(2) },
      { file: `${x}[3]`, classes: [expect.anything()] },
    ]);
  });

  it('of numbers, each', async () => {
    const initializer = sn.initializers.constant(3e38);
    const layers = [sn.layers.selectChannels({ channels: [0, 1] })];
    const image = { inputShape: [2, 1, 1], layers };
    const model = await saved('numbers.safetensors', image);
    const x = join(folder, 'n.npz');
    await sn.data.writeNpz(x, { x: sn.tensor([1, Number.NaN, 3, 4], [2, 2, 1, 1]) });
    const { code, out } = await predict(model, x);
    expect([code, out]).toEqual([1, `${x}[0]  1.00000  not finite\n${x}[1]  3.00000  4.00000\n`]);
    const one = [sn.layers.dense({ units: 1, initializer })];
    const large = await saved('large.safetensors', { inputShape: [3], layers: one });
    await sn.data.writeNpz(x, { x: sn.tensor([1, 1, 1], [1, 3]) });
    const told = await predict(large, x, '--json');
    const error = `[predict] ${x}: what the model gives is not finite`;
    expect([told.code, JSON.parse(told.out)]).toEqual([1, [{ file: x, output: [null], error }]]);
    expect(told.err).toBe(`${error}\n`);
  });
});

it('predict lists files in the order given, broken ones too, and says why in a sentence', async () => {
  const layers = [sn.layers.globalAvgPool2d(), sn.layers.dense({ units: 2 })];
  const model = await saved('images.safetensors', { inputShape: [3, 4, 4], layers });
  const image = imageBytes('png');
  const contents: Readonly<Record<string, Uint8Array>> = {
    'a.png': image.subarray(0, 20),
    'b.png': image,
    'c.png': image.subarray(0, 16),
    'd.png': image,
  };
  const files = Object.entries(contents).map(([name, bytes]) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  });
  const { code, out, err } = await predict(model, ...files, '--json');
  expect(code).toBe(1);
  const told = JSON.parse(out) as { file: string; error?: string; classes?: unknown }[];
  expect(told.map(({ file }) => file)).toEqual(files);
  expect(told.map(({ classes }) => classes !== undefined)).toEqual([false, true, false, true]);
  const lines = err.trimEnd().split('\n');
  expect(lines).toEqual([told[0]?.error, told[2]?.error]);
  for (const line of lines) expect(line).toMatch(/\.png, byte 0: .*\w$/);
});

it('predict tells as many samples as an array has', async () => {
  const layers = [sn.layers.activation('relu')];
  const model = await saved('many.safetensors', { inputShape: [1], layers });
  const x = join(folder, 'many.npz');
  await sn.data.writeNpz(x, { x: sn.zeros([200_000, 1]) });
  const { code, out } = await predict(model, x);
  expect([code, out.split('\n').length]).toEqual([0, 200_001]);
}, 60_000);
