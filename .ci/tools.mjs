// What the scripts of this folder share: running commands and finding tools.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
export const jobs = Math.max(1, os.availableParallelism());

/** Runs a command in the clone, its output shown; returns whether it succeeded. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (result.error) console.error(`${command}: ${result.error.message}`);
  return result.status === 0;
}

/** Runs a script of a package in node_modules with this Node. */
export function runPackage(script, args, options = {}) {
  return run(process.execPath, [path.join(root, 'node_modules', script), ...args], options);
}

export function hasCommand(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
}

/** The clang-format of node_modules, so that everybody formats with one version. */
export function clangFormat() {
  const directory = `cfn-${process.platform}-${process.arch}`;
  const name = process.platform === 'win32' ? 'clang-format.exe' : 'clang-format';
  const file = path.join(root, 'node_modules/clang-format-node/bin', directory, name);
  if (!existsSync(file)) return hasCommand('clang-format') ? 'clang-format' : undefined;
  // npm runs no install scripts here, and this package sets the mode in one.
  if (process.platform !== 'win32') chmodSync(file, 0o755);
  return file;
}

/** Files below `directory` (relative to the clone) whose names match. */
export function filesBelow(directory, pattern) {
  if (!existsSync(path.join(root, directory))) return [];
  return readdirSync(path.join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const file = path.posix.join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(file, pattern);
    return pattern.test(entry.name) ? [file] : [];
  });
}

/** The configure presets of CMakePresets.json: name → build directory. */
export function cmakePresets() {
  const file = path.join(root, 'CMakePresets.json');
  if (!existsSync(file)) return new Map();
  const all = new Map(
    JSON.parse(readFileSync(file, 'utf8')).configurePresets.map((preset) => [preset.name, preset]),
  );
  const binaryDirectory = (preset) => {
    if (preset.binaryDir !== undefined) return preset.binaryDir;
    for (const parent of [preset.inherits ?? []].flat()) {
      const found = binaryDirectory(all.get(parent));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const presets = new Map();
  for (const [name, preset] of all) {
    if (preset.hidden) continue;
    const directory = binaryDirectory(preset) ?? `\${sourceDir}/build-${name}`;
    presets.set(
      name,
      path.resolve(directory.replace(/\$\{sourceDir\}/, root).replace(/\$\{presetName\}/, name)),
    );
  }
  return presets;
}
