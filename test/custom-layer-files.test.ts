import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { networkOf, scaled } from './support/customLayers.ts';
import { failsWith } from './support/errors.ts';
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

  it('could not tell two functions of one title apart, so no network is made of them', async () => {
    const two = [layers.custom((x) => ops.neg(x)), layers.custom((x) => ops.exp(x))];
    const refused = (given: sn.layers.Layer[]): void => {
      expect(() => networkOf(given)).toThrow(
        expect.objectContaining({
          code: 'ERR_ARGUMENT',
          message: expect.stringMatching(
            /^\[sequential\] two custom layers that differ have the title 'custom'/,
          ),
        }),
      );
    };
    refused(two);
    refused([layers.sequential({ layers: two })]);
    const same = (x: sn.Variable): sn.Variable => x;
    const parameters = { mean: { shape: [1], state: true } };
    const kept = [layers.custom(same), layers.custom(same, { parameters })];
    refused(kept);
    await networkOf([layers.custom(same), layers.custom(same)]).save(path());
    expect((await sn.load(path(), { custom: [layers.custom(same)] })).layers()).toHaveLength(2);
    await expect(sn.load(path(), { custom: two })).rejects.toThrow(
      failsWith('ERR_ARGUMENT', '[load] two custom layers'),
    );
  });

  it('comes back when functions make its layers of settings', async () => {
    const times = (factor: number): sn.layers.CustomLayer =>
      layers.custom((x) => ops.mul(x, factor), { title: 'times', settings: { factor } });
    const net = networkOf([times(2), layers.sequential({ layers: [times(3), times(2)] })]);
    await net.save(path());
    const custom = { times: ({ factor }: { factor: number }) => times(factor) };
    const x = sn.full([1, 2, 4, 4], 0.5);
    for (const given of [custom, [times(3), times(2)]]) {
      const loaded = await sn.load(path(), { backend, custom: given });
      expect((await loaded.predict(x)).data).toEqual(sn.full([1, 2, 4, 4], 6).data);
      await loaded.save(path());
    }
    for (const [given, message] of [
      [{}, /needs the layers of title 'times' with settings {"factor":2}, 'times' with/],
      [[times(2)], /needs the layers of title 'times' with settings {"factor":3}$/],
      [[scaled()], /needs the layers of title 'times'/],
      [{ times: () => times(2) }, /has a layer 'times' with .*3} but the function makes .*2}$/],
      [{ times: () => scaled() }, /but the function makes 'scaled' with settings null$/],
      [{ times: () => layers.flatten() }, /^\[load, custom.times\] expected a layer made by/],
      [{ times: () => undefined }, /^\[load, custom.times\] expected .* undefined$/],
      [{ times: () => JSON.parse('') }, /^\[load\] custom.times threw SyntaxError/],
      [{ times: times(2) }, /^\[load\] expected custom to be a list/],
    ] as const) {
      const error = await sn.load(path(), { custom: given as never }).catch((thrown) => thrown);
      expect(error).toMatchObject({
        code: 'ERR_ARGUMENT',
        message: expect.stringMatching(message),
      });
    }
  });

  it.each([
    ['a number', 4],
    ['a list', [4]],
    ['null', null],
    ['a function', { f: () => 1 }],
    ['a number that JSON has not', { ratio: Number.NaN }],
    ['a typed array', { taps: new Float32Array(2) }],
    ['a big integer', { count: 1n }],
  ])('has no settings that are %s', (_, settings) => {
    expect(() => layers.custom((x) => x, { settings } as never)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT',
        message: expect.stringContaining('[custom] expected settings to be an object of plain'),
      }),
    );
  });

  it('is refused with an option that is no list of custom layers', async () => {
    await networkOf([scaled()]).save(path());
    for (const custom of [5, null, [layers.flatten()], [null], scaled(), { scaled: 5 }]) {
      const error = await sn.load(path(), { custom } as never).catch((thrown) => thrown);
      expect(error).toMatchObject({ code: 'ERR_ARGUMENT' });
      expect(error.message).toContain('[load] expected custom to be a list');
    }
  });
});
