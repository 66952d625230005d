import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { interruption, resumeLine } from '../lib/cli/commands/train.ts';
import { modelOf } from '../lib/cli/model.ts';
import { readSettings } from '../lib/cli/readSettings.ts';
import { fields, type Key, keys } from '../lib/cli/settings.ts';
import { specOf } from '../lib/cli/spec.ts';
import * as sn from '../lib/index.ts';
import { command } from './support/command.ts';

const root = join(import.meta.dirname, '..');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function file(name: string, contents: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof contents === 'string' ? contents : JSON.stringify(contents));
  return path;
}

describe('kinds', () => {
  it.each<[unknown, unknown]>([
    ['adam', { kind: 'adam', options: {} }],
    ['sgd:momentum=0.9,nesterov=true', { kind: 'sgd', options: { momentum: 0.9, nesterov: true } }],
    ['cutout:size=[4,6],value=1', { kind: 'cutout', options: { size: [4, 6], value: 1 } }],
    ['rotate:interpolation=nearest', { kind: 'rotate', options: { interpolation: 'nearest' } }],
    ['C:\\photos:size=64', { kind: 'C:\\photos', options: { size: 64 } }],
    ['a/b.npz', { kind: 'a/b.npz', options: {} }],
    [
      { kind: 'sgd', momentum: 0.9 },
      { kind: 'sgd', options: { momentum: 0.9 } },
    ],
    [
      { kind: 'sgd', options: { momentum: 0.9 } },
      { kind: 'sgd', options: { momentum: 0.9 } },
    ],
    [{ layers: [] }, { kind: '', options: { layers: [] } }],
    ['', null],
    ['sgd:momentum=', { kind: 'sgd', options: { momentum: '' } }],
    ['sgd:momentum=1,x', null],
    [3, null],
    [['adam'], null],
    [{ kind: 3 }, null],
  ])('%j', (given, wanted) => {
    expect(specOf(given)).toEqual(wanted);
  });
});

