import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { expectFormatError, outcomeOf, refuseCuts, surviveChanges } from './support/hostile.ts';
import { bits } from './support/networks.ts';
import { encodeSafetensors } from './support/safetensors.ts';

const { layers } = sn;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-weights-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

const make = (seed: number): sn.Network =>
  sn.sequential({
    inputShape: [3],
    layers: [layers.dense({ units: 2 }), layers.activation('relu'), layers.dense({ units: 1 })],
    ...{ seed, backend: 'reference' },
  });

const parametersOf = (net: sn.Network): Map<string, sn.Tensor> => net.parameters();

function written(tensors: ReadonlyMap<string, sn.Tensor>, name = 'some.safetensors'): string {
  writeFileSync(at(name), encodeSafetensors(tensors, new Map()));
  return at(name);
}

/** Loads into a network that must be as it was when that fails. */
async function loading(
  path: string | URL,
  options?: sn.LoadWeightsOptions,
): Promise<sn.LoadedWeights> {
  const net = make(1);
  const before = bits(net.parameters());
  try {
    return await net.loadWeights(path, options);
  } catch (error) {
    expect(bits(net.parameters())).toBe(before);
    throw error;
  }
}

/** The parameters of another network with changes: undefined takes one away. */
function changed(changes: Readonly<Record<string, sn.Tensor | undefined>>): string {
  const tensors = parametersOf(make(2));
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) tensors.delete(key);
    else tensors.set(key, value);
  }
  return written(tensors);
}

const told = (code: sn.ErrorCode, ...texts: string[]): object =>
  expect.objectContaining({
    code,
    message: expect.toSatisfy((message: string) => texts.every((text) => message.includes(text))),
  });

