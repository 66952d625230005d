import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Level } from './layers.ts';
import { subjectOf } from './networks.ts';
import { type Summary, summarize } from './statistics.ts';
import type { NetworkTask } from './tasks.ts';
import { type Library, root, Unsupported, Worker } from './worker.ts';

/** What one library's process took while it trained a network. */
export interface MemoryOutcome {
  readonly name: string;
  readonly status: 'measured' | 'unsupported' | 'failed';
  /** Most bytes in use (resident set), the runtime and the library included. */
  readonly peak?: number;
  /** The same when the library was loaded and nothing done. */
  readonly loaded?: number;
  /** Native bytes that stridenet's Programs hold: states, data and the arena. */
  readonly held?: number;
  readonly note: string;
}

/** One network; the first outcome is ours. */
export interface MemoryResult {
  readonly title: string;
  readonly outcomes: readonly MemoryOutcome[];
}

const networks: readonly (readonly [string, Level])[] = [
  ['mnist', 0],
  ['convolutions', 1],
  ['resnet18-32', 1],
  ['lenet5', 2],
  ['resnet18', 2],
  ['resnet50', 2],
  ['mobilenetV2', 2],
];

/** Memory formats of which PyTorch gets the better. */
const layouts = ['contiguous', 'channels last'];

async function once(
  library: Library,
  task: NetworkTask & { layout?: string },
  threads: number,
): Promise<MemoryOutcome> {
  const { name } = library;
  let worker: Worker | null = null;
  try {
    worker = await Worker.start(library, threads);
    const { note = '' } = await worker.prepare(task);
    await worker.measure(0.5, 3);
    const { memory: peak, held } = await worker.memory();
    const own = {
      peak,
      loaded: worker.hello.memory,
      note,
      ...(held === undefined ? {} : { held }),
    };
    return { name, status: 'measured', ...own };
  } catch (error) {
    const status = error instanceof Unsupported ? 'unsupported' : 'failed';
    return { name, status, note: error instanceof Error ? error.message : String(error) };
  } finally {
    worker?.close();
  }
}

async function least(library: Library, task: NetworkTask, threads: number): Promise<MemoryOutcome> {
  if (!library.name.startsWith('PyTorch')) return once(library, task, threads);
  const tried: MemoryOutcome[] = [];
  for (const layout of layouts) tried.push(await once(library, { ...task, layout }, threads));
  const [first, second] = tried as [MemoryOutcome, MemoryOutcome];
  return (second.peak ?? Number.POSITIVE_INFINITY) < (first.peak ?? Number.POSITIVE_INFINITY)
    ? second
    : first;
}

/** Peak memory of training, each library at each network in a process of its own. */
export async function measureMemory(
  libraries: readonly Library[],
  options: { threads: number; level: Level; only: string; onTask: (title: string) => void },
): Promise<MemoryResult[]> {
  const results: MemoryResult[] = [];
  for (const [network, level] of networks) {
    const { batch } = subjectOf(network);
    const title = `train ${network}, batch ${batch}`;
    if (level > options.level || !title.includes(options.only)) continue;
    options.onTask(title);
    const task = { kind: 'train', network, batch } as const;
    const outcomes: MemoryOutcome[] = [];
    for (const library of libraries) outcomes.push(await least(library, task, options.threads));
    results.push({ title, outcomes });
  }
  return results;
}

/** Milliseconds that importing the built package takes, each time in a new process. */
export function measureImport(times: number): Summary {
  const built = spawnSync(process.execPath, [path.join('.ci', 'build.mjs')], {
    ...{ cwd: root, encoding: 'utf8' },
  });
  if (built.status !== 0) throw new Error(`the package cannot be built: ${built.stderr}`);
  const url = pathToFileURL(path.join(root, 'dist', 'index.js')).href;
  const code = `const t = performance.now(); await import('${url}'); console.log(performance.now() - t)`;
  const all = Array.from({ length: times }, () => {
    const args = ['--input-type=module', '-e', code];
    const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const milliseconds = Number(stdout);
    if (!(milliseconds > 0)) throw new Error(`the package cannot be imported: ${stderr}`);
    return milliseconds;
  });
  return summarize(all);
}
