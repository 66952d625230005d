import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tryAddon } from '../lib/backends/addon.ts';

const native = tryAddon() !== null;
if (!native) console.log('skipped: the server of docs/examples, no addon is built');

let server: ChildProcess;
let address = '';
let errors = '';

beforeAll(async () => {
  if (!native) return;
  const root = join(import.meta.dirname, '..');
  const script = join(root, 'docs/examples/server.ts');
  server = spawn(process.execPath, ['--import', 'tsx', script, '0', '5000'], { cwd: root });
  server.stderr?.on('data', (text) => {
    errors += text;
  });
  const [line] = await once(server.stdout as NodeJS.ReadableStream, 'data');
  address = /http:\S+/.exec(String(line))?.[0].replace('[::1]', 'localhost') ?? '';
});

afterAll(() => {
  server?.kill('SIGKILL');
});

interface Answer {
  digits: { digit: number; probability: number }[];
  accuracy: number | null;
}

function ask(images: unknown): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${address}/digits`, { method: 'POST', headers, body: JSON.stringify({ images }) });
}

const image = (level: number): number[] => Array.from({ length: 784 }, (_, i) => (i * level) % 256);

describe.skipIf(!native)('docs/examples/server.ts', () => {
  it('answers many requests at once while it trains, and gets better meanwhile', async () => {
    let last: Answer['accuracy'] = null;
    for (let round = 0; round < 600 && (last ?? 0) < 0.9; round++) {
      const sizes = Array.from({ length: 20 }, (_, i) => 1 + ((i + round) % 3));
      const answers = await Promise.all(
        sizes.map((count) => ask(Array.from({ length: count }, (_, i) => image(i + 1)))),
      );
      for (const [i, answer] of answers.entries()) {
        expect(answer.status).toBe(200);
        const { digits, accuracy } = (await answer.json()) as Answer;
        expect(digits).toHaveLength(sizes[i] as number);
        for (const { digit, probability } of digits) {
          expect(digit).toBeLessThan(10);
          expect(probability).toBeGreaterThanOrEqual(0.1);
        }
        last = accuracy;
      }
    }
    expect(last).toBeGreaterThan(0.9);
  });

  it('refuses what is no image, and goes on', async () => {
    for (const wrong of [[], [[1, 2, 3]], [Array(784).fill(300)], 'none', [Array(784).fill('x')]]) {
      expect((await ask(wrong)).status).toBe(400);
    }
    expect((await ask([image(1)])).status).toBe(200);
  });

  it('ends by SIGTERM with code 0', async () => {
    const end = once(server, 'exit');
    server.kill('SIGTERM');
    expect(await end).toEqual([0, null]);
    expect(errors).toBe('');
  });
});
