import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { command } from './support/command.ts';

let folder = '';
let data = '';
let model = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
  data = join(folder, 'data.npz');
  const x = sn.randomNormal([8, 4], { seed: 1 });
  const y = sn.tensor([0, 1, 2, 0, 1, 2, 0, 1], [8], 'int32');
  await sn.data.writeNpz(data, { x, y });
  model = join(folder, 'model.safetensors');
  const layers = [sn.layers.dense({ units: 3, name: 'head' })];
  await sn.sequential({ inputShape: [4], layers }).save(model);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const train = (...more: string[]) =>
  command(
    ...['train', '--model', model, '--data', data, '--no-out', '--backend', 'reference'],
    ...['--progress', 'none', ...more],
  );

describe('options that do not fit the network or the data end with 2', () => {
  it.each<[string, string]>([
    ['--frozen haed', "--frozen: [fit, frozen] 'haed' is no key"],
    ['--frozen head', '--frozen: [fit, frozen] frozen keep all parameters'],
    ['--rate zzz=1', "--rate: [fit, rates] 'zzz' is no key"],
    ['--rate head=-1', "--rate: [fit] expected rates['head'] to be a number"],
    ['--patience 1', "--patience: [fit, earlyStopping] expected monitor to be one of 'loss'"],
    ['--monitor foo --monitor-mode min', '--monitor: [fit, earlyStopping] expected monitor'],
    ['--monitor foo', '--monitor: [fit, earlyStopping] expected mode'],
    ['--patience 1 --monitor validation.loss', '--monitor: [fit, earlyStopping]'],
    ['--validation-split 0.999', '--validation-split: [fit] expected validationSplit'],
    ['--metric topK:k=9', '--metric: [fit, metrics, topK] expected k of at most 3 classes'],
    ['--metric f1 --metric f1', "--metric: [fit, metrics] there is a 'f1' already"],
    ['--schedule plateau', '--schedule: [fit, schedule] expected monitor'],
    ['--optimizer sgd:noDecay=["x"]', "--optimizer: [fit, noDecay] 'x' is no key"],
  ])('train %s', async (line, message) => {
    const { code, err } = await train(...line.split(' '));
    expect([code, err.slice(0, message.length)]).toEqual([2, message]);
    expect(err.trimEnd()).not.toContain('\n');
  });

  it('train with keys of a configuration, which the message names', async () => {
    const config = join(folder, 'train.json');
    writeFileSync(
      config,
      JSON.stringify({ earlyStopping: { patience: 2 }, frozen: ['head.bias'] }),
    );
    const told = await train('--config', config);
    expect([told.code, told.err]).toEqual([
      2,
      expect.stringContaining('train.json: earlyStopping.'),
    ]);
  });

  it('train with layers that are all not trainable', async () => {
    const config = join(folder, 'held.json');
    const layers = [{ kind: 'dense', units: 3, trainable: false }];
    writeFileSync(config, JSON.stringify({ data, model: { layers }, out: false }));
    const told = await command('train', '--config', config, '--progress', 'none');
    expect([told.code, told.err]).toEqual([
      2,
      expect.stringContaining('held.json: model: [fit] trainable: false'),
    ]);
  });

  it('eval with metrics of other outputs', async () => {
    const flags = ['--data', data, '--backend', 'reference'];
    const told = await command('eval', model, ...flags, '--metric', 'topK:k=9');
    expect(told).toMatchObject({ code: 2, out: '' });
    expect(told.err).toMatch(/^--metric: \[evaluate, metrics, topK\] expected k of at most 3/);
  });
});

it('data that do not fit, and labels that are none, end with 1', async () => {
  const other = join(folder, 'other.npz');
  const x = sn.randomNormal([2, 4], { seed: 1 });
  await sn.data.writeNpz(other, { x, y: sn.tensor([0, 7], [2], 'int32') });
  for (const more of [[], ['--frozen', 'head.bias', '--metric', 'f1']]) {
    const flags = ['--data', other, '--backend', 'reference', '--no-out', ...more];
    const told = await command('train', '--model', model, ...flags);
    expect(told.code, told.err).toBe(1);
    expect(told.err).not.toMatch(/^--/);
  }
  expect((await train('--metric', 'topK:k=2')).code).toBe(0);
});
