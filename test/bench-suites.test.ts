import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Results } from '../bench/results.ts';
import { tryAddon } from '../lib/backends/addon.ts';

const native = tryAddon() !== null;
if (!native) console.log('skipped: the suites, no addon is built');

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'stridenet-bench-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const script = ['--import', 'tsx', 'bench/index.ts'];
  return spawnSync(process.execPath, [...script, ...args], { encoding: 'utf8' });
}

const quick = ['--quick', '--no-peers', '--seconds', '0.05'];

it.runIf(native)(
  'measures rows of every suite that compares, and writes them',
  () => {
    const json = path.join(folder, 'results.json');
    const only = ['--suite', 'gemm,conv,train,infer,scaling', '--json', json];
    const { status, stderr } = bench(...quick, ...only);
    expect(status, stderr).toBe(0);
    const { rows, peaks } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(rows.map(({ suite }) => suite)).toEqual(['gemm', 'conv', 'train', 'infer', 'scaling']);
    for (const { suite, rows: measured } of rows) {
      expect(measured.length, suite).toBeGreaterThan(0);
      for (const { title, fraction, outcomes } of measured) {
        expect(outcomes, title).toMatchObject([{ name: 'stridenet', status: 'measured' }]);
        expect(fraction, title).toBeGreaterThan(0);
      }
    }
    expect(peaks[0]?.flops.float32).toBeGreaterThan(0);
    const again = bench('--from', json);
    expect(again.stdout).toContain('infer mnist, batch 1000');
  },
  180_000,
);

it.runIf(native)(
  'measures stridenet with winograd beside stridenet without, where it convolves',
  () => {
    const json = path.join(folder, 'winograd.json');
    const only = ['--suite', 'gemm,train', '--winograd', '--json', json];
    const { status, stderr } = bench(...quick, ...only);
    expect(status, stderr).toBe(0);
    const { rows } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    const states = rows.map(({ rows: measured }) => measured[0]?.outcomes[1]);
    const name = 'stridenet, winograd';
    expect(states[0]).toMatchObject({ name, status: 'unsupported' });
    expect(states[1]).toMatchObject({ name, status: 'measured' });
  },
  60_000,
);

it.runIf(native)(
  'measures memory and the time of importing the package',
  () => {
    const json = path.join(folder, 'memory.json');
    const { status, stderr } = bench(...quick, '--suite', 'memory', '--json', json);
    expect(status, stderr).toBe(0);
    const { memory, imports } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    const [ours] = memory?.[0]?.outcomes ?? [];
    expect(ours?.peak).toBeGreaterThan(ours?.loaded ?? Number.NaN);
    expect(ours?.held).toBeGreaterThan(0);
    expect(imports?.median).toBeGreaterThan(0);
  },
  180_000,
);

it.runIf(native)(
  'measures what checkpoints cost',
  () => {
    const json = path.join(folder, 'checkpoint.json');
    const { status, stderr, stdout } = bench(...quick, '--suite', 'checkpoint', '--json', json);
    expect(status, stderr).toBe(0);
    const { checkpoints } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    const [mnist] = checkpoints ?? [];
    expect(mnist?.bytes).toBeGreaterThan(4 * 3 * 500_000);
    expect(mnist?.written.median).toBeGreaterThan(0);
    expect(mnist?.later.count).toBe(3);
    expect(stdout).toContain('train mnist, batch 1000');
  },
  60_000,
);

it.runIf(native)(
  'measures what augmentation and streams cost a step',
  () => {
    const json = path.join(folder, 'augmentation.json');
    const { status, stderr, stdout } = bench(...quick, '--suite', 'augmentation', '--json', json);
    expect(status, stderr).toBe(0);
    const { augmentation = [] } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(augmentation.length).toBe(8);
    expect(augmentation[0]?.ratio).toEqual({ median: 1, low: 1, high: 1 });
    for (const { title, seconds } of augmentation) {
      expect(seconds.fastest, title).toBeGreaterThan(0);
      expect(stdout).toContain(title);
    }
  },
  180_000,
);

it('refuses what it does not know', () => {
  expect(bench('--suite', 'nothing')).toMatchObject({ status: 2 });
  expect(bench('--seconds', '-1')).toMatchObject({ status: 2 });
  expect(bench('--wrong').stderr).toContain('npm run bench');
}, 60_000);

it.runIf(native)(
  'measures requests beside networks that train',
  () => {
    const json = path.join(folder, 'serving.json');
    const { status, stderr, stdout } = bench(...quick, '--suite', 'serving', '--json', json);
    expect(status, stderr).toBe(0);
    const { serving = [] } = JSON.parse(readFileSync(json, 'utf8')) as Results;
    expect(serving.map(({ trainers }) => trainers)).toEqual([0, 4]);
    for (const { requests, delay } of serving) {
      expect(requests.p99).toBeGreaterThanOrEqual(requests.p50);
      expect(delay.p99).toBeGreaterThanOrEqual(delay.p50);
    }
    expect(serving[0]?.trained).toBe(0);
    expect(serving[1]?.trained).toBeGreaterThan(0);
    expect(stdout).toContain('lenet5, beside 4 that train');
  },
  60_000,
);
