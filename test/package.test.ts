import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { transform } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { addonFile, type Consumer, installPackage, runNode } from './support/package.ts';

const root = path.resolve(import.meta.dirname, '..');
const modules = path.join(root, 'node_modules');
// Other programs run: compilers, bundlers and npm, ten seconds of a free CPU in all.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });
let consumer: Consumer;
beforeAll(() => {
  consumer = installPackage();
});
afterAll(() => rmSync(path.dirname(consumer.tarball), { recursive: true, force: true }));

const write = (name: string, text: string): void => {
  const file = path.join(consumer.folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
};
const manifest = (type: string): string =>
  JSON.stringify({ name: 'consumer', private: true, type });

/** Trains for a step, predicts, and prints the file of the addon and the shape of the output. */
const use = `
const net = sn.sequential({
  inputShape: [1, 8, 8],
  layers: [sn.layers.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }), sn.layers.flatten(), sn.layers.dense({ units: 2 })],
  backend: sn.cpuInfo().addon === null ? 'reference' : 'native',
});
const data = { x: sn.zeros([4, 1, 8, 8]), y: sn.tensor([0, 1, 0, 1], [4], 'int32') };
net.fit(data, { epochs: 1, batchSize: 2 }).then(async () => {
  const { shape } = await net.predict(data.x);
  console.log(JSON.stringify({ addon: sn.cpuInfo().addon, shape, name: sn.Tensor.name }));
  net.dispose();
});
`;

/** Checks that a program printed what `use` prints, and nothing else: no warning of Node. */
function expectItRan(outcome: ReturnType<Consumer['node']>, addon: string): void {
  expect(outcome.stderr).toBe('');
  expect(outcome.status).toBe(0);
  const printed = JSON.parse(outcome.stdout);
  expect(printed.shape).toEqual([4, 2]);
  expect(printed.name).toBe('Tensor');
  if (addonFile !== null) expect(printed.addon).toContain(addon);
}

describe('the packed package', () => {
  it('is clean to publint --strict', async () => {
    const tarball = readFileSync(consumer.tarball);
    const buffer = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.length);
    const { messages, pkg } = await publint({
      pack: { tarball: buffer as ArrayBuffer },
      strict: true,
    });
    expect(messages.map((message) => formatMessage(message, pkg as object))).toEqual([]);
  });

  it('is clean to attw', () => {
    const cli = path.join(modules, '@arethetypeswrong/cli/dist/index.js');
    const args = [cli, consumer.tarball, '--profile', 'esm-only', '--no-emoji', '--no-color'];
    const { status, stdout, stderr } = runNode(root, args);
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toMatch(/from ESM\) +│ OK \(ESM\)/);
    expect(stdout).toMatch(/bundler +│ OK /);
  });

  it('is imported and required', () => {
    const addon = path.join('node_modules', 'stridenet', 'prebuilds');
    write('package.json', manifest('commonjs'));
    write('import.mjs', `import * as sn from 'stridenet';${use}`);
    expectItRan(consumer.node('import.mjs'), addon);
    write('require.cjs', `const sn = require('stridenet');${use}`);
    expectItRan(consumer.node('require.cjs'), addon);
  });

  it('awaits nothing while it is loaded, which require() would refuse', async () => {
    const dist = path.join(consumer.folder, 'node_modules/stridenet/dist');
    const scripts = readdirSync(dist).filter((name) => name.endsWith('.js'));
    expect(scripts).toContain('index.js');
    for (const name of scripts) {
      const text = readFileSync(path.join(dist, name), 'utf8');
      await transform(text, { format: 'esm', supported: { 'top-level-await': false } });
    }
  });

  it('is one copy, however it is loaded', () => {
    write(
      'both.mjs',
      `import { createRequire } from 'node:module';
      import { Tensor } from 'stridenet';
      console.log(createRequire(import.meta.url)('stridenet').Tensor === Tensor);`,
    );
    expect(consumer.node('both.mjs').stdout).toBe('true\n');
  });
});

const source = `
const options: sn.SequentialOptions = { inputShape: [1, 8, 8], layers: [sn.layers.dense({ units: 2 })] };
const net: sn.Network = sn.sequential(options);
const fit: sn.FitOptions = { epochs: 1, signal: new AbortController().signal };
export const history: Promise<sn.History> = net.fit({ x: sn.zeros([2, 1, 8, 8]), y: sn.zeros([2]) }, fit);
export const y: sn.Tensor<'float32'> = sn.ops.relu(sn.zeros([2], 'float32'));
export const conv: sn.ops.Conv2dOptions = { stride: 1 };
export const grad = sn.grad((x: sn.Variable) => sn.ops.sum(sn.ops.mul(x, x)));
export const read: Promise<sn.Tensor> = sn.data.readIdx(new URL('file:///x'));
// @ts-expect-error: undefined is no stride under exactOptionalPropertyTypes
export const exact: sn.ops.Conv2dOptions = { stride: undefined };
// @ts-expect-error: no such layer
sn.layers.conv4d({});
`;

describe('types for a project', () => {
  it.each([
    ['nodenext', 'nodenext', 'module', 'index.ts'],
    ['node16', 'node16', 'module', 'index.ts'],
    ['esnext', 'bundler', 'module', 'index.ts'],
    ['nodenext', 'nodenext', 'commonjs', 'index.cts'],
  ])('of module %s, resolution %s, type %s', (module, moduleResolution, type, file) => {
    const folder = path.join('types', `${module}-${type}`);
    const from = file.endsWith('.cts')
      ? "import sn = require('stridenet');"
      : "import * as sn from 'stridenet';";
    write(path.join(folder, 'package.json'), manifest(type));
    write(path.join(folder, file), from + source);
    const compilerOptions = {
      ...{ module, moduleResolution, target: 'es2022', lib: ['ES2022'], types: ['node'] },
      ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
    };
    write(path.join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
    const tsc = path.join(modules, 'typescript-7/bin/tsc');
    const { status, stdout } = consumer.node(tsc, '-p', folder);
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});

describe('esbuild', () => {
  /** The blocks of docs/bundling.md in their order. */
  const recipes = [
    ...readFileSync(path.join(root, 'docs/bundling.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g),
  ].map(([, block]) => block as string);

  beforeAll(() => {
    write('package.json', manifest('module'));
    write('app.mjs', `import * as sn from 'stridenet';${use}`);
  });

  it('leaves the package outside', () => {
    write('external.mjs', recipes[0] as string);
    expect(consumer.node('external.mjs')).toMatchObject({ status: 0, stderr: '' });
    expectItRan(consumer.node('out/app.mjs'), path.join('node_modules', 'stridenet', 'prebuilds'));
  });

  it('bundles the package, the prebuilds beside it', () => {
    write('bundle.mjs', recipes[1] as string);
    expect(consumer.node('bundle.mjs')).toMatchObject({ status: 0, stderr: '' });
    // Elsewhere, without node_modules: nothing but the folder is needed.
    const moved = path.join(path.dirname(consumer.tarball), 'moved');
    cpSync(path.join(consumer.folder, 'out-bundle'), moved, { recursive: true });
    expectItRan(
      runNode(path.dirname(moved), [path.join(moved, 'app.mjs')]),
      path.join('moved', 'prebuilds'),
    );
  });
});
