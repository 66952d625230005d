import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Rates of the timed steps, and their median. */
export interface Rates {
  readonly median: number;
  readonly all: readonly number[];
}

/** What one peer did at one task. */
export interface PeerMeasurement {
  readonly status: 'measured';
  /** 'pytorch', 'onnxruntime-node', 'tfjs', 'jax-js'. */
  readonly peer: string;
  readonly version: string;
  /** 'mnist-train-1000', 'mnist-infer-1000', 'mnist-infer-1' (the number is the batch), 'gemm-1024'. */
  readonly task: string;
  /** Threads that it really used. */
  readonly threads: number;
  /** What tells two results of a peer apart, as 'as installed' and 'allocator keeps memory'. */
  readonly note: string;
  readonly imagesPerSecond?: Rates;
  readonly gflops?: Rates;
}

/** A peer that is not installed, or failed. */
export interface PeerAbsence {
  readonly status: 'missing' | 'failed';
  readonly peer: string;
  readonly task: string;
  /** How to get it, or what it said. */
  readonly note: string;
}

export type PeerResult = PeerMeasurement | PeerAbsence;

export interface PeerOptions {
  /** Threads that each peer may use. */
  readonly threads: number;
  /** Time for each task of each peer, beside start and warm-up. */
  readonly seconds: number;
  /** Called before each task, to show progress. */
  readonly onTask?: (peer: string, task: string) => void;
}

interface Task {
  readonly peer: string;
  readonly task: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

interface Output {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const directory = path.dirname(fileURLToPath(import.meta.url));

/** glibc settings under which freed memory stays with the process. */
const KEEP_MEMORY = {
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
  MALLOC_TOP_PAD_: '67108864',
};

const PYTORCH_TASKS: readonly Task[] = [
  { peer: 'pytorch', task: 'mnist-train-1000', arguments: ['--task=train'] },
  { peer: 'pytorch', task: 'mnist-infer-1000', arguments: ['--task=infer'] },
  { peer: 'pytorch', task: 'mnist-infer-1', arguments: ['--task=infer', '--batch=1'] },
  { peer: 'pytorch', task: 'gemm-1024', arguments: ['--task=gemm'] },
].flatMap((task) => [task, { ...task, environment: KEEP_MEMORY }]);

const NODE_PEERS = [
  { peer: 'onnxruntime-node', script: 'onnxruntime.mjs', packageName: 'onnxruntime-node' },
  { peer: 'jax-js', script: 'jax-js.mjs', packageName: '@jax-js/jax' },
  { peer: 'tfjs', script: 'tfjs.mjs', packageName: '@tensorflow/tfjs' },
] as const;

const NODE_TASKS: readonly Task[] = [
  { peer: 'onnxruntime-node', task: 'mnist-infer-1000', arguments: ['--task=infer'] },
  { peer: 'onnxruntime-node', task: 'mnist-infer-1', arguments: ['--task=infer', '--batch=1'] },
  { peer: 'jax-js', task: 'mnist-train-1000', arguments: ['--task=train'] },
  { peer: 'tfjs', task: 'mnist-train-1000', arguments: ['--task=train'] },
];

function runChild(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  limitSeconds: number,
): Promise<Output> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: directory,
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 1000 * limitSeconds,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => resolve({ status: null, stdout, stderr: error.message }));
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

/** The first Python that has PyTorch; STRIDENET_PYTHON is asked first. */
async function findPython(): Promise<string | undefined> {
  const candidates = [process.env.STRIDENET_PYTHON, 'python3', '/usr/bin/python3', 'python'];
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    const { status } = await runChild(candidate, ['-c', 'import torch'], {}, 60);
    if (status === 0) return candidate;
  }
  return undefined;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

async function measureTask(
  command: string,
  script: string,
  task: Task,
  options: PeerOptions,
): Promise<PeerResult> {
  options.onTask?.(task.peer, task.task);
  const args = [script, `--threads=${options.threads}`, `--seconds=${options.seconds}`];
  const limit = 3 * options.seconds + 120;
  const environment = { OMP_NUM_THREADS: String(options.threads), ...task.environment };
  const output = await runChild(command, [...args, ...task.arguments], environment, limit);
  if (output.status !== 0) {
    const said = lastLine(output.stderr) || lastLine(output.stdout);
    const note = output.status === null ? `no result within ${limit} s. ${said}`.trim() : said;
    return { status: 'failed', peer: task.peer, task: task.task, note };
  }
  const result = JSON.parse(lastLine(output.stdout)) as Omit<PeerMeasurement, 'status'>;
  return { status: 'measured', ...result };
}

async function measurePyTorch(options: PeerOptions): Promise<PeerResult[]> {
  const python = await findPython();
  if (python === undefined) {
    const note = 'apt-get install python3-torch, or pip install torch; STRIDENET_PYTHON names one';
    return [{ status: 'missing', peer: 'pytorch', task: 'all', note }];
  }
  const results: PeerResult[] = [];
  for (const task of PYTORCH_TASKS) {
    results.push(await measureTask(python, 'pytorch_mnist.py', task, options));
  }
  return results;
}

async function measureNodePeers(options: PeerOptions): Promise<PeerResult[]> {
  const results: PeerResult[] = [];
  for (const { peer, script, packageName } of NODE_PEERS) {
    if (!existsSync(path.join(directory, 'node_modules', packageName, 'package.json'))) {
      const note = 'cd bench/peers && npm install --ignore-scripts';
      results.push({ status: 'missing', peer, task: 'all', note });
      continue;
    }
    for (const task of NODE_TASKS.filter((candidate) => candidate.peer === peer)) {
      results.push(await measureTask(process.execPath, script, task, options));
    }
  }
  return results;
}

/**
 * Measures every peer that is installed, one after the other, each task in a process of its own.
 * PyTorch runs each task twice: as installed, and with the allocator kept from returning memory.
 */
export async function measurePeers(options: PeerOptions): Promise<PeerResult[]> {
  return [...(await measurePyTorch(options)), ...(await measureNodePeers(options))];
}
