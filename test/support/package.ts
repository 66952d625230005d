import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { tryAddon } from '../../lib/backends/addon.ts';

const root = path.resolve(import.meta.dirname, '..', '..');

/** The addon that goes into the package as a prebuild; null where none is built. */
export const addonFile = tryAddon()?.path ?? null;

/** What a command said; `status` is null when it was ended. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project that has installed the package from its tarball. */
export interface Consumer {
  /** The tarball, as npm makes it. */
  readonly tarball: string;
  /** The project's folder; its node_modules holds the package and what it depends on. */
  readonly folder: string;
  /** Runs Node in the project. */
  node(...args: string[]): Outcome;
}

/** Runs Node in `cwd`, without the settings of the tests. */
export function runNode(cwd: string, args: readonly string[]): Outcome {
  const { NODE_OPTIONS: _, STRIDENET_ADDON: __, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd,
    env,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** Writes what is published, but for the prebuilds of other platforms, and packs it. */
function pack(folder: string): string {
  const stage = path.join(folder, 'stage');
  const prebuilds = path.join(stage, 'prebuilds', `${process.platform}-${process.arch}`);
  mkdirSync(prebuilds, { recursive: true });
  if (addonFile !== null) copyFileSync(addonFile, path.join(prebuilds, 'stridenet.node'));
  for (const file of ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']) {
    copyFileSync(path.join(root, file), path.join(stage, file));
  }
  execFileSync(process.execPath, ['.ci/build.mjs', path.join(stage, 'dist')], { cwd: root });
  // The scripts build what is staged already.
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const windows = process.platform === 'win32';
  const json = execFileSync('npm', args, { cwd: stage, encoding: 'utf8', shell: windows });
  return path.join(folder, JSON.parse(json)[0].filename);
}

/**
 * Packs the package and unpacks it into a project in a temporary folder, with links to what it
 * depends on in place of a download.
 */
export function installPackage(): Consumer {
  const folder = mkdtempSync(path.join(tmpdir(), 'stridenet-package-'));
  const tarball = pack(folder);
  const project = path.join(folder, 'project');
  const modules = path.join(project, 'node_modules');
  mkdirSync(path.join(modules, '@types'), { recursive: true });
  execFileSync('tar', ['-xzf', tarball, '-C', modules]);
  renameSync(path.join(modules, 'package'), path.join(modules, 'stridenet'));
  const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(manifest.dependencies), '@types/node', 'esbuild']) {
    symlinkSync(path.join(root, 'node_modules', name), path.join(modules, name), 'junction');
  }
  return { tarball, folder: project, node: (...args) => runNode(project, args) };
}
