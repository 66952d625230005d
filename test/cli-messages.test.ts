import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as sn from '../lib/index.ts';
import { built } from './support/addonRuns.ts';
import { type Ended, openShell, type Shell } from './support/cli.ts';
import { command } from './support/command.ts';
import { imageBytes } from './support/images.ts';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function photos(name: string, ...classes: string[]): string {
  for (const each of classes) {
    const file = join(folder, name, each, 'a.png');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, imageBytes('png'));
  }
  return join(folder, name);
}

async function model(units: number, classNames?: string[]): Promise<string> {
  const path = join(folder, `${units}${classNames?.join('') ?? ''}.safetensors`);
  const layers = [sn.layers.globalAvgPool2d(), sn.layers.dense({ units })];
  const net = sn.sequential({ inputShape: [3, 4, 4], layers, ...(classNames && { classNames }) });
  await net.save(path);
  return path;
}

const plain = ['--backend', 'reference'];

describe('eval with a folder of other classes than the model tells apart', () => {
  it('says how many there are and how many outputs', async () => {
    const data = photos('two', 'cat', 'dog');
    const { code, out, err } = await command('eval', await model(10), '--data', data, ...plain);
    expect([code, out]).toEqual([1, '']);
    expect(err).toBe(`[eval] ${data} has 2 classes (cat, dog), but the model has 10 outputs\n`);
  });

  it('says which names each has', async () => {
    const data = photos('two', 'cat', 'dog');
    const other = await command('eval', await model(2, ['down', 'up']), '--data', data, ...plain);
    expect([other.code, other.out]).toEqual([1, '']);
    expect(other.err).toMatch(/2 classes \(cat, dog\), but no folder for down, up\n$/);
    const turned = `${data}:classes=["dog","cat"]`;
    const named = await command('eval', await model(2, ['cat', 'dog']), '--data', turned, ...plain);
    expect([named.code, named.err]).toEqual([
      1,
      `[eval] ${data} has 2 classes (dog, cat), but the model has 2 outputs (cat, dog)\n`,
    ]);
  });

  it('goes on where they fit, whatever their order', async () => {
    const data = photos('two', 'cat', 'dog');
    for (const each of [undefined, ['cat', 'dog'], ['dog', 'cat']]) {
      const { code, err } = await command('eval', await model(2, each), '--data', data, ...plain);
      expect([code, err]).toEqual([0, '']);
    }
  });
});

it('train without the files of a data set says how the command line names their folder', async () => {
  vi.stubEnv('STRIDENET_CIFAR10', undefined);
  const { code, err } = await command('train', '--data', 'cifar10', '--model', 'lenet5', ...plain);
  vi.unstubAllEnvs();
  expect(code).toBe(1);
  expect(err).toMatch(/"CIFAR-10 binary version".*\n.*--data cifar10:path=FOLDER\n$/);
});

describe.skipIf(!built)('without an addon', () => {
  let shell: Shell;
  beforeAll(async () => {
    shell = await openShell();
    vi.stubEnv('STRIDENET_ADDON', '/nowhere/stridenet.node');
  });
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(shell.folder, { recursive: true, force: true });
  });
  const info = (...more: string[]): Promise<Ended> => shell.run(['info', ...more]);

  it('info says why, and the cure', async () => {
    const { code, out } = await info();
    expect(code).toBe(0);
    expect(out).toMatch(/\nTried: \/nowhere\/stridenet.node.\nReason: .*\nCure: .*stridenet build/);
    const told = JSON.parse((await info('--json')).out);
    expect(told).toMatchObject({ addon: null, addonError: expect.stringContaining('Cure: ') });
  });
});

it.skipIf(!built)('info tells of no error where there is an addon', async () => {
  const { out } = await command('info', '--json');
  expect(JSON.parse(out)).toMatchObject({ addonError: null });
  expect((await command('info')).out).not.toContain('Cure');
});

it('the header names the reference backend where there is no addon', async () => {
  vi.resetModules();
  vi.doMock('../lib/backends/addon.ts', async (original) => ({
    ...(await original<object>()),
    tryAddon: () => null,
  }));
  const { describeMachine } = await import('../lib/cli/commands/common.ts');
  vi.doUnmock('../lib/backends/addon.ts');
  expect(describeMachine({ from: new Map() }, '0')).toMatch(
    /^stridenet 0, reference backend, as no/,
  );
});

describe('predict without the package sharp', () => {
  const without = async (...files: string[]): Promise<{ code: number; err: string }> => {
    vi.resetModules();
    vi.doMock('sharp', () => {
      throw new Error('not installed');
    });
    const fresh = await import('./support/command.ts');
    const path = await model(3);
    return fresh.command('predict', path, ...files, ...plain).finally(() => vi.doUnmock('sharp'));
  };

  it('says that a file is missing before it asks for the package', async () => {
    const there = join(photos('some', 'cat'), 'cat', 'a.png');
    const missing = join(folder, 'missing.png');
    for (const files of [[missing], [there, missing]]) {
      const { code, err } = await without(...files);
      expect([code, err]).toEqual([1, `[predict] ${missing}: no such file or folder\n`]);
    }
    const { code, err } = await without(there);
    expect(code).toBe(1);
    expect(err).toMatch(/^\[predict\] needs the package sharp.*: npm install sharp\n$/);
  });
});

it('train says which option leaves broken images out', async () => {
  const data = photos('torn', 'cat', 'dog');
  writeFileSync(join(data, 'dog', 'b.png'), imageBytes('png').subarray(0, 40));
  const line = ['train', '--data', data, '--model', await model(2), '--no-out', ...plain];
  const { code, err } = await command(...line, '--progress', 'none');
  expect(code).toBe(1);
  expect(err).toMatch(/b\.png, byte 0: .*; with onBroken=skip such files are left out\n$/);
  line[2] = `${data}:onBroken=skip`;
  expect(await command(...line, '--progress', 'none')).toMatchObject({ code: 0, err: '' });
});
