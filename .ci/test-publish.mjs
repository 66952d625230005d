// Publishes the package to a registry on loopback and installs it from there, as its users will:
// npm changes what it publishes (it adds an install script beside a binding.gyp), which `npm pack`
// does not show. Then installs without a network and a compiler. Needs dist/ and prebuilds/.
import { spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { root } from './tools.mjs';

const home = mkdtempSync(path.join(os.tmpdir(), 'stridenet-publish-'));
const { name, version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

function fail(message) {
  throw new Error(message);
}

function findNpm() {
  if (process.env.npm_execpath) return process.env.npm_execpath;
  const { stdout } = spawnSync('which', ['npm'], { encoding: 'utf8' });
  return realpathSync(stdout.trim());
}
const npmScript = findNpm();

/** Runs npm; gives its standard output. */
function npm(args, { cwd, env = {} }) {
  const result = spawnSync(process.execPath, [npmScript, ...args], {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    // Settings of the npm that runs this script would count more than the flags' defaults.
    env: { ...withoutNpmSettings(process.env), npm_config_update_notifier: 'false', ...env },
  });
  if (result.status !== 0) fail(`npm ${args.join(' ')}:\n${result.stdout}\n${result.stderr}`);
  return result.stdout;
}

function withoutNpmSettings(environment) {
  return Object.fromEntries(
    Object.entries(environment).filter(([key]) => !/^npm_(?!config_(cache|userconfig)$)/.test(key)),
  );
}

/** A port that nobody has. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Starts the registry, which passes on what it has not: its address and how to end it. */
async function startRegistry() {
  const folder = path.join(root, '.ci', 'publish');
  npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  const port = await freePort();
  const config = {
    storage: path.join(home, 'storage'),
    uplinks: { upstream: { url: npm(['config', 'get', 'registry'], { cwd: root }).trim() } },
    packages: {
      [name]: { access: '$all', publish: '$anonymous' },
      '**': { access: '$all', proxy: 'upstream' },
    },
    auth: { htpasswd: { file: path.join(home, 'htpasswd') } },
    log: { type: 'stdout', level: 'warn' },
  };
  const file = path.join(home, 'verdaccio.yaml');
  writeFileSync(file, JSON.stringify(config));
  const bin = path.join(folder, 'node_modules', 'verdaccio', 'bin', 'verdaccio');
  const args = [bin, '--config', file, '--listen', `127.0.0.1:${port}`];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const address = `http://127.0.0.1:${port}/`;
  for (let i = 0; i < 600; i++) {
    if (child.exitCode !== null) fail(`verdaccio ended with ${child.exitCode}`);
    const answers = await fetch(`${address}-/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answers) return { address, end: () => child.kill() };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return fail('verdaccio does not answer');
}

function newProject(label) {
  const folder = path.join(home, label);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  return folder;
}

const program = `
  import * as sn from 'stridenet';
  const start = performance.now();
  const net = sn.models.lenet5({ seed: 1 });
  const y = await net.predict(sn.zeros([2, 1, 28, 28]));
  const { addon } = sn.cpuInfo();
  console.log(JSON.stringify({ addon, shape: y.shape }));`;

/** Runs a network on what a project has installed; fails unless the prebuilt addon does it. */
function use(project, env = process.env) {
  const args = ['--input-type=module', '--eval', program];
  const result = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8', env });
  if (result.status !== 0 || result.stderr !== '') fail(`${project}:\n${result.stderr}`);
  const { addon, shape } = JSON.parse(result.stdout);
  if (!addon.includes('prebuilds')) fail(`not the prebuilt addon: ${addon}`);
  if (shape.join() !== '2,10') fail(`a prediction of shape ${shape}`);
}

/** Fails when npm would run something at installation. */
function expectNoScript(label, manifest) {
  const scripts = Object.keys(manifest.scripts ?? {}).filter((key) => /install/.test(key));
  if (scripts.length > 0 || manifest.hasInstallScript === true || manifest.gypfile === true) {
    fail(`${label} would run at installation: ${JSON.stringify(manifest)}`);
  }
}

/** Milliseconds of `import 'stridenet'`: the median of fresh processes. */
function importTime(project) {
  const code = `const start = performance.now(); await import('stridenet'); console.log(performance.now() - start);`;
  const times = Array.from({ length: 15 }, () => {
    const args = ['--input-type=module', '--eval', code];
    return Number(spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' }).stdout);
  });
  return times.sort((a, b) => a - b)[7];
}

async function publishAndInstall() {
  const { address, end } = await startRegistry();
  try {
    const rc = path.join(home, 'npmrc');
    writeFileSync(rc, `registry=${address}\n${address.replace('http:', '')}:_authToken=none\n`);
    const env = { npm_config_userconfig: rc, npm_config_cache: path.join(home, 'cache') };
    npm(['publish', '--tag', 'latest', '--provenance=false'], { cwd: root, env });
    const published = await (await fetch(`${address}${name}`)).json();
    expectNoScript('what is published', published.versions[version]);
    for (const scripts of ['off', 'allowed']) {
      const project = newProject(`scripts-${scripts}`);
      npm(['install', `--ignore-scripts=${scripts === 'off'}`, name], { cwd: project, env });
      const lock = path.join(project, 'node_modules', '.package-lock.json');
      const { packages } = JSON.parse(readFileSync(lock, 'utf8'));
      expectNoScript('what is installed', packages[`node_modules/${name}`]);
      use(project);
      console.log(`installed from a registry with scripts ${scripts}: runs`);
    }
    return env;
  } finally {
    end();
  }
}

/** Installs the tarball where PATH has Node alone, and npm's cache what it was filled with before. */
function installOffline(env) {
  const tools = path.join(home, 'bin');
  mkdirSync(tools);
  symlinkSync(process.execPath, path.join(tools, 'node'));
  symlinkSync('/bin/sh', path.join(tools, 'sh'));
  const [{ filename }] = JSON.parse(
    npm(['pack', '--json', '--pack-destination', home], { cwd: root }),
  );
  const project = newProject('offline');
  const alone = { ...env, PATH: tools };
  const args = ['install', '--offline', '--ignore-scripts', path.join(home, filename)];
  npm(args, { cwd: project, env: alone });
  use(project, { ...process.env, PATH: tools });
  console.log('installed offline, without scripts and a compiler: runs');
  const milliseconds = importTime(project);
  console.log(`importing it takes ${milliseconds.toFixed(1)} ms (median of 15, at most 50)`);
  if (!(milliseconds <= 50)) process.exitCode = 1;
}

try {
  installOffline(await publishAndInstall());
} finally {
  rmSync(home, { recursive: true, force: true });
}