describe('weights that do not fit', () => {
  it('are refused by names, all of which the error has', async () => {
    const path = changed({ '0.bias': undefined, '2.bias': undefined, extra: sn.zeros([1]) });
    const texts = [path, "the file lacks '0.bias' and '2.bias' and has besides 'extra'"];
    await expect(loading(path)).rejects.toThrow(told('ERR_ARGUMENT', ...texts));
    const differences = { missing: ['0.bias', '2.bias'], unexpected: ['extra'] };
    await expect(loading(path)).rejects.toMatchObject(differences);
    const report = await loading(path, { strict: false });
    expect(report).toMatchObject({ ...differences, loaded: ['0.weight', '2.weight'] });
  });

  it('are refused by shape, unless they are passed over', async () => {
    const path = changed({ '0.weight': sn.zeros([3, 2]) });
    const text = "'0.weight' must be (2, 3) but is (3, 2)";
    for (const strict of [true, false]) {
      await expect(loading(path, { strict })).rejects.toThrow(told('ERR_SHAPE', path, text));
    }
    const { loaded, mismatched } = await loading(path, { ignoreMismatched: true });
    expect(loaded).toEqual(['0.bias', '2.weight', '2.bias']);
    const expected = { expected: [2, 3], actual: [3, 2] };
    expect(mismatched).toEqual([{ key: '0.weight', name: '0.weight', ...expected }]);
    const renamed = { rename: { '0': '0' } };
    await expect(loading(path, renamed)).rejects.toThrow(told('ERR_SHAPE', text));
  });

  it('are refused by dtype, and where float32 has no such number', async () => {
    const path = changed({ '0.bias': sn.zeros([2], 'int32') });
    await expect(loading(path)).rejects.toThrow(told('ERR_DTYPE', "'0.bias'", 'int32'));
    const large = changed({ '0.bias': sn.tensor([1, 1e300], [2], 'float64') });
    await expect(loading(large)).rejects.toThrow(told('ERR_DTYPE', "'0.bias' holds 1e+300"));
    const infinite = [Number.NEGATIVE_INFINITY, Number.NaN];
    await loading(changed({ '0.bias': sn.tensor(infinite, [2], 'float64') }));
  });

  it('are told what would make them fit', async () => {
    const own = [...parametersOf(make(2))];
    const numbered = written(new Map(own.map(([key, value]) => [key.replace('2', '3'), value])));
    const order = "all of it fits with { match: 'order' }";
    await expect(loading(numbered)).rejects.toThrow(told('ERR_ARGUMENT', order));
    await loading(numbered, { match: 'order' });
    const prefixed = written(new Map(own.map(([key, value]) => [`module.net.${key}`, value])));
    const prefix = "all of it fits with { prefix: 'module.net.' }";
    await expect(loading(prefixed)).rejects.toThrow(told('ERR_ARGUMENT', prefix));
    await loading(prefixed, { prefix: 'module.net.' });
    await expect(loading(prefixed, { only: ['2'] })).rejects.toThrow(told('ERR_ARGUMENT', prefix));
    await expect(loading(changed({ '0.bias': undefined }))).rejects.not.toThrow('fits with');
  });

  it('have no order when their modules have names', async () => {
    const own = [...parametersOf(make(2))];
    const named = own.map(
      ([key, value]) => [key.replace('0', 'net.fc1').replace('2', 'net.fc2'), value] as const,
    );
    const path = written(new Map(named));
    const texts = ["'net.fc1'", "'net.fc2'", 'rename'];
    await expect(loading(path, { match: 'order' })).rejects.toThrow(told('ERR_ARGUMENT', ...texts));
    const rename = { 'net.fc1': '1', 'net.fc2': '10' };
    const { names } = await loading(path, { match: 'order', rename });
    expect(names.get('2.bias')).toBe('net.fc2.bias');
    const more = written(new Map([...own, ['3.weight', sn.zeros([1])]]));
    const besides = told('ERR_ARGUMENT', "has besides '3.weight'");
    await expect(loading(more, { match: 'order' })).rejects.toThrow(besides);
    const report = await loading(more, { match: 'order', strict: false });
    expect(report.unexpected).toEqual(['3.weight']);
  });

  it('are refused when two are for one parameter', async () => {
    const path = changed({ old: sn.zeros([2]) });
    const twice = told('ERR_ARGUMENT', "'0.bias'", "'old'", "are for '0.bias'");
    await expect(loading(path, { rename: { old: '0.bias' } })).rejects.toThrow(twice);
  });
});

describe('options of weights', () => {
  const wrong: readonly [object | null, string][] = [
    [null, 'an object of options'],
    [{ stict: false }, "no option 'stict'"],
    [{ strict: 1 }, 'strict'],
    [{ ignoreMismatched: 'yes' }, 'ignoreMismatched'],
    [{ prefix: /a/ }, 'prefix'],
    [{ match: 'shape' }, 'match'],
    [{ format: 'pickle' }, 'format'],
    [{ rename: [['a', 'b']] }, 'rename'],
    [{ rename: new Map() }, 'rename'],
    [{ rename: { '0': 1 } }, 'rename'],
    [{ rename: { '0.wieght': 'x' } }, "'0.wieght' is no name in the file"],
    [{ rename: () => undefined }, 'rename'],
    [{ rename: () => Promise.reject(new Error('later')) }, 'rename'],
    [
      {
        rename: () => {
          throw new Error('mine');
        },
      },
      'mine',
    ],
    [{ only: '0' }, 'only'],
    [{ only: ['1'] }, 'layer 1 (activation) has no parameters'],
    [{ except: ['0', 'haed'] }, "[loadWeights, except] 'haed'"],
  ];
  it.each(wrong)('%o are refused', async (options, text) => {
    const path = changed({});
    await expect(loading(path, options as never)).rejects.toThrow(told('ERR_ARGUMENT', text));
  });

  it('of saving are refused, and nothing is written', async () => {
    const sub = at('unwritten');
    mkdirSync(sub);
    const path = join(sub, 'a.safetensors');
    const net = make(1);
    for (const [options, text] of [
      [{ compress: true }, 'compress'],
      [{ compress: 1 }, 'compress'],
      [{ strict: true }, "no option 'strict'"],
      [{ only: ['3'] }, "[saveWeights, only] '3'"],
      [{ format: 'onnx' }, 'format'],
    ] as const) {
      const refused = net.saveWeights(path, options as never);
      await expect(refused).rejects.toThrow(told('ERR_ARGUMENT', text));
    }
    for (const name of ['a.pt', 'a', 'a.npz/']) {
      await expect(net.saveWeights(join(sub, name))).rejects.toThrow(told('ERR_ARGUMENT', name));
    }
    await expect(net.saveWeights(join(sub, 'b', 'a.npz'))).rejects.toThrow(
      told('ERR_FILE_NOT_FOUND'),
    );
    expect(readdirSync(sub)).toEqual([]);
    await net.saveWeights(join(sub, 'weights.bin'), { format: 'npz' });
    await loading(join(sub, 'weights.bin'), { format: 'npz' });
  });
});

