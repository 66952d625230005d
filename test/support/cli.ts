import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sn from '../../lib/index.ts';
import { bundle } from './bundle.ts';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command line in a folder of its own, with small data to train on. */
export interface Shell {
  readonly folder: string;
  /** Runs `stridenet` in the folder; Ctrl-C is pressed once `interrupts` is found in its output. */
  run(args: readonly string[], interrupts?: RegExp, times?: number): Promise<Ended>;
  /** Runs it where nobody reads its standard output. */
  unread(args: readonly string[]): Promise<Ended>;
  /** Runs it where its standard output is on a disk that is full. */
  full(args: readonly string[]): Ended;
  /** Runs a line of words. */
  line(words: string): Promise<Ended>;
  /** Writes a configuration; gives its name. */
  config(name: string, settings: unknown): string;
}

/** 8x8 images in bytes, of two classes: the upper or the lower half is bright. */
export function halves(count: number, seed = 1): sn.Samples {
  const random = new sn.Generator(seed, 'halves');
  const y = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const x = Uint8Array.from({ length: count * 64 }, (_, i) => {
    const upper = i % 64 < 32;
    const bright = upper === (y[Math.floor(i / 64)] === 0);
    return (bright ? 150 : 0) + random.integer(100);
  });
  return { x: sn.tensor(x, [count, 1, 8, 8]), y: sn.tensor(y, [count]) };
}

/** A network for them, as a configuration has it. */
export const smallModel = {
  layers: [
    { kind: 'conv2d', filters: 4, kernelSize: 3, activation: 'relu', initializer: 'heNormal' },
    { kind: 'maxPool2d', kernelSize: 2 },
    { kind: 'flatten' },
    { kind: 'dense', units: 2, activation: 'softmax' },
  ],
};

/** What a process writes until it ends. */
function ending(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  return new Promise((resolve, reject) => {
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, out, err }));
  });
}

/** A new folder with halves.npz, and the command, bundled so that it starts quickly. */
export async function openShell(): Promise<Shell> {
  const folder = mkdtempSync(join(tmpdir(), 'stridenet-'));
  const [train, test] = [halves(64), halves(20, 2)];
  const arrays = { x_train: train.x, y_train: train.y, x_test: test.x, y_test: test.y };
  await sn.data.writeNpz(join(folder, 'halves.npz'), arrays);
  const script = await bundle('../../lib/cli/main.ts');
  const start = (args: readonly string[]) =>
    spawn(process.execPath, [script, ...args], { cwd: folder });
  const run: Shell['run'] = (args, interrupts, times = 1) => {
    const child = start(args);
    let [seen, interrupted] = ['', false];
    child.stdout.on('data', (chunk) => {
      seen += chunk;
      if (interrupted || !interrupts?.test(seen)) return;
      interrupted = true;
      for (let i = 0; i < times; i++) setTimeout(() => child.kill('SIGINT'), 200 * i);
    });
    return ending(child);
  };
  return {
    folder,
    run,
    unread(args) {
      const child = start(args);
      child.stdout.destroy();
      return ending(child);
    },
    full(args) {
      const stdout = openSync('/dev/full', 'w');
      const { status, stderr } = spawnSync(process.execPath, [script, ...args], {
        ...{ cwd: folder, stdio: ['ignore', stdout, 'pipe'], encoding: 'utf8' },
      });
      closeSync(stdout);
      return { code: status, out: '', err: stderr };
    },
    line: (words) => run(words.split(' ')),
    config(name, settings) {
      writeFileSync(join(folder, name), JSON.stringify(settings));
      return name;
    },
  };
}
