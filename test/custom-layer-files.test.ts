import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { networkOf, scaled } from './support/customLayers.ts';
import { bits } from './support/networks.ts';

const { layers, ops } = sn;
const backend = 'reference';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stridenet-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a file of a network with custom layers', () => {
  const path = (): string => join(folder, 'custom.safetensors');

  it('comes back, nested ones too, when load is given them', async () => {
    const net = networkOf([
      scaled({ name: 'first', trainable: false }),
      layers.residual({ layers: [scaled()] }),
    ]);
    await net.save(path());
    const loaded = await sn.load(path(), { backend, custom: [scaled({ name: 'unused' })] });
    expect(loaded.summary()).toBe(net.summary());
    expect(bits(loaded.parameters())).toBe(bits(net.parameters()));
    const x = sn.full([2, 2, 4, 4], 0.5);
    expect((await loaded.predict(x)).data).toEqual((await net.predict(x)).data);
    const frozen = loaded.architecture.parameters.map(({ trainable }) => trainable);
    expect(frozen).toEqual([false, undefined]);
    await loaded.save(path());
    expect((await sn.load(path(), { backend, custom: [scaled()] })).summary()).toBe(net.summary());
  });

  it('is refused without them, by their titles', async () => {
    await networkOf([layers.residual({ layers: [scaled()] })]).save(path());
    for (const custom of [undefined, [], [layers.custom((x) => x)]]) {
      const options = custom === undefined ? {} : { custom };
      const error = await sn.load(path(), options).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'ERR_ARGUMENT' });
      expect(error.message).toContain("custom: [...] }) needs the layers of title 'scaled'");
    }
  });

  it('is refused with a layer of other parameters', async () => {
    await networkOf([scaled()]).save(path());
    const other = layers.custom((x) => x, { title: 'scaled' });
    await expect(sn.load(path(), { custom: [other] })).rejects.toMatchObject({
      code: 'ERR_FILE_FORMAT',
      message: expect.stringContaining('0.scale'),
    });
  });

  it('is not written when two functions have one title', async () => {
    const two = [layers.custom((x) => ops.neg(x)), layers.custom((x) => ops.exp(x))];
    const error = await networkOf([layers.sequential({ layers: two })])
      .save(path())
      .catch((thrown) => thrown);
    expect(error).toMatchObject({ code: 'ERR_ARGUMENT' });
    expect(error.message).toContain("[save] two custom layers that differ have the title 'custom'");
    const same = (x: sn.Variable): sn.Variable => x;
    const parameters = { mean: { shape: [1], state: true } };
    const kept = [layers.custom(same), layers.custom(same, { parameters })];
    await expect(networkOf(kept).save(path())).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
    await networkOf([layers.custom(same), layers.custom(same)]).save(path());
    expect((await sn.load(path(), { custom: [layers.custom(same)] })).layers()).toHaveLength(2);
    await expect(sn.load(path(), { custom: two })).rejects.toMatchObject({ code: 'ERR_ARGUMENT' });
  });

  it('is refused with an option that is no list of custom layers', async () => {
    await networkOf([scaled()]).save(path());
    for (const custom of [5, {}, [layers.flatten()], [null], scaled()]) {
      const error = await sn.load(path(), { custom } as never).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'ERR_ARGUMENT' });
      expect(error.message).toContain('[load] expected custom to be a list');
    }
  });
});
