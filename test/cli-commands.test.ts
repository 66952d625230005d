import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { built } from './support/addonRuns.ts';
import { halves, openShell, type Shell, smallModel } from './support/cli.ts';
import { imageBytes, writeTree } from './support/images.ts';

let shell: Shell;

const settings = {
  data: 'halves.npz',
  model: smallModel,
  optimizer: { kind: 'sgd', momentum: 0.9 },
  learningRate: 0.05,
  epochs: 4,
  batchSize: 16,
  classNames: ['up', 'down'],
  metrics: ['f1'],
  progress: 'plain',
};

beforeAll(async () => {
  shell = await openShell();
});

describe.skipIf(!built)('stridenet', () => {
  it('trains by a configuration, saves, and flags count more', async () => {
    shell.config('train.json', settings);
    const { code, out, err } = await shell.line(
      'train --config train.json --epochs 8 --out new/small.safetensors --history new/h.csv',
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/^stridenet \d+\.\d+\.\d+, native backend: \w+ on \d+ thread/);
    expect(out).toContain('data: halves.npz, 64 samples to train on, 20 samples to test with');
    expect(out).toContain('model: layers (1, 8, 8) → (2), 114 parameters');
    expect(out).toMatch(/epoch 8\/8: loss .*, f1 /);
    expect(out).toMatch(/test: loss .*, accuracy 100.00 %, f1 1.0000\n$/);
    const lines = readFileSync(join(shell.folder, 'new/h.csv'), 'utf8').trim().split('\n');
    expect(lines).toHaveLength(9);
    const net = await sn.load(join(shell.folder, 'new/small.safetensors'));
    expect(net.classNames).toEqual(['up', 'down']);
  });

  it('gives the bits of the same training by the library', async () => {
    await shell.line('train --config train.json --out a.safetensors --seed 5');
    const net = sn.sequential({
      inputShape: [1, 8, 8],
      seed: 5,
      layers: [
        sn.layers.conv2d({
          filters: 4,
          kernelSize: 3,
          activation: 'relu',
          initializer: sn.initializers.heNormal(),
        }),
        sn.layers.maxPool2d({ kernelSize: 2 }),
        sn.layers.flatten(),
        sn.layers.dense({ units: 2, activation: 'softmax' }),
      ],
    });
    const optimizer = sn.optimizers.sgd({ momentum: 0.9, learningRate: 0.05 });
    await net.fit(halves(64), { epochs: 4, batchSize: 16, optimizer, seed: 5 });
    const trained = await sn.load(join(shell.folder, 'a.safetensors'));
    for (const [key, value] of net.parameters()) {
      expect(trained.parameters().get(key)?.data, key).toEqual(value.data);
    }
  });

  it('evaluates what it saved', async () => {
    const line = 'eval new/small.safetensors --data halves.npz --metric confusionMatrix';
    const shown = await shell.line(line);
    expect(shown.code).toBe(0);
    expect(shown.out).toMatch(
      /^loss .*, accuracy 100.00 %\nconfusionMatrix:\nup +10 +0\ndown +0 +10\n$/,
    );
    const { out } = await shell.line(`${line} --json --part train`);
    expect(JSON.parse(out)).toMatchObject({
      accuracy: 1,
      metrics: {
        confusionMatrix: [
          [32, 0],
          [0, 32],
        ],
      },
    });
  });

  it('predicts arrays as a table and as JSON', async () => {
    const { x } = halves(3, 7);
    await sn.data.writeNpz(join(shell.folder, 'x.npz'), { x });
    const shown = await shell.line('predict new/small.safetensors x.npz');
    expect(shown.out).toMatch(
      /^x.npz\[0\] +up +\d+\.\d %\nx.npz\[1\] +down .*\nx.npz\[2\] +up .*\n$/,
    );
    const { out } = await shell.line('predict new/small.safetensors x.npz --top 2 --json');
    const net = await sn.load(join(shell.folder, 'new/small.safetensors'));
    const y = await net.predict(x);
    const told = JSON.parse(out) as { classes: { class: number; probability: number }[] }[];
    for (const [i, { classes }] of told.entries()) {
      for (const each of classes) expect(each.probability).toBe(y.data[2 * i + each.class]);
      expect(classes[0]?.probability).toBeGreaterThan(0.5);
    }
    const some = await shell.line('predict new/small.safetensors none.npy x.npz halves.npz --json');
    expect(some.code).toBe(1);
    expect(JSON.parse(some.out)).toMatchObject([
      { file: 'none.npy', error: expect.stringContaining('no such file') },
      ...told.map((_, i) => ({ file: `x.npz[${i}]`, classes: [{}] })),
      { file: 'halves.npz', error: expect.stringMatching(/name the one of samples 'x'/) },
    ]);
  });

  it('reads image files for predict, and folders of images for train', async () => {
    const image = imageBytes('png');
    const files = ['a/1.png', 'a/2.png', 'b/1.png', 'b/2.png'].map((name) => [name, image]);
    writeTree(join(shell.folder, 'photos'), Object.fromEntries(files));
    const train = await shell.run([
      ...['train', '--data', 'photos:size=8,channels=1', '--out', 'p.safetensors', '--epochs', '1'],
      ...['--config', shell.config('model.json', { model: smallModel })],
    ]);
    expect(train.out).toContain('data: photos, 4 samples to train on\n');
    const told = await shell.line('predict p.safetensors photos/a/1.png photos/b/1.png --top 2');
    expect(told.code).toBe(0);
    expect(told.out).toMatch(/^photos\/a\/1.png +[ab] +\S+ % +[ab] +\S+ %\nphotos\/b\/1.png /);
    writeTree(shell.folder, { 'broken.png': image.subarray(0, image.length / 2) });
    const some = await shell.line(
      'predict p.safetensors photos/a/1.png broken.png none.png --json',
    );
    expect(some.code).toBe(1);
    expect(JSON.parse(some.out)).toMatchObject([
      { file: 'photos/a/1.png', classes: [{}] },
      { file: 'broken.png', error: expect.stringContaining('broken.png') },
      { file: 'none.png', error: expect.stringContaining('none.png') },
    ]);
    expect(some.err.split('\n')).toHaveLength(3);
  });

  it('sums up, draws, checks and measures networks', async () => {
    const [summary, svg, text, check, bench] = await Promise.all([
      shell.line('summary lenet5 --classes 7'),
      shell.line('graph new/small.safetensors --out g.dot'),
      shell.line('graph --config train.json --loss softmaxCrossEntropy'),
      shell.line('check new/small.safetensors --json'),
      shell.line('bench --config train.json --batch-sizes 4,8 --seconds 0.02 --json'),
    ]);
    expect(summary.out).toMatch(/7 \(dense\) +\(7\)/);
    expect(svg.err).toMatch(/^wrote g.dot: \d+ operators\n$/);
    expect(readFileSync(join(shell.folder, 'g.dot'), 'utf8')).toMatch(/^digraph/);
    expect(text.out).toMatch(/^flowchart TB\n[\s\S]*softmaxCrossEntropy/);
    const checked = JSON.parse(check.out) as { result: sn.CheckResult; limit: number }[];
    expect(check.code).toBe(0);
    expect(checked).toHaveLength(3);
    for (const { result, limit } of checked) expect(result.maxError).toBeLessThan(limit);
    const rates = JSON.parse(bench.out) as { batchSize: number; predict: number; train: number }[];
    expect(rates.map(({ batchSize }) => batchSize)).toEqual([4, 8]);
    for (const { predict, train } of rates) expect(Math.min(predict, train)).toBeGreaterThan(0);
  });

  it('tells what it runs on', async () => {
    const { out } = await shell.line('info --json');
    const { addon, features, isa, isas } = sn.cpuInfo();
    expect(JSON.parse(out)).toMatchObject({ addon, features, isa, isas });
    expect((await shell.line('info')).out).toContain(String(isa));
  });

  it('writes a checkpoint at Ctrl-C, says how to go on, and goes on to the same bits', async () => {
    shell.config('long.json', { ...settings, epochs: 100_000, history: 'long.jsonl' });
    const flags = ['--config', 'long.json', '--checkpoint', 'run', '--checkpoint-epochs', '100000'];
    const stopped = await shell.run(['train', ...flags], /epoch 3\//);
    expect(stopped.code).toBe(130);
    const said = /^interrupted after step ([\d,]+): wrote (.*)\nto go on: npx stridenet (.*)\n$/;
    const [, step = '', path = '', line = ''] = said.exec(stopped.err) ?? [];
    expect(stopped.err).toMatch(said);
    expect(existsSync(path)).toBe(true);
    expect(existsSync(join(shell.folder, 'model.safetensors'))).toBe(false);
    const steps = Number(step.replaceAll(',', '')) + 6;
    const more = ['--steps', String(steps), '--out'];
    const resumed = await shell.run([...line.split(' '), ...more, 'resumed.safetensors']);
    expect([resumed.code, resumed.err]).toEqual([0, '']);
    const whole = ['train', '--config', 'long.json', ...more, 'whole.safetensors'];
    expect((await shell.run(whole)).code).toBe(0);
    const [a, b] = ['resumed', 'whole'].map((name) =>
      readFileSync(join(shell.folder, `${name}.safetensors`)),
    );
    expect(a?.equals(b as Buffer)).toBe(true);
  });

  it('saves nothing at Ctrl-C without a folder for checkpoints, and says so', async () => {
    const args = ['train', '--config', 'long.json', '--out', 'none.safetensors'];
    const { code, err } = await shell.run(args, /epoch 3\//);
    expect(code).toBe(130);
    expect(err).toMatch(/^interrupted after step [\d,]+: nothing was saved; with --checkpoint/);
    expect(existsSync(join(shell.folder, 'none.safetensors'))).toBe(false);
  });

  it('ends at once at the second Ctrl-C', async () => {
    const wide = { kind: 'conv2d', filters: 128, kernelSize: 7, padding: 'same' };
    const layers = [{ kind: 'pad', padding: 12 }, wide, wide, wide, wide, wide];
    const model = { layers: [...layers, ...smallModel.layers] };
    shell.config('slow.json', { ...settings, model, batchSize: 64 });
    const start = performance.now();
    const { code, err } = await shell.run(['train', '--config', 'slow.json'], /^model: /m, 2);
    expect([code, err]).toEqual([130, '']);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

it('ends without a word when nobody reads its output any more', async () => {
  expect(await shell.unread(['summary', 'resnet50'])).toEqual({ code: 141, out: '', err: '' });
});

it.skipIf(!existsSync('/dev/full'))('says in a line that a disk is full', () => {
  const { code, err } = shell.full(['summary', 'lenet5']);
  expect([code, err]).toEqual([1, expect.stringMatching(/^standard output .*: ENOSPC.*\n$/)]);
});

it('explains itself and every command with examples', async () => {
  const names = ['train', 'eval', 'predict', 'summary', 'graph', 'check', 'bench', 'info'];
  const all = await shell.line('--help');
  for (const name of names) expect(all.out).toMatch(new RegExp(`^ {2}${name} `, 'm'));
  const asked = await shell.line('help');
  expect(asked).toEqual(all);
  expect(await shell.line('help eval')).toEqual(await shell.line('eval --help'));
  const pages = await Promise.all(names.map((name) => shell.line(`${name} --help`)));
  for (const [i, { code, out, err }] of pages.entries()) {
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(new RegExp(`Examples:\n {2}stridenet ${names[i]}`));
  }
});