describe('settings', () => {
  it('come from a configuration, and flags count more', async () => {
    const config = file('whole.json', {
      epochs: 3,
      batchSize: 16,
      earlyStopping: { patience: 2, restoreBest: false },
      rates: { stem: 0.1 },
      inputShape: [1, 8, 8],
      augmentation: 'flipHorizontal',
    });
    const flags = new Map<Key, unknown>([
      ['epochs', ['5']],
      ['rates', ['stem=0.5', '3.bias=0']],
      ['inputShape', ['3,32,32']],
      ['learningRate', ['1e-2']],
      ['metrics', ['f1', 'topK:k=5']],
      ['out', ['run-0.5']],
    ]);
    const { from, ...values } = await readSettings(config, flags);
    expect(values).toEqual({
      epochs: 5,
      batchSize: 16,
      'earlyStopping.patience': 2,
      'earlyStopping.restoreBest': false,
      rates: { stem: 0.5, '3.bias': 0 },
      inputShape: [3, 32, 32],
      learningRate: 0.01,
      metrics: [
        { kind: 'f1', options: {} },
        { kind: 'topK', options: { k: 5 } },
      ],
      augmentation: [{ kind: 'flipHorizontal', options: {} }],
      out: 'run-0.5',
    });
    expect(from.get('epochs')).toBe('--epochs');
    expect(from.get('batchSize')).toBe(`${config}: batchSize`);
  });

  it('may begin with a byte order mark', async () => {
    const { from: _, ...values } = await readSettings(
      file('marked.json', '\ufeff{ "epochs": 3 }'),
      new Map(),
    );
    expect(values).toEqual({ epochs: 3 });
  });

  it('are those of docs/cli.md, which are those of every help', async () => {
    const page = readFileSync(join(root, 'docs/cli.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([\w.]+)` \| `(.+?)` \| (.+) \|$/gm)];
    const table = rows.map(([, key, flag, rest]) => [key, flag, ...(rest ?? '').split(' | ')]);
    expect(table.map(([key]) => key)).toEqual(keys);
    for (const [key, flag, ...rest] of table) {
      const { type, otherwise, commands, about, ...field } = fields[key as Key];
      expect([flag, ...rest], key).toEqual([
        field.flag,
        type.name,
        otherwise,
        commands.join(', '),
        about,
      ]);
    }
    for (const name of ['train', 'eval', 'predict', 'summary', 'graph', 'check', 'bench']) {
      const { code, out } = await command(name, '--help');
      expect(code).toBe(0);
      for (const key of keys) {
        const takes = fields[key].commands.some((each) => each === name);
        const listed = out.match(new RegExp(`^ {2}${fields[key].flag}[ \\n]`, 'm')) !== null;
        expect(listed, `${name} ${key}`).toBe(takes);
      }
      expect(out).toMatch(new RegExp(`Examples:\n {2}stridenet ${name}`));
    }
  });

  it('of the configuration in docs/cli.md are right', async () => {
    const page = readFileSync(join(root, 'docs/cli.md'), 'utf8');
    const [, json = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
    const { data: _, ...rest } = JSON.parse(json) as Record<string, unknown>;
    const config = file('page.json', { ...rest, inputShape: [1, 32, 32] });
    const { code, out, err } = await command('summary', '--config', config);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/body.0 \(conv2d\)/);
  });
});

it.each([
  ['train --config c.json', 'train --config c.json --resume'],
  ['train --resume --seed 3', 'train --seed 3 --resume'],
  ['train --resume run/a.safetensors --seed 3', 'train --seed 3 --resume'],
  ['train --resume=run --seed 3', 'train --seed 3 --resume'],
  ['train --data my;data', "train --data 'my;data' --resume"],
  ["train --data it's", "train --data 'it'\\''s' --resume"],
])('%s goes on by %s', (line, wanted) => {
  expect(resumeLine(line.split(' '))).toBe(`npx stridenet ${wanted}`);
});

it('training that is interrupted before a step goes on from the checkpoint that there is', async () => {
  const directory = join(folder, 'begun');
  const layers = [sn.layers.flatten(), sn.layers.dense({ units: 2 })];
  const data = { x: sn.zeros([6, 1, 2, 2]), y: sn.zeros([6], 'int32') };
  const net = sn.sequential({ inputShape: [1, 2, 2], layers });
  await net.fit(data, { batchSize: 2, checkpoint: { directory } });
  const said = (steps: { begun: number; done: number }) =>
    interruption(directory, steps, ['train', '--resume']);
  const path = join(directory, 'checkpoint-000000000003.safetensors');
  const line = 'to go on: npx stridenet train --resume';
  expect(await said({ begun: 3, done: 3 })).toBe(
    `interrupted after step 3: there is ${path}\n${line}`,
  );
  expect(await said({ begun: 0, done: 3 })).toBe(
    `interrupted after step 3: wrote ${path}\n${line}`,
  );
  expect(await said({ begun: 0, done: 0 })).toBe(
    'interrupted before the first step: nothing was saved',
  );
});

describe('wrong command lines end with 2', () => {
  it.each([
    ['trian', /^unknown command 'trian' \(Did you mean train\?\)\n$/],
    ['train --epoch 3', /^unknown option '--epoch' \(Did you mean --epochs\?\)\n$/],
    ['train --epochs x', /^--epochs needs an integer of 0 or more, not 'x'\n$/],
    ['train --epochs -1', /^--epochs needs an integer of 0 or more, not -1\n$/],
    ['train --epochs 1.5', /^--epochs needs an integer/],
    ['train --epochs 99999999999', /^--epochs needs an integer/],
    ['train --epochs', /^option '--epochs <n>' argument missing\n$/],
    ['train --out --seed 1', /^--out needs a value before --seed\n$/],
    ['train --threads 0', /^--threads needs an integer from 1 to 1024, not 0\n$/],
    ['train --learning-rate nan', /^--learning-rate needs a number above 0, not 'nan'\n$/],
    ['train --learning-rate Infinity', /^--learning-rate needs a number above 0/],
    ['train --validation-split 1', /^--validation-split needs a number above 0 and below 1, not 1/],
    [
      'train --dtype float23',
      /^--dtype needs one of float32, float64, not 'float23': did you mean 'float32'\?/,
    ],
    ['train --optimizer adma', /^--optimizer needs one of .*, not 'adma': did you mean 'adam'\?/],
    [
      'train --optimizer adam:beta=1',
      /^--optimizer.beta is no option: did you mean 'beta1'\? \(its/,
    ],
    ['train --optimizer adam:beta1=2', /^--optimizer: \[adam\] expected beta1 to be a number/],
    [
      'train --schedule warmUp:epochs=1,next=cosin',
      /^--schedule.next needs one of .* did you mean 'cosine'/,
    ],
    ['train --loss squared', /^--loss needs one of .*, not 'squared'/],
    ['train --metric mean', /^--metric needs one of .*, not 'mean'/],
    ['train --optimizer adamw', /^--optimizer needs .*, not 'adamw': did you mean 'adamW'\?/],
    ['train --metric topK', /^--metric.k is missing: give one like topK:k=5\n$/],
    ['train --metric top3', /^--metric needs .*, not 'top3': did you mean 'topK:k=3'\?\n$/],
    ['train --metric topk:k=0', /^--metric needs .* did you mean 'topK'\?/],
    ['train --metric topK:k=0', /^--metric: \[topK\] expected k/],
    ['train --out m.onnx', /^--out needs a path that ends in .safetensors, .*, not 'm.onnx'/],
    ['train --out m.PT --model lenet5', /^--out needs .*, not 'm.PT'/],
    ['train --history h.txt', /^--history needs a path that ends in .csv or .jsonl, not 'h.txt'/],
    ['train --out run-0.5', /^a model is needed/],
    ['train --history h', /^--history needs .*, not 'h'/],
    ['train --augment flipHorizontl', /^--augment needs one of .* did you mean 'flipHorizontal'\?/],
    ['train --augment cutout:size=0', /^--augment: \[cutout\] expected size/],
    ['train --rate stem', /^--rate needs numbers by name/],
    [
      'train --input-shape 3,x --model lenet5',
      /^--input-shape needs a list of integers of 1 or more/,
    ],
    ['train --model lenet5', /^data are needed: --data mnist/],
    ['train --data mnits --model lenet5', /^--data needs one of .* did you mean 'mnist'\?/],
    ['train --data mnist:pat=x --model lenet5', /^--data.pat is no option: did you mean 'path'\?/],
    [
      'train --data FOLDER:sizes=8 --model lenet5',
      /^--data.sizes is no option: did you mean 'size'/,
    ],
    [
      'train --data FOLDER --model lenet5',
      /^--data.size is missing: images need one, like --data /,
    ],
    ['train --data mnist', /^a model is needed: one of alexnet, .*, or a file\n$/],
    [
      'train --data mnist --model lenet6',
      /^--model needs a model \(.*\) or a file, and 'lenet6' is neither: did you mean 'lenet5'\?/,
    ],
    ['train --resume', /^--resume needs --checkpoint FOLDER/],
    ['train --checkpoint-keep 2', /^checkpoints need a folder: --checkpoint FOLDER\n$/],
    ['train --epochs 1 --steps 2', /^--epochs and --steps exclude each other\n$/],
    ['train extra', /^too many arguments for 'train'/],
    ['summary lenet5:poling=max', /^<model>.poling is no option: did you mean 'pooling'\?/],
    ['summary lenet5 --classes 0', /^--classes needs an integer of 1 or more, not 0\n$/],
    ['graph lenet5 --out x.png', /^--out needs a file that ends in .svg, .*, not 'x.png'\n$/],
    ['predict model.safetensors', /^missing required argument 'files'\n$/],
    ['eval', /^missing required argument 'model'\n$/],
    ['info --jso', /^unknown option '--jso' \(Did you mean --json\?\)\n$/],
  ])('%s', async (line, message) => {
    const { code, out, err } = await command(...line.replace('FOLDER', folder).split(' '));
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/ {4}at /);
  });
});

describe('wrong configurations end with 2 and the path of the key', () => {
  const conv = { kind: 'conv2d', filters: 4, kernelSize: 3 };
  it.each<[unknown, RegExp]>([
    ['{ "epochs": 3,', /wrong.json is no JSON: /],
    ['{\n  "epochs": x,\n  "seed": 1\n}', /^.*wrong.json is no JSON: .*\n$/],
    ['\u001b[31m\u0000', /^\P{Cc}*wrong.json is no JSON: \P{Cc}*\n$/u],
    [[], /wrong.json must hold an object of settings, not \[\]/],
    [{ epoch: 3 }, /wrong.json: there is no key 'epoch': did you mean 'epochs'\?/],
    [{ xyzzy: 3 }, /wrong.json: there is no key 'xyzzy'; its keys are data, /],
    [{ epochs: '3' }, /wrong.json: epochs needs an integer of 0 or more, not '3'/],
    [{ epochs: null }, /wrong.json: epochs needs an integer of 0 or more, not null/],
    [{ winograd: 1 }, /wrong.json: winograd needs true or false, not 1/],
    [{ earlyStopping: 5 }, /wrong.json: earlyStopping needs an object of patience, .*, not 5/],
    [
      { earlyStopping: { patince: 5 } },
      /'earlyStopping.patince': did you mean 'earlyStopping.patience'/,
    ],
    [
      { checkpoint: { keep: 0 } },
      /wrong.json: checkpoint.keep needs an integer of 1 or more, not 0/,
    ],
    [{ optimizer: ['adam'] }, /wrong.json: optimizer needs a kind like .*, not \["adam"\]/],
    [{ metrics: 3 }, /wrong.json: metrics needs a list of kinds, .*, not 3/],
    [{ backend: 'gpu' }, /wrong.json: backend needs one of native, reference, not 'gpu'/],
    [{ model: { layer: [] } }, /wrong.json: model.layer is no option: did you mean 'layers'\?/],
    [{ model: { layers: 3 } }, /wrong.json: model.layers needs a list of layers/],
    [{ model: { layers: [conv] } }, /wrong.json: model.inputShape is missing/],
    [{ model: { layers: [3] } }, /wrong.json: model.layers\[0\] needs a kind/],
    [
      { model: { layers: [{ kind: 'conv3d' }] } },
      /model.layers\[0\] needs one of .* did you mean 'conv1d'/,
    ],
    [
      { model: { layers: [conv, { ...conv, kernelsize: 3 }] } },
      /wrong.json: model.layers\[1\].kernelsize is no option: did you mean 'kernelSize'\?/,
    ],
    [
      { model: { layers: [{ kind: 'residual', layers: [{ ...conv, filters: 0 }] }] } },
      /wrong.json: model.layers\[0\].layers\[0\]: \[conv2d\] expected filters/,
    ],
    [
      { model: { layers: [{ ...conv, initializer: 'heNorml' }] } },
      /model.layers\[0\].initializer needs one of .* did you mean 'heNormal'\?/,
    ],
    [
      { inputShape: [4, 4], model: { layers: [conv] } },
      /wrong.json: model: layer 0 \(conv2d\), whose input is \(4, 4\)/,
    ],
  ])('%j', async (config, message) => {
    const name = file('wrong.json', config);
    const { code, out, err } = await command('summary', '--config', name);
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/ {4}at /);
  });
});

describe('of a saved model', () => {
  const saved = async (name: string, units: number, hidden = 3): Promise<string> => {
    const path = join(folder, name);
    const layers = [hidden, units].map((each) => sn.layers.dense({ units: each }));
    await sn.sequential({ inputShape: [4], layers, seed: units }).save(path);
    return path;
  };

  it('names of classes that do not fit end with 2', async () => {
    const path = await saved('two.safetensors', 2);
    for (const names of ['a,b,c', 'a', 'a,a']) {
      const { code, out, err } = await command('predict', path, 'x.npy', '--class-names', names);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/^--class-names: \[load\] expected classNames to be 2 different names/);
    }
    const config = file('names.json', { classNames: ['a'] });
    const told = await command('eval', path, '--data', 'mnist', '--config', config);
    expect(told.code).toBe(2);
    expect(told.err).toMatch(/names.json: classNames: \[load\] expected classNames to be 2/);
  });

  it('the weights of another are loaded as far as they fit, where that is asked for', async () => {
    const [two, five] = [await saved('two.safetensors', 2), await saved('five.safetensors', 5)];
    const flags = ['summary', two, '--weights', five];
    expect(await command(...flags)).toMatchObject({ code: 1, out: '' });
    const { code, err } = await command(...flags, '--partial-weights');
    expect(code).toBe(0);
    expect(err).toBe(`${five}: 2 of 4 parameters loaded; not 1.weight, 1.bias\n`);
    const none = await saved('unlike.safetensors', 1, 7);
    const unfit = await command('summary', two, '--partial-weights', '--weights', none);
    expect([unfit.code, unfit.err]).toEqual([
      1,
      `--weights: no tensor of ${none} fits the model\n`,
    ]);
    const alone = await command('summary', two, '--partial-weights');
    expect(alone).toMatchObject({
      code: 2,
      err: '--partial-weights needs weights: --weights FILE\n',
    });

    const chosen = { model: { kind: two, options: {} }, weights: five, partialWeights: true };
    const silent = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const net = await modelOf({ ...chosen, from: new Map() });
    silent.mockRestore();
    const [own, other] = [await sn.load(two), await sn.load(five)].map((each) => each.parameters());
    for (const [key, { data }] of net.parameters()) {
      expect(data, key).toEqual((key.startsWith('0') ? other : own)?.get(key)?.data);
    }
  });
});

describe('what is missing or damaged ends with 1', () => {
  it.each([
    ['summary --config FOLDER/none.json', /^--config .*none.json: there is no such file\n$/],
    ['summary FOLDER/none.safetensors', /^<model>: there is no file .*none.safetensors\n$/],
    ['summary FOLDER/cut.safetensors', /cut.safetensors/],
    ['train --model lenet5 --data FOLDER/none', /^--data: there is no file or folder .*none\n$/],
    ['train --model lenet5 --data mnist:path=FOLDER', /lacks train-images-idx3-ubyte/],
    ['predict FOLDER/none.safetensors x.npy', /^<model>: there is no file/],
  ])('%s', async (line, message) => {
    file('cut.safetensors', 'x');
    const args = line.replaceAll('FOLDER', folder).split(' ');
    const { code, out, err } = await command(...args);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/ {4}at /);
    const debugged = await command(...args, '--debug');
    expect(debugged.code).toBe(1);
    expect(debugged.err).toMatch(/ {4}at /);
  });
});
