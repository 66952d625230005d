import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import * as sn from '../lib/index.ts';
import { trainOptions } from '../lib/train/options.ts';
import { example, root } from './support/example.ts';
import { multiplyAddCount, parameterCount } from './support/models.ts';

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'docs/architecture.md',
  'docs/adding-an-op.md',
  'docs/bundling.md',
  'docs/cli.md',
  'docs/data.md',
  'docs/drawing.md',
  'docs/examples/README.md',
  'docs/graphs.md',
  'docs/migrating.md',
  'docs/models.md',
  'docs/numerics.md',
  'docs/performance.md',
  'docs/serving.md',
  'docs/tensors.md',
  'docs/training.md',
];
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const native = tryAddon() !== null;
if (!native) console.log('skipped: running the examples, no addon is built');

describe('the pages', () => {
  it.each(pages)('%s names files that are there', (page) => {
    const text = read(page).replace(/```[\s\S]*?```/g, '');
    const names = [...text.matchAll(/`((?:lib|native|test|docs|\.ci)\/[\w./-]+\.\w+)`/g)];
    // X stands for any family.
    for (const [, name] of names.filter(([, file]) => !file?.includes('/X.'))) {
      expect(existsSync(join(root, name as string)), name).toBe(true);
    }
    for (const [, link] of text.matchAll(/\]\((?!http)([^)#]+)\)/g)) {
      expect(existsSync(join(root, page, '..', link as string)), link).toBe(true);
    }
  });

  it('quote the four rooms of relu as they are', () => {
    const code = [...read('docs/adding-an-op.md').matchAll(/```(?:ts|cpp)\n([\s\S]*?)```/g)];
    const sources = [
      ...['lib/ops/relu.ts', 'lib/reference/relu.ts', 'native/ops/relu.cpp'],
      'native/kernels/elementwise.inl.h',
      'docs/examples/own-operator.ts',
    ]
      .map(read)
      .join('\n');
    // The case of relu is one of the page's own; so are its comments.
    const lines = code
      .map(([, block]) => block as string)
      .filter((block) => !block.includes("operator: 'relu'"))
      .flatMap((block) => block.split('\n'))
      .map((line) => line.replace(/\s+\/\/ .*$/, '').trim())
      .filter((line) => line !== '' && line !== '…');
    expect(lines.length).toBeGreaterThan(40);
    for (const line of lines) expect(sources).toContain(line);
  });

  it('quote the layer of the examples as it is', () => {
    const [, block = ''] = /```ts\n(const excite =[\s\S]*?)```/.exec(read('README.md')) ?? [];
    expect(block).not.toBe('');
    expect(read('docs/examples/own-layer.ts')).toContain(block);
  });

  it('show a graph in code that the strictest settings accept', async () => {
    const [, block = ''] = /## Graphs[\s\S]*?```ts\n([\s\S]*?)```/.exec(read('README.md')) ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
    const strict = [
      `import * as sn from ${JSON.stringify(join(root, 'lib/index.ts'))};`,
      block,
      'const [first]: number[] = [];',
      '// @ts-expect-error: entries may be missing',
      'first.toFixed();',
    ];
    writeFileSync(join(folder, 'snippet.mts'), strict.join('\n'));
    const settings = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: {
        noUncheckedIndexedAccess: true,
        rewriteRelativeImportExtensions: false,
        typeRoots: [join(root, 'node_modules/@types')],
      },
      include: ['snippet.mts'],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
    const tsc = join(root, 'node_modules/typescript-7/bin/tsc');
    const run = promisify(execFile)(process.execPath, [tsc, '--pretty', 'false', '-p', folder]);
    // The library's own sources are written for other settings: the output tells whose errors there are.
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    expect(stdout.split('\n').filter((line) => line.includes('snippet.mts'))).toEqual([]);
    expect(stdout).not.toMatch(/^error TS/m);
    expect(block).toContain('graph.evaluate(');
  });

  it('name every operator, layer, loss, optimizer and augmentation', () => {
    const readme = read('README.md');
    const words = new Set(readme.match(/\w+/g));
    const names = [sn.ops, sn.layers, sn.losses, sn.optimizers, sn.augmentations].flatMap(
      Object.keys,
    );
    expect(names.filter((name) => !words.has(name))).toEqual([]);
  });

  it('count what models have, and name every one', () => {
    const page = read('docs/models.md');
    const rows = [...page.matchAll(/^\| `(.+\))` \| \((.+)\) \| ([\d,]+) \| ([\d,]+) \|$/gm)];
    for (const [, call, image, ...numbers] of rows) {
      const make = new Function('models', `return models.${call}`) as (of: object) => sn.Network;
      const net = make(sn.models);
      const found = [parameterCount(net), multiplyAddCount(net)];
      expect(net.architecture.inputShape.join(','), call).toBe(image);
      expect(
        found.map((count) => count.toLocaleString('en-US')),
        call,
      ).toEqual(numbers);
    }
    expect(rows.length).toBeGreaterThan(10);
    const words = new Set(page.match(/\w+/g));
    expect(Object.keys(sn.models).filter((name) => !words.has(name))).toEqual([]);
  });

  it('name nothing in the tables of other libraries that is not there', () => {
    const rows = read('docs/migrating.md').matchAll(/^\|.*\| (.*) \|$/gm);
    const code = [...rows].flatMap(([, cell]) => cell?.match(/`[^`]+`/g) ?? []);
    const rooms = [sn.layers, sn.losses, sn.optimizers, sn.schedules, sn.augmentations, sn.data];
    const known = new Set([...rooms, sn.ops, sn.initializers].flatMap((room) => Object.keys(room)));
    for (const name of trainOptions) known.add(name);
    for (const { prototype } of [sn.data.Dataset, sn.models.mnist().constructor]) {
      for (const name of Object.getOwnPropertyNames(prototype)) known.add(name);
    }
    const others = [
      'net',
      'sn',
      'graph',
      'tensor',
      'trainable',
      'initializer',
      'padding',
      'threads',
    ];
    for (const name of others) known.add(name);
    let [paths, names] = [0, 0];
    for (const text of code) {
      for (const [path] of text.matchAll(/\bsn(?:\.\w+)+/g)) {
        const parts = path.split('.').slice(1);
        const found = parts.reduce<unknown>((at, part) => (at as never)?.[part], sn);
        expect(found, path).toBeDefined();
        paths++;
      }
      const first = /^`(?:await )?(\w+)/.exec(text)?.[1];
      if (first === undefined || first === 'for') continue;
      expect(known, text).toContain(first);
      names++;
    }
    expect(paths).toBeGreaterThan(30);
    expect(names).toBeGreaterThan(60);
  });

  it('quote messages as they are', () => {
    let message = '';
    try {
      sn.ops.conv2d(sn.zeros([1, 3, 8, 8]), sn.zeros([2, 4, 3, 3]));
    } catch (error) {
      const { code, message: text } = error as sn.StridenetError;
      message = `${code} ${text}`;
    }
    expect(read('README.md')).toContain(message);
  });

  it('list every example, and tests run each', () => {
    const names = readdirSync(join(root, 'docs/examples')).filter((file) => file.endsWith('.ts'));
    const table = read('docs/examples/README.md').matchAll(/^\| \[(\S+)\]\((\S+)\) \| .+ \|$/gm);
    const listed = [...table].map(([, name, link]) => {
      expect(link).toBe(name);
      return name;
    });
    expect(listed.sort()).toEqual(names.sort());
    const tests = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.test.ts'));
    const calls = /(?:example\('|join\(root, 'docs\/examples\/)([\w-]+\.ts)'/g;
    const runs = tests.flatMap((file) => [...read(`test/${file}`).matchAll(calls)]);
    const tried = new Set(runs.map(([, name]) => name));
    expect(names.filter((name) => !tried.has(name))).toEqual([]);
  });

  it('list every error code', () => {
    const codes = new Set(
      read('lib/errors.ts')
        .match(/'ERR_\w+'/g)
        ?.map((c) => c.slice(1, -1)),
    );
    const listed = new Set(
      read('README.md')
        .match(/`ERR_\w+`/g)
        ?.map((c) => c.slice(1, -1)),
    );
    expect([...listed].sort()).toEqual([...codes].sort());
  });
});

describe.skipIf(!native)('the examples', () => {
  it('differentiate and check a loss', async () => {
    const out = await example('gradient.ts');
    const error = Number(/central differences (\S+)/.exec(out)?.[1]);
    expect(out).toMatch(/^loss 0\.(19999|20000)/);
    expect(error).toBeLessThan(1e-8);
  });

  it('draw a network', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'stridenet-')), 'lenet5.svg');
    expect(await example('draw-graph.ts', [file])).toContain('13 operators');
    const svg = readFileSync(file, 'utf8');
    for (const label of ['0 (conv2d)', '7.bias', '(1, 16, 5, 5)']) expect(svg).toContain(label);
  });

  it('convolve as the sources do', async () => {
    const out = (await example('convolution.ts')).split('\n').map((line) => line.trim());
    expect(out.slice(1, 4)).toEqual(['4 3 4', '2 4 3', '2 3 4']);
    expect(out.slice(5, 9)).toEqual(['1 5 7 2', '0 -2 -4 1', '2 6 4 -3', '0 -2 -2 1']);
    expect(out.slice(10, 13)).toEqual(['-1 -4 0', '2 3 -2', '-2 -2 1']);
  });

  it('show a graph, its numbers, its cost and training by hand as docs/graphs.md does', async () => {
    const files = ['computation-graph.ts', 'hand-written-training.ts'];
    const [shown, trained] = [example('computation-graph.ts'), example('hand-written-training.ts')];
    const out = (await Promise.all([shown, trained])).join('');
    const source = files.flatMap((file) => read(`docs/examples/${file}`).split('\n'));
    const accuracy = Number(/accuracy of the network: (.*)/.exec(out)?.[1]);
    expect(accuracy).toBeGreaterThan(0.95);
    const blocks = [...read('docs/graphs.md').matchAll(/```(\w+)\n([\s\S]*?)```/g)];
    const of = (...kinds: string[]) =>
      blocks.flatMap(([, kind, text]) => (kinds.includes(kind as string) ? (text as string) : []));
    expect(of('mermaid', 'text').length).toBeGreaterThan(5);
    for (const text of of('mermaid', 'text')) expect(out).toContain(text);
    expect(read('README.md')).toContain(of('text')[0]);
    const lines = of('ts').flatMap((text) => text.split('\n'));
    const run = lines.filter((line) => line !== "import * as sn from 'stridenet';");
    expect(run.length).toBeGreaterThan(30);
    for (const line of run) expect(source).toContain(line);
  });

  it('define an operator and a layer', async () => {
    const operator = await example('own-operator.ts');
    expect(operator).toContain('value [ 1, 2, 3 ]');
    expect(operator.match(/gradient \[ -1, -2, -3 \]/g)).toHaveLength(2);
    const layer = await example('own-layer.ts');
    expect(layer).toContain('body.0 (excite)');
    expect(Number(/accuracy .* (0\.\d+)$/m.exec(layer)?.[1])).toBeGreaterThan(0.9);
    expect(Number(/gradient check (\S+)/.exec(layer)?.[1])).toBeLessThan(1e-7);
    expect(layer).toMatch(/loaded 0.weight 0.bias 1.body.0.squeeze 1.body.0.expand/);
  });

  it('define a loss', { timeout: 120_000 }, async () => {
    const out = await example('own-loss.ts');
    const [entropy, plain, focal] = [...out.matchAll(/\} (\d\.\d+)$/gm)].map(([, text]) =>
      Number(text),
    ) as [number, number, number];
    expect(plain).toBeCloseTo(entropy, 6);
    expect(focal).toBeLessThan(plain);
    expect(Number(/accuracy (\d+\.\d+) %/.exec(out)?.[1])).toBeGreaterThan(93);
  });

  it('go on after a kill, to the same weights', { timeout: 180_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
    const whole = await example('resume.ts', [join(folder, 'whole'), '2']);
    const script = join(root, 'docs/examples/resume.ts');
    const settings = ['--import', 'tsx', script, join(folder, 'killed'), '2'];
    const child = spawn(process.execPath, settings, { cwd: root });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const resumed = await example('resume.ts', [join(folder, 'killed'), '2']);
    expect(resumed).toMatch(/^goes on after step \d+/);
    expect(resumed.split('\n').at(-2)).toBe(whole.split('\n').at(-2));
    rmSync(folder, { recursive: true });
  });

  it('predict with weights in the names of PyTorch', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
    const file = join(folder, 'resnet18.safetensors');
    await sn.models.resnet18({ classes: 4, stem: 'small', seed: 5 }).saveWeights(file);
    const out = await example('pytorch-weights.ts', [file, '4']);
    expect(out).toMatch(/^102 tensors loaded, passed over: 0\n\[ \d, \d \]/);
    rmSync(folder, { recursive: true });
  });

  it('A15: tell 4 from 9 by either loss', { timeout: 180_000 }, async () => {
    const out = await example('four-or-nine.ts');
    for (const loss of ['cross-entropy', 'sum of squares']) {
      const accuracy = Number(new RegExp(`${loss}: test accuracy (\\d+\\.\\d+) %`).exec(out)?.[1]);
      expect(accuracy, loss).toBeGreaterThan(98);
    }
  });

  it('train better on 500 digits by augmenting them', { timeout: 180_000 }, async () => {
    const out = await example('augmentation.ts');
    const [before = 0, after = 0] = [...out.matchAll(/accuracy (\d+\.\d+) %/g)].map(([, share]) =>
      Number(share),
    );
    expect(before).toBeGreaterThan(80);
    expect(after).toBeGreaterThan(before + 3);
  });

  it('D1, D3, D4, D6: build each as published, train it smaller', {
    timeout: 180_000,
  }, async () => {
    const out = await example('networks.ts');
    const published: Readonly<Record<string, RegExp>> = {
      lenet5: /^total +61,706 +416,520 /m,
      alexnet: /^total +61,100,840 +714,188,480 /m,
      alexnetTwoTowers: /^total +60,965,224 +724,406,816 /m,
      networkInNetwork: /^total +966,986 +222,486,528 /m,
      inception: /^1 \(branches\) +\(256, 28, 28\) +163,696 /m,
      resnext: /^1 \(residual\) +\(256, 56, 56\) +63,488 /m,
    };
    const sections = out.trimEnd().split('\n\n');
    expect(sections.map((text) => text.split('\n')[0])).toEqual(Object.keys(published));
    for (const text of sections) {
      const [name = ''] = text.split('\n');
      expect(text).toMatch(published[name] as RegExp);
      const [, before, after] = /loss (\d\.\d+), then (\d\.\d+)$/.exec(text) ?? [];
      expect(Number(after), name).toBeLessThan(Number(before) / 2);
    }
  });

  it('D5: train a residual network on 2000 digits', { timeout: 180_000 }, async () => {
    const out = await example('residual.ts');
    const losses = [...out.matchAll(/loss (\d+\.\d+)/g)].map(([, loss]) => Number(loss));
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan((losses[0] as number) / 4);
    expect(Number(/test accuracy (\d+\.\d+) %/.exec(out)?.[1])).toBeGreaterThan(90);
  });

  it('D2: train LeNet-5 of 1998 to 95 % in one epoch', { timeout: 180_000 }, async () => {
    const out = await example('lenet-original.ts', ['1']);
    expect(Number(/test accuracy (\d+\.\d+) %/.exec(out)?.[1])).toBeGreaterThan(95);
    expect(out.split('\n').map((line) => line.trim())).toContain('· X X X · · X X X X · · X · X X');
  });

  it('learn other digits from few images with the weights of a file', {
    timeout: 180_000,
  }, async () => {
    const out = await example('transfer-learning.ts');
    expect(out).toMatch(/loaded backbone.0.weight .* passed over low.weight low.bias/);
    const [fresh = 100, head = 0, all = 0] = [...out.matchAll(/: (\d+\.\d) %/g)].map(
      ([, percent]) => Number(percent),
    );
    expect(head).toBeGreaterThan(70);
    expect(head).toBeGreaterThan(fresh + 2);
    expect(all).toBeGreaterThan(fresh + 2);
  });

  it('train on MNIST to 96 % in two epochs', { timeout: 180_000 }, async () => {
    const accuracy = Number(/accuracy: (0\.\d+)/.exec(await example('train-mnist.ts'))?.[1]);
    expect(accuracy).toBeGreaterThan(0.96);
  });
});
