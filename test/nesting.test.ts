import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../lib/cli/readSettings.ts';
import * as sn from '../lib/index.ts';
import { nestingFault, nestingOf } from '../lib/nesting.ts';
import { fromJson } from '../lib/train/checkpoint/json.ts';
import { bundle } from './support/bundle.ts';
import { failsWith } from './support/errors.ts';
import { nested, nestedDescription, nestedLists, nestedSettings } from './support/nested.ts';
import { softsignParts } from './support/ownOperators.ts';
import { encodeSafetensors } from './support/safetensors.ts';

const { layers } = sn;
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A model's file with that architecture. */
function model(architecture: string): string {
  const path = join(folder, 'deep.safetensors');
  const metadata = { format: 'stridenet', version: '1', architecture };
  writeFileSync(path, encodeSafetensors(new Map(), new Map(Object.entries(metadata))));
  return path;
}

function architecture(layer: object): string {
  return JSON.stringify({ inputShape: [4], dtype: 'float32', layers: [layer] });
}

describe('layers within each other', () => {
  it('may have 64 levels, in a thread of little stack too', async () => {
    const script = await bundle('nestedWorker.ts');
    try {
      const worker = new Worker(script, { resourceLimits: { stackSizeMb: 1 } });
      const message = await new Promise((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
      });
      expect(message).toBe('done');
      await worker.terminate();
    } finally {
      rmSync(dirname(script), { recursive: true, force: true });
    }
  });

  it.each<[string, (inner: sn.Layer) => sn.Layer]>([
    ['residual', (inner) => layers.residual({ layers: [inner] })],
    ['residual', (inner) => layers.residual({ layers: [], shortcut: [inner] })],
    ['sequential', (inner) => layers.sequential({ layers: [inner] })],
    ['branches', (inner) => layers.branches({ branches: [[], [inner]] })],
  ])('of %s are refused beyond', (kind, around) => {
    expect(around(nested(63)).levels).toBe(64);
    const message = `[${kind}] expected at most 64 layers within each other but received 65`;
    expect(() => around(nested(64))).toThrow(failsWith('ERR_ARGUMENT', message));
  });

  it('come back from files', async () => {
    const net = sn.sequential({ inputShape: [4], layers: [nested(64)], backend: 'reference' });
    const path = join(folder, 'nested.safetensors');
    await net.save(path);
    const back = await sn.load(path, { backend: 'reference' });
    expect(back.architecture.layers[0]?.layer.levels).toBe(64);
  });

  it.each<[string, string, string]>([
    ['65 levels', architecture(nestedDescription(65)), '[residual] expected at most 64'],
    ['900 levels', architecture(nestedDescription(900)), 'has 900 layers within each other'],
    [
      'a shape of 100,000 lists',
      `{"inputShape":${nestedLists(100_000)},"dtype":"float32","layers":[]}`,
      'has 100001 lists and objects within each other, and at most 300',
    ],
    [
      'settings of 100,000 lists',
      `{"inputShape":[4],"dtype":"float32","layers":[{"kind":"custom","options":{"title":"a","settings":${nestedLists(100_000)}}}]}`,
      'lists and objects within each other',
    ],
  ])('are refused in a file with %s', async (_, text, message) => {
    const path = model(text);
    await expect(sn.load(path)).rejects.toThrow(failsWith('ERR_FILE_FORMAT', path, message));
  });

  it('are refused in configurations', async () => {
    const config = join(folder, 'deep.json');
    const set = (layer: object): void =>
      writeFileSync(config, JSON.stringify({ model: { inputShape: [4], layers: [layer] } }));
    set(nestedSettings(900));
    const message = `${config} has 900 layers within each other, and at most 64 may be`;
    await expect(readSettings(config, new Map())).rejects.toThrow(message);
    set(nestedSettings(65));
    await expect(readSettings(config, new Map())).resolves.toBeDefined();
    writeFileSync(config, nestedLists(100_000));
    await expect(readSettings(config, new Map())).rejects.toThrow('100000 lists and objects');
    const flag = new Map([['model', `{"layers":${nestedLists(5000)}}`]] as const);
    await expect(readSettings(undefined, flag)).rejects.toThrow('--model has 5001 lists');
  });
});