describe('files of weights', () => {
  it('that are none are refused', async () => {
    mkdirSync(at('folder.safetensors'));
    mkdirSync(at('folder.npz'));
    for (const ending of ['safetensors', 'npz']) {
      await expect(loading(at(`none.${ending}`))).rejects.toThrow(told('ERR_FILE_NOT_FOUND'));
      await expect(loading(at(`folder.${ending}`))).rejects.toThrow(told('ERR_FILE_ACCESS'));
      writeFileSync(at(`empty.${ending}`), '');
      await expect(loading(at(`empty.${ending}`))).rejects.toThrow(told('ERR_FILE_FORMAT'));
    }
    const ends = told('ERR_ARGUMENT', '.safetensors or .npz');
    for (const name of ['weights.pt', 'weights', 'weights.safetensors.gz']) {
      await expect(loading(at(name))).rejects.toThrow(ends);
    }
    for (const name of ['weights.pt', 'weights.PTH', 'model.ckpt', 'pytorch_model.bin']) {
      const cure = "safetensors.torch.save_file(model.state_dict(), 'x.safetensors')";
      await expect(loading(at(name))).rejects.toThrow(told('ERR_ARGUMENT', cure));
    }
    for (const name of ['weights.h5', 'model.keras']) {
      const cure = 'safetensors.numpy.save_file(';
      await expect(loading(at(name))).rejects.toThrow(told('ERR_ARGUMENT', cure));
    }
    const none = new Map<string, sn.Tensor>();
    const bare = { strict: false, only: ['0'] };
    expect((await loading(written(none), bare)).missing).toEqual(['0.weight', '0.bias']);
    const archive = at('misnamed.safetensors');
    await sn.data.writeNpz(archive, parametersOf(make(2)));
    await expect(loading(archive)).rejects.toThrow(told('ERR_FILE_FORMAT'));
    const path = changed({});
    await expect(loading(path, { format: 'npz' })).rejects.toThrow(told('ERR_FILE_FORMAT'));
    for (const given of ['', 5, null, new URL('https://example.org/a.npz')]) {
      await expect(loading(given as never)).rejects.toThrow(told('ERR_ARGUMENT'));
    }
    await expect(sn.load(new URL('https://example.org/a'))).rejects.toThrow(told('ERR_ARGUMENT'));
  });

  it("may name their tensors '__proto__' and 'constructor'", async () => {
    const odd = ['__proto__', 'constructor', '__proto__.weight', 'toString'];
    const tensors = new Map([
      ...parametersOf(make(2)),
      ...odd.map((name) => [name, sn.zeros([1])] as const),
    ]);
    const archive = at('odd.npz');
    await sn.data.writeNpz(archive, tensors);
    for (const path of [written(tensors), archive]) {
      const { unexpected } = await loading(path, { strict: false });
      expect([...unexpected].sort()).toEqual([...odd].sort());
      const rename = Object.fromEntries([
        ['__proto__', null],
        ...odd.slice(1).map((name) => [name, null]),
      ]);
      expect((await loading(path, { rename })).ignored).toHaveLength(odd.length);
      await expect(loading(path, { rename: { hasOwnProperty: 'x' } })).rejects.toThrow(
        told('ERR_ARGUMENT', "'hasOwnProperty' is no name"),
      );
    }
    expect(Object.keys({})).toEqual([]);
  });

  it('with one name twice are refused', async () => {
    const bytes = Buffer.from(encodeSafetensors(parametersOf(make(2)), new Map()));
    const twice = bytes.toString('latin1').replace('"2.bias"', '"0.bias"');
    writeFileSync(at('twice.safetensors'), Buffer.from(twice, 'latin1'));
    await expect(loading(at('twice.safetensors'))).rejects.toThrow(
      told('ERR_FILE_FORMAT', '0.bias'),
    );
    const archive = at('twice.npz');
    await sn.data.writeNpz(archive, parametersOf(make(2)));
    const zip = readFileSync(archive).toString('latin1').replaceAll('2.bias', '0.bias');
    writeFileSync(archive, Buffer.from(zip, 'latin1'));
    await expect(loading(archive)).rejects.toThrow(told('ERR_FILE_FORMAT', '0.bias'));
  });

  it('that declare more than there is, or than the network needs, take no memory', async () => {
    const shape = [2 ** 28];
    const huge = { dtype: 'F32', shape, data_offsets: [0, 2 ** 30] };
    const json = Buffer.from(JSON.stringify({ '0.weight': huge }).padEnd(104));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    writeFileSync(at('lying.safetensors'), Buffer.concat([length, json, Buffer.alloc(24)]));
    await expect(loading(at('lying.safetensors'))).rejects.toThrow(told('ERR_FILE_FORMAT', 'ends'));
    const zeros = sn.zeros([2 ** 24]);
    const archive = at('large.npz');
    const tensors = new Map([...parametersOf(make(2)), ['0.weight', zeros]]);
    await sn.data.writeNpz(archive, tensors, { compress: true });
    const before = process.memoryUsage().arrayBuffers;
    const { mismatched } = await loading(archive, { ignoreMismatched: true });
    expect(mismatched).toHaveLength(1);
    await expect(loading(archive)).rejects.toThrow(told('ERR_SHAPE', '(16777216)'));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
  });

  it.each(['safetensors', 'npz'] as const)('cut at any byte are refused: %s', async (format) => {
    const path = at(`cut.${format}`);
    await make(2).saveWeights(path);
    const bytes = readFileSync(path);
    await refuseCuts(bytes, path, (cut) => {
      writeFileSync(path, cut);
      return loading(path);
    });
  });

  it.each(['safetensors', 'npz'] as const)(
    'with changed bytes harm nothing: %s',
    async (format) => {
      const path = at(`changed.${format}`);
      await make(2).saveWeights(path);
      const own = make(1).architecture.parameters.map(({ key }) => key);
      const read = async (bytes: Uint8Array): Promise<sn.LoadedWeights> => {
        writeFileSync(path, bytes);
        const outcome = await outcomeOf(() => loading(path, { strict: false }));
        if ('value' in outcome) return outcome.value;
        // Another shape or dtype that the file's sizes agree with.
        const { code } = outcome.error as sn.StridenetError;
        if (code === 'ERR_SHAPE' || code === 'ERR_DTYPE') {
          return {
            ...{ loaded: [], missing: own, unexpected: [], ignored: [], mismatched: [] },
            names: new Map(),
          };
        }
        expectFormatError(outcome.error, path);
        throw outcome.error;
      };
      const count = await surviveChanges(readFileSync(path), path, read, {
        ...{ seed: 5, trials: 300 },
        accept: ({ loaded, missing }) =>
          expect([...loaded, ...missing].sort()).toEqual([...own].sort()),
      });
      expect(count.refused).toBeGreaterThan(50);
    },
  );
});
