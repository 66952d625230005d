// Compiles the addon by node-gyp from the sources beside this file into build/Release of the folder
// above: of a clone, or of an installed package (`npx stridenet build`, where no prebuilt addon
// fits). Plain JavaScript without dependencies, since it also runs before `npm ci`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';
/** What a whole build takes of one CPU. */
const cpuMinutes = 4;

/** What somebody has to do before the addon can be built. */
export class BuildError extends Error {}

export function defaultJobs() {
  return Math.max(1, os.availableParallelism());
}

/** 'about 2 minutes'. */
export function estimate(jobs) {
  const minutes = Math.ceil(cpuMinutes / jobs);
  return `about ${minutes} ${minutes === 1 ? 'minute' : 'minutes'}`;
}

function runs(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** Throws a BuildError that names the tools that are missing. */
export function expectTools() {
  if (windows) return;
  const missing = [];
  const compilers = process.env.CXX ? [process.env.CXX.split(' ')[0]] : ['g++', 'c++', 'clang++'];
  if (!compilers.some(runs)) missing.push('a C++20 compiler (GCC 11 or Clang 14, or newer)');
  if (!runs('make')) missing.push('make');
  if (!runs(process.env.PYTHON ?? 'python3')) missing.push('Python 3 (for node-gyp)');
  if (missing.length === 0) return;
  const how =
    process.platform === 'darwin'
      ? 'xcode-select --install'
      : 'Debian, Ubuntu: apt-get install g++ make python3\n  Fedora: dnf install gcc-c++ make python3\n  Alpine: apk add g++ make python3';
  throw new BuildError(`cannot build the addon, missing: ${missing.join(', ')}.\n  ${how}`);
}

/** node-gyp: a package's own, else the one that comes with npm. */
function findNodeGyp() {
  const prefix = path.dirname(process.execPath);
  const npms = [
    process.env.npm_execpath && path.resolve(process.env.npm_execpath, '../..'),
    path.join(prefix, '../lib/node_modules/npm'),
    path.join(prefix, 'node_modules/npm'),
  ];
  for (const from of [root, ...npms.filter(Boolean)]) {
    try {
      return createRequire(path.join(from, 'package.json')).resolve('node-gyp/bin/node-gyp.js');
    } catch {
      // The next place.
    }
  }
  throw new BuildError('node-gyp is missing: npm install --save-dev node-gyp');
}

/**
 * Runs `body` with a binding.gyp in the folder above. A clone has one; a package does not, since npm
 * would build it at every installation.
 */
function withGyp(body) {
  const gyp = path.join(root, 'binding.gyp');
  if (existsSync(gyp)) return body();
  try {
    const content = { variables: { root: '.' }, includes: ['native/addon.gypi'] };
    writeFileSync(gyp, JSON.stringify(content));
  } catch (error) {
    throw new BuildError(`${root} cannot be written to: ${error.message}`);
  }
  try {
    return body();
  } finally {
    rmSync(gyp);
    keepAddonAlone();
  }
}

/** Removes what only a developer would build on. */
function keepAddonAlone() {
  const build = path.join(root, 'build');
  for (const folder of [build, path.join(build, 'Release')]) {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const kept = name === 'Release' || name.endsWith('.node');
      if (!kept) rmSync(path.join(folder, name), { recursive: true, force: true });
    }
  }
}

/** The addon that was built, if one was. */
export function builtAddon() {
  const release = path.join(root, 'build', 'Release');
  if (!existsSync(release)) return undefined;
  const file = readdirSync(release).find((name) => name.endsWith('.node'));
  return file === undefined ? undefined : path.join(release, file);
}

/**
 * Builds the addon.
 * @param options `jobs` compilers at a time; `configured`: whether the makefile is there already
 * @returns the file
 * @throws BuildError with the output when it does not build
 */
export function buildAddon({ jobs = defaultJobs(), configured = false } = {}) {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  const headers = existsSync(path.join(prefix, 'include', 'node', 'node_api.h'));
  // Not `rebuild`, which empties build/ where CMake's builds lie too.
  const commands = configured ? ['build'] : ['configure', 'build'];
  const args = [
    ...[findNodeGyp(), ...commands, `--jobs=${jobs}`, '--loglevel=error'],
    ...(headers ? [`--nodedir=${prefix}`] : []),
  ];
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 };
  const result = withGyp(() => spawnSync(process.execPath, args, options));
  const file = builtAddon();
  if (result.status !== 0 || file === undefined) {
    const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`.trim();
    throw new BuildError(
      `${output}\nthe addon did not build; the output is above. Needs GCC 11 or Clang 14, or newer.`,
    );
  }
  return file;
}
