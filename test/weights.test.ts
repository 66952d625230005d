import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { bits } from './support/networks.ts';
import { encodeSafetensors } from './support/safetensors.ts';

const { layers } = sn;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-weights-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

function network(seed: number, { classes = 3, dtype = 'float32' as sn.FloatDType } = {}) {
  return sn.sequential({
    inputShape: [4],
    layers: [
      layers.dense({ units: 5, name: 'stem', activation: 'relu' }),
      layers.batchNorm({ name: 'norm' }),
      layers.dense({ units: classes, name: 'head', bias: false }),
    ],
    ...{ seed, dtype, backend: 'reference' },
  });
}

type Tensors = Record<string, sn.Tensor>;

/** A file of these tensors. */
function written(tensors: Tensors, name = 'some.safetensors'): string {
  writeFileSync(at(name), encodeSafetensors(new Map(Object.entries(tensors)), new Map()));
  return at(name);
}

const parametersOf = (net: sn.Network): Tensors => Object.fromEntries(net.parameters());

const keys = [
  ...['stem.weight', 'stem.bias', 'norm.weight', 'norm.bias'],
  ...['norm.running_mean', 'norm.running_var', 'head.weight'],
];

describe('weights on disk', () => {
  it.each(['all.safetensors', 'all.npz'])(
    'come back to the bit from %s, and leave no other file',
    async (name) => {
      const sub = at(`sub-${name}`);
      mkdirSync(sub);
      const path = join(sub, name);
      const [net, other] = [network(1), network(2)];
      await net.saveWeights(pathToFileURL(path));
      await net.saveWeights(path);
      expect(readdirSync(sub)).toEqual([name]);
      const report = await other.loadWeights(path);
      expect(bits(other.parameters())).toBe(bits(net.parameters()));
      expect(report).toEqual({
        ...{ loaded: keys, missing: [], unexpected: [], ignored: [], mismatched: [] },
        names: new Map(keys.map((key) => [key, key])),
      });
      const npz = name.endsWith('npz');
      const read = await (npz ? sn.data.readNpz(path) : sn.data.readSafetensors(path));
      expect(bits(read)).toBe(bits(net.parameters()));
    },
  );

  it('are taken from a model too, which keeps its own architecture', async () => {
    const net = network(1);
    await net.save(at('model.safetensors'));
    const other = network(2, { dtype: 'float64' });
    await other.loadWeights(at('model.safetensors'));
    for (const [key, value] of net.parameters()) {
      expect([...(other.parameters().get(key) as sn.Tensor).data]).toEqual([...value.data]);
    }
    await net.saveWeights(at('bare.safetensors'));
    await expect(sn.load(at('bare.safetensors'))).rejects.toThrow('net.loadWeights');
  });

  it('are those of `only` and not of `except`', async () => {
    const [net, other, third] = [network(1), network(2), network(3)];
    const path = at('part.npz');
    await net.saveWeights(path, {
      only: ['stem', 'norm.bias'],
      except: ['stem.bias'],
      compress: true,
    });
    expect([...(await sn.data.readNpz(path)).keys()]).toEqual(['stem.weight', 'norm.bias']);
    const missing = keys.filter((key) => key !== 'stem.weight' && key !== 'norm.bias');
    const before = parametersOf(other);
    expect(await other.loadWeights(path, { strict: false })).toMatchObject({
      ...{ loaded: ['stem.weight', 'norm.bias'], missing, unexpected: [] },
    });
    for (const key of keys) {
      const from = missing.includes(key) ? before : parametersOf(net);
      expect(other.parameters().get(key)?.data, key).toEqual(from[key]?.data);
    }
    await net.saveWeights(at('whole.safetensors'));
    const report = await third.loadWeights(at('whole.safetensors'), {
      except: ['head', 'norm.bias'],
    });
    expect(report.loaded).toEqual(
      keys.filter((key) => !['head.weight', 'norm.bias'].includes(key)),
    );
    expect(report).toMatchObject({ missing: [], ignored: ['norm.bias', 'head.weight'] });
    const only = { only: ['norm'], except: ['norm.bias'] };
    expect((await third.loadWeights(at('whole.safetensors'), only)).loaded).toHaveLength(3);
    const { 'head.weight': head, ...body } = parametersOf(network(4, { classes: 7 }));
    const path7 = written({
      ...body,
      'head.weight': head as sn.Tensor,
      'other.bias': sn.zeros([7]),
    });
    const fitting = await third.loadWeights(path7, { only: ['stem', 'norm'] });
    expect([...fitting.ignored].sort()).toEqual(['head.weight', 'other.bias']);
    await expect(third.loadWeights(path7, { except: ['head'] })).rejects.toThrow("'other.bias'");
  });

  it('with other names are renamed', async () => {
    const net = network(1);
    const { 'head.weight': head, ...rest } = parametersOf(net);
    const foreign = Object.fromEntries(
      Object.entries(rest).map(([key, value]) => [
        `model.${key.replace('stem', 'body.0').replace('norm', 'body.norm')}`,
        value,
      ]),
    );
    const extra = sn.zeros([2]);
    const path = written({
      ...foreign,
      'model.fc.w': head as sn.Tensor,
      'model.fc.x': extra,
      teacher: extra,
    });
    const tables: sn.LoadWeightsOptions['rename'][] = [
      { body: '', 'body.0': 'stem', 'fc.w': 'head.weight', 'fc.x': null },
      (name) =>
        name === 'fc.x'
          ? null
          : name.replace('body.0', 'stem').replace('body.', '').replace('fc.w', 'head.weight'),
    ];
    for (const rename of tables) {
      const other = network(2);
      const report = await other.loadWeights(path, { prefix: 'model.', rename: rename as never });
      expect(bits(other.parameters())).toBe(bits(net.parameters()));
      expect(report.names.get('head.weight')).toBe('model.fc.w');
      expect([...report.ignored].sort()).toEqual(['model.fc.x', 'teacher']);
    }
  });

  it('are taken during a fit between two steps', async () => {
    const [net, other] = [network(1), network(2)];
    await net.saveWeights(at('during.safetensors'));
    const data = { x: sn.randomNormal([40, 4], { seed: 1 }), y: sn.zeros([40], 'int32') };
    const optimizer = sn.optimizers.sgd({ learningRate: 0 });
    let first = true;
    for await (const event of other.train(data, { batchSize: 10, optimizer, frozen: ['norm'] })) {
      if (event.type !== 'step' || !first) continue;
      first = false;
      await other.loadWeights(at('during.safetensors'));
      await other.saveWeights(at('again.safetensors'));
    }
    expect(bits(other.parameters())).toBe(bits(net.parameters()));
    expect(bits(await sn.data.readSafetensors(at('again.safetensors')))).toBe(
      bits(net.parameters()),
    );
  });

  it('keep NaN, infinities and denormals, whose bits are values like others', async () => {
    const values = [Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** -149, 1];
    const net = network(1);
    net.setParameters(new Map([['stem.bias', sn.tensor(values, [5])]]));
    for (const ending of ['npz', 'safetensors']) {
      const other = network(2);
      await net.saveWeights(at(`odd.${ending}`));
      await other.loadWeights(at(`odd.${ending}`));
      expect([...(other.parameters().get('stem.bias') as sn.Tensor).data]).toEqual(values);
    }
  });

  it('of a checkpoint are the averages where there are some', async () => {
    const directory = at('checkpoints');
    const data = { x: sn.randomNormal([20, 4], { seed: 1 }), y: sn.zeros([20], 'int32') };
    for (const averaging of [undefined, { decay: 0.5 }]) {
      const net = network(1);
      await net.fit(data, {
        ...{
          batchSize: 5,
          epochs: 2,
          optimizer: sn.optimizers.adam(0.1),
          ...(averaging && { averaging }),
        },
        checkpoint: { directory, everyEpochs: 1 },
      });
      const path = (await sn.latestCheckpoint(directory))?.path as string;
      const other = network(2);
      expect((await other.loadWeights(path)).loaded).toEqual(keys);
      expect(bits(other.parameters())).toBe(bits(net.parameters()));
      const bytes = readFileSync(path);
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      writeFileSync(path, bytes);
      await expect(other.loadWeights(path)).rejects.toThrow('the file is damaged');
      rmSync(directory, { recursive: true });
    }
  });
});
