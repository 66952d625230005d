import { loadAddon } from '../lib/backends/addon.ts';
import { backendOf } from '../lib/backends/index.ts';
import { type GraphVariable, Tracer } from '../lib/graph/graph.ts';
import type { Work } from './tasks.ts';

/** What this machine can do at most, on so many threads. */
export interface Peaks {
  readonly threads: number;
  /** Multiply-adds from registers alone, two operations each, a second. */
  readonly flops: { readonly float32: number; readonly float64: number };
  /** Bytes read and written a second by a copy, for operand and result of so many bytes together. */
  readonly copies: readonly { readonly bytes: number; readonly rate: number }[];
}

/** The least time that work takes, and what it waits for. */
export interface Bound {
  readonly seconds: number;
  readonly binding: 'FLOP' | 'bandwidth';
}

/** The most bytes a second of a copy inside a Program, read and written. */
async function copyRate(bytes: number, threads: number, seconds: number): Promise<number> {
  const tracer = new Tracer();
  const spec = { shape: [bytes / 8], dtype: 'float32' } as const;
  const value = tracer.input(spec, 'state');
  const state = tracer.input(spec, 'state') as GraphVariable;
  // Else what no step changes is computed once, and not in each step.
  const settings = { threads, passes: { hoist: false } };
  const program = backendOf('native').prepare(tracer.graph([], [{ state, value }]), settings);
  const steps = Math.max(1, Math.round(2 ** 26 / bytes));
  let best = 0;
  const end = performance.now() + 1000 * seconds;
  for (let i = 0; i < 3 || performance.now() < end; i++) {
    const start = performance.now();
    await program.run({ steps, feeds: [] });
    best = Math.max(best, (1000 * steps * bytes) / (performance.now() - start));
  }
  program.dispose();
  return best;
}

/** Sizes from one core's second cache to well beyond the last. */
const sizes = [2 ** 18, 2 ** 20, 2 ** 22, 2 ** 24, 2 ** 26, 2 ** 28];

/** Measures both peaks for about `seconds` in all. */
export async function measurePeaks(threads: number, seconds: number): Promise<Peaks> {
  const { addon } = loadAddon();
  const each = seconds / (6 + sizes.length);
  const peak = (dtype: string): number =>
    1e9 * Math.max(...[0, 1, 2].map(() => addon.fmaPeak(dtype, threads, Math.ceil(1000 * each))));
  const flops = { float32: peak('float32'), float64: peak('float64') };
  const copies = [];
  for (const bytes of sizes) copies.push({ bytes, rate: await copyRate(bytes, threads, each) });
  return { threads, flops, copies };
}

/**
 * Bytes a second for work that moves `bytes`: of the copies of the sizes around it, by straight line
 * over the logarithm of the size, so that what fits a cache is held against that cache.
 */
export function bandwidthAt({ copies }: Peaks, bytes: number): number {
  const next = copies.findIndex((copy) => copy.bytes >= bytes);
  const after = copies.at(next);
  const before = copies[next - 1];
  if (after === undefined) return Number.NaN;
  if (next <= 0 || before === undefined) return after.rate;
  const share = Math.log(bytes / before.bytes) / Math.log(after.bytes / before.bytes);
  return before.rate + share * (after.rate - before.rate);
}

/** The roofline: the greater of the times that multiply-adds and bytes take at their peaks. */
export function boundOf({ flops, bytes, dtype }: Work, peaks: Peaks): Bound {
  const compute = flops / peaks.flops[dtype];
  const traffic = bytes / bandwidthAt(peaks, bytes);
  return compute >= traffic
    ? { seconds: compute, binding: 'FLOP' }
    : { seconds: traffic, binding: 'bandwidth' };
}
