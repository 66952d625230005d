import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RowResult } from '../bench/compare.ts';
import { convRows } from '../bench/layers.ts';
import { formatSuite, markdownSuite } from '../bench/report.ts';
import { fillMarks, type Results, writeMarkdown } from '../bench/results.ts';
import { bandwidthAt, boundOf, type Peaks } from '../bench/roofline.ts';
import {
  geometricMean,
  median,
  pairedRatio,
  quantile,
  spread,
  summarize,
} from '../bench/statistics.ts';
import { formatNumber, formatTable, markdownTable } from '../bench/table.ts';
import { convWork, outputSize } from '../bench/tasks.ts';
import { workOf } from '../bench/work.ts';

describe('statistics', () => {
  it('takes the middle of odd and even numbers of values, in any order', () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([7])).toBe(7);
    expect(median([])).toBeNaN();
  });

  it('puts quantiles between values as NumPy does', () => {
    expect(quantile([1, 2, 3, 4], 0.25)).toBe(1.75);
    expect(quantile([1, 2, 3, 4], 0.75)).toBe(3.25);
    expect(quantile([3, 1], 0)).toBe(1);
    expect(quantile([3, 1], 1)).toBe(3);
  });

  it('sums up the middle half and the fastest', () => {
    const summary = summarize([1, 2, 3, 4, 100]);
    expect(summary).toEqual({ median: 3, lower: 2, upper: 4, fastest: 1, count: 5 });
    expect(spread(summary)).toBeCloseTo(2 / 3);
  });

  it('multiplies in geometric means', () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4);
    expect(geometricMean([0.5, 2])).toBeCloseTo(1);
  });

  it('holds rounds against each other, so that what slows both cancels out', () => {
    const ours = [[1], [10, 10, 99], [2]];
    const theirs = [[2], [20], [8]];
    expect(pairedRatio(ours, theirs)).toEqual({ median: 2, low: 2, high: 4 });
    expect(pairedRatio(ours, [[3]])).toEqual({ median: 3, low: 3, high: 3 });
  });
});

describe('tables', () => {
  it('aligns the first column to the left and the others to the right', () => {
    const text = formatTable(
      ['a', 'b'],
      [
        ['x', '1'],
        ['long', '100'],
      ],
    );
    expect(text.split('\n')).toEqual(['a       b', '─────────', 'x       1', 'long  100']);
  });

  it('writes Markdown, with bars in cells escaped', () => {
    expect(markdownTable(['a', 'b'], [['x|y', '1']])).toBe('| a | b |\n|---|---:|\n| x\\|y | 1 |');
  });

  it('gives three digits', () => {
    expect([12345.6, 123.4, 12.34, 1.234].map(formatNumber)).toEqual([
      '12,346',
      '123',
      '12.3',
      '1.23',
    ]);
  });
});

const peaks: Peaks = {
  threads: 2,
  flops: { float32: 100, float64: 50 },
  copies: [
    { bytes: 16, rate: 40 },
    { bytes: 64, rate: 20 },
  ],
};

