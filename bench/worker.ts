import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Task } from './tasks.ts';

/** A library as it is started: by one command, in one environment. */
export interface Library {
  /** Unique, for tables: 'PyTorch 2.1 tuned'. */
  readonly name: string;
  readonly version: string;
  readonly command: string;
  /** What follows the command, but for `--threads=N`. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** What a process says first. */
export interface Hello {
  readonly library: string;
  readonly version: string;
  readonly note?: string;
  /** Its directory, where the library has one. */
  readonly file?: string;
  /** Peak bytes when the library was loaded. */
  readonly memory: number;
}

/** What a process says of itself when it is ready for a task. */
export interface Ready {
  readonly parameters?: number | null;
  /** Which of its choices was the fastest. */
  readonly note?: string;
}

/** A library, or this one of its scripts, does not have the task. */
export class Unsupported extends Error {}

/** A process that answers requests, one at a time: bench/peers/serve.mjs and pytorch.py serve. */
export class Worker {
  readonly #child: ChildProcess;
  readonly #limitSeconds: number;
  #waiting: { resolve(answer: object): void; reject(error: Error): void } | null = null;
  #said = '';
  #ended: string | null = null;
  hello!: Hello;

  private constructor(library: Library, threads: number, limitSeconds: number) {
    this.#limitSeconds = limitSeconds;
    this.#child = spawn(library.command, [...library.arguments, `--threads=${threads}`], {
      cwd: root,
      env: { ...process.env, OMP_NUM_THREADS: String(threads), ...library.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdin, stdout, stderr } = this.#child;
    // What is written to a process that has ended is told by its end.
    stdin?.on('error', () => {});
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-4000);
    });
    createInterface({ input: stdout as NonNullable<typeof stdout> }).on('line', (line) => {
      if (line.startsWith('@@')) this.#settle({ resolve: JSON.parse(line.slice(2)) as object });
    });
    this.#child.once('error', ({ message }) => this.#end(message));
    this.#child.once('close', (status, signal) => {
      const last = this.#said.trim().split('\n').at(-1) ?? '';
      this.#end(`ended with ${signal ?? `status ${status}`}${last === '' ? '' : `: ${last}`}`);
    });
  }

  /**
   * @param limitSeconds how long an answer may take beyond the time it was asked to measure
   * @throws when the process does not come up
   */
  static async start(library: Library, threads: number, limitSeconds = 180): Promise<Worker> {
    const worker = new Worker(library, threads, limitSeconds);
    worker.hello = (await worker.#answer(0)) as Hello;
    return worker;
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  /** Throws Unsupported for a task that the library does not have. */
  prepare(task: Task & { layout?: string }): Promise<Ready> {
    return this.#request({ does: 'prepare', task }, 0) as Promise<Ready>;
  }

  /** Seconds of each repetition of the task that it is prepared for. */
  async measure(seconds: number, least: number): Promise<number[]> {
    const answer = await this.#request({ does: 'measure', seconds, least }, seconds);
    return (answer as { times: number[] }).times;
  }

  /** Peak bytes in use since the process began, and what the library itself counts. */
  memory(): Promise<{ memory: number; held?: number }> {
    return this.#request({ does: 'memory' }, 0) as Promise<{ memory: number }>;
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  #request(message: object, seconds: number): Promise<object> {
    if (this.#ended !== null) return Promise.reject(new Error(this.#ended));
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
    return this.#answer(seconds);
  }

  async #answer(seconds: number): Promise<object> {
    const limit = this.#limitSeconds + 4 * seconds;
    const timer = setTimeout(() => {
      this.#said = `no answer within ${limit} s`;
      this.close();
    }, 1000 * limit);
    try {
      const answer = await new Promise<object>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
      if ('unsupported' in answer) throw new Unsupported(String(answer.unsupported));
      if ('failed' in answer) throw new Error(String(answer.failed));
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }

  #settle({ resolve, reject }: { resolve?: object; reject?: Error }): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    if (resolve !== undefined) waiting?.resolve(resolve);
    if (reject !== undefined) waiting?.reject(reject);
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#settle({ reject: new Error(this.#ended) });
  }
}

/** The clone's folder. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** stridenet as a library like the others: bundled, without what runs TypeScript. */
export async function stridenetLibrary(isa?: string): Promise<Library> {
  const outdir = path.join(root, 'build', 'bench');
  mkdirSync(outdir, { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: ['bench/stridenet.ts'],
    ...{ outdir, outExtension: { '.js': '.mjs' }, bundle: true, splitting: true },
    ...{ format: 'esm', platform: 'node', target: 'node20.19', packages: 'external' },
    ...{ keepNames: true, logLevel: 'warning' },
  });
  return {
    name: 'stridenet',
    version: '',
    command: process.execPath,
    arguments: [path.join(outdir, 'stridenet.mjs')],
    environment: isa === undefined ? {} : { STRIDENET_ISA: isa },
  };
}

/** The same library with `winograd: true`, as one of its own. */
export function withWinograd(library: Library): Library {
  const name = `${library.name}, winograd`;
  return { ...library, name, arguments: [...library.arguments, '--winograd=true'] };
}
