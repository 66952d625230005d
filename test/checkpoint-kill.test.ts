import { spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { unlessLong } from './cases/case.ts';
import { bundle } from './support/bundle.ts';
import { digest, inFolder } from './support/interrupted.ts';
import { readSafetensors } from './support/safetensors.ts';

const native = sn.cpuInfo().addon !== null;
if (!native) console.log('skipped: processes that are killed while they train, no addon is built');
const kills = unlessLong(8, 200);

let script = '';
beforeAll(async () => {
  script = await bundle('checkpointProcess.ts');
});
afterAll(() => rm(dirname(script), { recursive: true, force: true }));

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What it said, line by line. */
  lines: string[];
  err: string;
}

/** Runs a command; kills it so many milliseconds after its first line. */
function run(
  command: string,
  args: readonly string[],
  { killAfter, ...options }: { killAfter?: number; uid?: number; gid?: number } = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk) => {
      if (out === '' && killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      // The last line may have been cut.
      resolve({ code, signal, lines: out.split('\n').slice(0, -1), err });
    });
  });
}

function train(directory: string, steps: number, killAfter?: number): Promise<Ended> {
  const args = [script, directory, String(steps)];
  return run(process.execPath, args, killAfter === undefined ? {} : { killAfter });
}

async function statesAt(directory: string): Promise<string> {
  const latest = await sn.latestCheckpoint(directory);
  return digest((await readSafetensors(latest?.path ?? '')).tensors);
}

describe.skipIf(!native)('a process that trains with checkpoints', () => {
  it(
    `is killed ${kills} times: every checkpoint can be read, and the last one is gone on from`,
    () =>
      inFolder(async (folder) => {
        const directory = join(folder, 'killed');
        const random = new Generator(31, 'kills');
        let step = 0;
        for (let kill = 0; kill < kills; kill++) {
          const after = random.integer(60);
          const what = `seed 31, kill ${kill}, ${after} ms after step ${step + 1}`;
          const { signal, lines, err } = await train(directory, 1e9, after);
          expect(err, what).toBe('');
          expect(signal, what).toBe('SIGKILL');
          expect(lines[0], what).toBe(String(step + 1));
          const latest = await sn.latestCheckpoint(directory);
          expect(latest?.skipped, what).toEqual([]);
          step = latest?.step ?? 0;
          expect(step, what).toBeGreaterThanOrEqual(Number(lines.at(-1)));
          const whole = (await readdir(directory)).filter((name) => !name.endsWith('.tmp'));
          expect(whole.length, what).toBeLessThanOrEqual(3);
        }
        expect((await train(directory, step + 3)).lines.at(-1)).toBe('end');
        expect((await readdir(directory)).length).toBe(2);
        const other = join(folder, 'whole');
        await train(other, step + 3);
        expect(await statesAt(directory)).toBe(await statesAt(other));
        console.log(`${kills} kills, ${step} steps, 0 unreadable checkpoints`);
      }),
    1_200_000,
  );

  it('is refused more bytes than the system allows, and what it has stays', () =>
    inFolder(async (directory) => {
      await train(directory, 2);
      const before = await statesAt(directory);
      const limited = await run('/bin/sh', [
        ...['-c', 'ulimit -f 20; exec "$0" "$@"', process.execPath],
        ...[script, directory, '5'],
      ]);
      expect(limited.lines).toEqual([expect.stringMatching(/^ERR_FILE_ACCESS .*00003.* EFBIG/)]);
      expect(limited.code).toBe(3);
      expect((await readdir(directory)).sort()).toEqual([
        'checkpoint-000000000001.safetensors',
        'checkpoint-000000000002.safetensors',
      ]);
      expect(await statesAt(directory)).toBe(before);
      expect((await train(directory, 4)).lines).toEqual(['3', '4', 'end']);
    }));

  it('finds the disk full, and what it has stays', (context) =>
    inFolder(async (folder) => {
      const directory = join(folder, 'disk');
      await mkdir(directory);
      const mount = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=80k', 'tmpfs', directory]);
      if (mount.status !== 0) return context.skip('no small disk can be mounted here');
      try {
        const { lines, code } = await train(directory, 9);
        expect(code).toBe(3);
        const [failure = ''] = lines.splice(-1);
        expect(failure).toMatch(/^ERR_FILE_ACCESS .*no space left/i);
        const latest = await sn.latestCheckpoint(directory);
        expect(latest).toMatchObject({ step: Number(lines.at(-1)), skipped: [] });
        expect((await readdir(directory)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      } finally {
        spawnSync('umount', [directory]);
      }
    }));

  it('may not write, and what is there stays', (context) =>
    inFolder(async (directory) => {
      await train(directory, 2);
      await chmod(directory, 0o555);
      await chmod(dirname(script), 0o755);
      const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
      const { lines, err } = await run(process.execPath, [script, directory, '5'], user);
      if (/Cannot find module|EACCES.*\.mjs/.test(err)) {
        return context.skip('another user may not read this folder');
      }
      expect(lines).toEqual([expect.stringMatching(/^ERR_FILE_ACCESS .*00003.* EACCES/)]);
      await chmod(directory, 0o755);
      expect(await sn.latestCheckpoint(directory)).toMatchObject({ step: 2, skipped: [] });
    }));
});