describe('roofline', () => {
  it('takes the bandwidth of copies of like size', () => {
    expect(bandwidthAt(peaks, 1)).toBe(40);
    expect(bandwidthAt(peaks, 16)).toBe(40);
    expect(bandwidthAt(peaks, 32)).toBeCloseTo(30);
    expect(bandwidthAt(peaks, 1000)).toBe(20);
  });

  it('names what binds', () => {
    const few = { flops: 100, bytes: 1000, dtype: 'float32' } as const;
    expect(boundOf(few, peaks)).toEqual({ seconds: 50, binding: 'bandwidth' });
    const many = { flops: 10_000, bytes: 1000, dtype: 'float64' } as const;
    expect(boundOf(many, peaks)).toEqual({ seconds: 200, binding: 'FLOP' });
  });

  it("counts a convolution's work", () => {
    const rows = convRows();
    expect(new Set(rows.map(({ title }) => title)).size).toBe(rows.length);
    const stem = rows.find(({ title }) => title.startsWith('ResNet-18  3→64 7x7 /2'));
    const task = stem?.task as NonNullable<typeof stem>['task'];
    expect(outputSize(task)).toEqual([112, 112]);
    const outputs = 8 * 64 * 112 * 112;
    expect(convWork(task)).toEqual({
      flops: 2 * outputs * 147,
      bytes: 4 * (8 * 3 * 224 * 224 + 64 * 147 + outputs),
      dtype: 'float32',
    });
    for (const { task } of rows) expect(Math.min(...outputSize(task))).toBeGreaterThan(0);
  });

  it("counts a network's work, without the gradient of the images", () => {
    const forward = 736_488;
    const infer = workOf({ kind: 'infer', network: 'mnist', batch: 10 });
    expect(infer).toMatchObject({ flops: 20 * forward, parameters: 542_230 });
    const train = workOf({ kind: 'train', network: 'mnist', batch: 10 });
    const first = 9 * 32 * 26 * 26;
    expect(train.flops).toBe(20 * (3 * forward - first));
  });
});

const seconds = { median: 0.5, lower: 0.4, upper: 0.6, fastest: 0.3, count: 9 };
const row: RowResult = {
  title: 'case',
  unit: 'GFLOP/s',
  amount: 10,
  threads: 2,
  task: { kind: 'gemm', m: 1, n: 1, k: 1, dtype: 'float32' },
  work: { flops: 1, bytes: 1, dtype: 'float32' },
  bound: { seconds: 0.25, binding: 'FLOP' },
  fraction: 0.5,
  outcomes: [
    { status: 'measured', name: 'stridenet', seconds, note: '' },
    { status: 'measured', name: 'A', seconds, note: '', ratio: { median: 0.8, low: 0.7, high: 1 } },
    { status: 'unsupported', name: 'B', note: 'inference only' },
    { status: 'failed', name: 'C', note: 'ended with SIGKILL' },
  ],
};

describe('reports', () => {
  it('names rates, the roofline, ratios, rows behind, and why cells are empty', () => {
    const text = formatSuite({ suite: 'gemm', rows: [row] });
    expect(text).toMatch(/^case +20\.0 +± 20 % +50 % of FLOP +0\.80 +– +failed$/m);
    expect(text).toContain('1 below 0.9: case (0.80)');
    expect(text).toContain('B, unsupported: inference only (case)');
    expect(text).toContain('C, failed: ended with SIGKILL (case)');
    expect(markdownSuite({ suite: 'gemm', rows: [row] })).toContain('| case | 20.0 |');
  });

  it('fills the marks that it has parts for', () => {
    const text =
      'a\n<!-- bench gemm -->\nold\n<!-- end -->\nb\n<!-- bench conv -->\nkept\n<!-- end -->';
    const filled = fillMarks(text, new Map([['gemm', 'new $1']]));
    expect(filled).toContain('<!-- bench gemm -->\n\nnew $1\n\n<!-- end -->\nb');
    expect(filled).toContain('kept');
    expect(filled).not.toContain('old');
  });
});

describe('writing Markdown', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'stridenet-bench-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const results: Results = {
    machine: { cpu: 'a CPU', cpus: 2, memoryGiB: 8, node: 'v20', isa: 'avx2' },
    ...{ threads: 2, date: '2026-01-02T00:00:00Z', notes: [], missing: [], took: {} },
    peaks: [peaks],
    rows: [{ suite: 'gemm', rows: [row] }],
  };

  it('makes a file of its own, or keeps the text of one with marks', () => {
    const file = path.join(folder, 'tables.md');
    writeMarkdown(file, results);
    expect(readFileSync(file, 'utf8')).toContain('## gemm');
    writeFileSync(file, 'Text.\n<!-- bench machine -->\n<!-- end -->\n');
    writeMarkdown(file, results);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain('Text.');
    expect(text).toContain('a CPU, 2 CPUs');
    expect(text).not.toContain('## gemm');
  });
});
