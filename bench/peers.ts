import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Hello, type Library, root } from './worker.ts';

/** glibc settings under which freed memory stays with the process. */
const KEEP_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
  MALLOC_TOP_PAD_: '67108864',
};

const directory = path.join(root, 'bench', 'peers');

/** A peer that is not there, and how to get it. */
export interface Missing {
  readonly name: string;
  readonly reason: string;
}

/** The peers of this machine. */
export interface Peers {
  readonly found: readonly Library[];
  readonly missing: readonly Missing[];
  /** What each was built with. */
  readonly notes: readonly string[];
}

const howToGetPyTorch =
  'apt-get install python3-torch, or pip install torch; STRIDENET_PYTHON lists interpreters, parted by colons';

/** 1.13.0a0 → 1.13, 2.15.0+cu132 → 2.15. */
function shortVersion(version: string): string {
  return version.split(/[.+]/).slice(0, 2).join('.');
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** `name`, with a number behind it where `taken` has it already. */
function distinctName(name: string, taken: readonly string[]): string {
  let distinct = name;
  for (let number = 2; taken.includes(distinct); number++) distinct = `${name} (${number})`;
  return distinct;
}

/**
 * Every PyTorch of the interpreters in STRIDENET_PYTHON, by default of python3, /usr/bin/python3 and
 * python; each as installed, and with the allocator kept from returning memory. Notes and reasons
 * name no path, as they stand above published tables.
 */
function findPyTorch(): Peers {
  const chosen = process.env.STRIDENET_PYTHON?.split(':').filter((each) => each !== '');
  const script = path.join(directory, 'pytorch.py');
  const [found, missing, notes]: [Library[], Missing[], string[]] = [[], [], []];
  const seen = new Set<string>();
  for (const [i, command] of (chosen ?? ['python3', '/usr/bin/python3', 'python']).entries()) {
    const { status, stdout, stderr, error } = spawnSync(command, [script, 'about'], {
      ...{ encoding: 'utf8', timeout: 120_000 },
    });
    if (status !== 0) {
      const said = (error?.message ?? lastLine(stderr ?? '')).replaceAll(command, 'it');
      const interpreter = chosen ? `interpreter ${i + 1} of STRIDENET_PYTHON` : command;
      missing.push({ name: 'PyTorch', reason: `${interpreter}: ${said}` });
      continue;
    }
    const { version, file, note } = JSON.parse(stdout) as Required<Hello>;
    if (seen.has(file)) continue;
    seen.add(file);
    const name = distinctName(
      `PyTorch ${shortVersion(version)}`,
      found.map((each) => each.name),
    );
    notes.push(`${name}: ${version}, ${note}`);
    const own = { version, command, arguments: [script, 'serve'] };
    found.push({ name, ...own, environment: {} });
    found.push({ name: `${name} tuned`, ...own, environment: KEEP_MEMORY });
  }
  if (found.length === 0) missing.push({ name: 'PyTorch', reason: howToGetPyTorch });
  // Interpreters nobody named are no news beside one that has it.
  const silent = found.length > 0 && chosen === undefined;
  return { found, missing: silent ? [] : missing, notes };
}

const nodePeers = [
  ['onnxruntime', 'onnxruntime-node', 'onnxruntime.mjs'],
  ['jax-js', '@jax-js/jax', 'jax-js.mjs'],
  ['tfjs', '@tensorflow/tfjs', 'tfjs.mjs'],
] as const;

function findNodePeers(): Peers {
  const [found, missing]: [Library[], Missing[]] = [[], []];
  for (const [name, packageName, script] of nodePeers) {
    if (existsSync(path.join(directory, 'node_modules', packageName, 'package.json'))) {
      const own = { command: process.execPath, arguments: [path.join(directory, script)] };
      found.push({ name, version: '', ...own, environment: {} });
    } else missing.push({ name, reason: 'cd bench/peers && npm ci --ignore-scripts' });
  }
  return { found, missing, notes: [] };
}

/** The peers whose names contain one of `wanted`, case aside; all when that is empty. */
export function findPeers(wanted: readonly string[]): Peers {
  const isWanted = ({ name }: { name: string }): boolean =>
    wanted.length === 0 || wanted.some((each) => name.toLowerCase().includes(each.toLowerCase()));
  const both = [findPyTorch(), findNodePeers()];
  return {
    found: both.flatMap(({ found }) => found).filter(isWanted),
    missing: both.flatMap(({ missing }) => missing).filter(isWanted),
    notes: both.flatMap(({ notes }) => notes),
  };
}
