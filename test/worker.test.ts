import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';
import { seeds, unlessLong } from './cases/case.ts';
import { bundle } from './support/bundle.ts';

const native = tryAddon() !== null;
if (!native) console.log('skipped: workers and ends of processes, no addon is built');

/** When processes end in long runs, in milliseconds. */
const moments = Array.from({ length: 200 }, (_, i) => (i * 7) % 101);

let script = '';

beforeAll(async () => {
  script = await bundle('trainingProcess.ts');
});

afterAll(() => {
  rmSync(dirname(script), { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  err: string;
  /** Milliseconds from the first output, or the start, to the end. */
  took: number;
}

function run(task: string, vary = 0, kill?: NodeJS.Signals): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, task, String(vary)]);
    let [out, err, start] = ['', '', performance.now()];
    child.stdout.on('data', (chunk) => {
      out += chunk;
      start = performance.now();
      if (kill !== undefined) setTimeout(() => child.kill(kill), vary);
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code, signal, out, err, took: performance.now() - start }),
    );
  });
}

describe.skipIf(!native)('worker threads', () => {
  it.each(unlessLong([1], seeds(2.5)))(
    'that alone load the addon are terminated while they train, 20 of them, seed %d',
    async (seed) => {
      const ended = await run('terminate', seed);
      expect(ended).toMatchObject({ code: 0, signal: null, out: 'end\n', err: '' });
    },
    120_000,
  );

  it('train to the same bits as the main thread', async () => {
    expect(await run('bits')).toMatchObject({ code: 0, signal: null, out: 'end\n', err: '' });
  }, 120_000);

  it('call compiled functions, with the same bits as the main thread', async () => {
    expect(await run('compiled')).toMatchObject({ code: 0, signal: null, out: 'end\n', err: '' });
  }, 120_000);
});

describe.skipIf(!native)('a process ends while it trains', () => {
  it.each(unlessLong([0, 3, 17, 50], moments))(
    'by process.exit, %d ms on, with workers that train too',
    async (vary) => {
      expect(await run('exit', vary)).toMatchObject({ code: 7, signal: null, out: '', err: '' });
    },
  );

  it.each(unlessLong([0, 20], moments))('by an uncaught error, %d ms on', async (vary) => {
    const { code, signal, err } = await run('throw', vary);
    expect([code, signal]).toEqual([1, null]);
    expect(err).toMatch(/thrown on purpose/);
  });

  const kills = moments.map((vary, i) => [i % 2 === 0 ? 'SIGTERM' : 'SIGINT', vary] as const);

  it.each(
    unlessLong<readonly (readonly ['SIGTERM' | 'SIGINT', number])[]>(
      [
        ['SIGTERM', 5],
        ['SIGINT', 40],
      ],
      kills,
    ),
  )('by %s, within a second, %d ms on', async (kill, vary) => {
    const { code, signal, took } = await run('train', vary, kill);
    expect([code, signal]).toEqual([null, kill]);
    expect(took).toBeLessThan(1000);
  });

  it('by itself, once training that nobody waits for is done', async () => {
    expect(await run('natural')).toMatchObject({ code: 0, out: 'end\ntrained\n', err: '' });
  });
});