describe('other things within each other', () => {
  it('are counted at any depth', () => {
    expect(nestingOf(3)).toBe(0);
    expect(nestingOf({ a: [1, { b: [] }], c: [] })).toBe(4);
    expect(nestingOf(JSON.parse(nestedLists(200_000)))).toBe(200_000);
    expect(nestingFault(JSON.parse(nestedLists(300)))).toBeNull();
    expect(nestingFault(JSON.parse(nestedLists(301)))).toContain('at most 300');
  });

  it('are refused in the JSON of a checkpoint', () => {
    expect(() => fromJson(nestedLists(100_000))).toThrow(
      failsWith('ERR_FILE_FORMAT', '100000 lists and objects within each other'),
    );
  });

  it('settings of custom layers have at most 32 levels', () => {
    const layer = (levels: number): sn.Layer =>
      layers.custom((x) => x, { title: 'mine', settings: { a: JSON.parse(nestedLists(levels)) } });
    expect(layer(31).levels).toBe(1);
    const message = 'settings of at most 32 lists and objects within each other but received 33';
    expect(() => layer(32)).toThrow(failsWith('ERR_ARGUMENT', "[custom 'mine']", message));
    expect(() => layer(100_000)).toThrow(failsWith('ERR_ARGUMENT', 'plain data'));
  });

  it('names of scopes have at most 100 levels', () => {
    const within = (levels: number): number =>
      levels === 0 ? 7 : sn.scoped('a', () => within(levels - 1));
    expect(within(100)).toBe(7);
    const refusal = failsWith('ERR_ARGUMENT', '[scoped] expected at most 100 names', '101');
    expect(() => within(101)).toThrow(refusal);
    expect(() => sn.scoped('a/'.repeat(100), () => 7)).toThrow(refusal);
    expect(within(100)).toBe(7);
  });

  it('schedules have at most 64 others behind them', () => {
    let schedule = sn.schedules.constant();
    const longer = (): sn.Schedule => sn.schedules.warmUp({ steps: 1, next: schedule });
    for (let length = 1; length < 64; length++) schedule = longer();
    expect(longer().kind).toBe('warmUp');
    schedule = longer();
    expect(longer).toThrow(
      failsWith('ERR_ARGUMENT', '[warmUp] more than 64 schedules follow each other'),
    );
  });

  it('compositions of operators have at most 64 levels', () => {
    const x = sn.tensor([1, 2]);
    let call = (value: sn.Variable): sn.Variable => sn.ops.relu(value);
    const compose = (inner: typeof call): typeof call => {
      const composed = sn.defineOperator({
        ...softsignParts,
        composition: ([value]) => inner(value),
      });
      return (value) => composed(value);
    };
    for (let level = 1; level <= 65; level++) call = compose(call);
    const compiled = sn.compile((value: sn.Variable) => call(value));
    return expect(compiled(x)).rejects.toThrow(failsWith('ERR_ARGUMENT', 'compositions'));
  });
});

describe('long networks', () => {
  it('of 4,000 layers in a row predict and train', async () => {
    const many = Array.from({ length: 2000 }, () => [
      layers.activation('tanh'),
      layers.sequential({ layers: [layers.flatten()] }),
    ]).flat();
    const net = sn.sequential({ inputShape: [4], layers: [layers.dense({ units: 4 }), ...many] });
    const x = sn.tensor([1, 2, 3, 4], [1, 4]);
    expect((await net.predict(x)).shape).toEqual([1, 4]);
    await net.fit({ x, y: sn.zeros([1, 4]) }, { loss: sn.losses.squaredError(), steps: 1 });
    expect(net.summary()).toContain('4000 (sequential)');
  }, 120_000);

  it('whose layer makes 20,000 aliases in a row are placed', () => {
    const layer = layers.custom((x) => {
      let y = x;
      for (let i = 0; i < 10_000; i++) y = sn.ops.reshape(sn.ops.reshape(y, [1, 2, 2]), [1, 4]);
      return y;
    });
    const net = sn.sequential({ inputShape: [4], layers: [layer], backend: 'reference' });
    expect(net.layers()[0]?.activationBytes).toBe(0);
  });
});
