import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import * as sn from '../lib/index.ts';
import { measureAugmentation } from './augmentation.ts';
import { measureCheckpoints } from './checkpoint.ts';
import { compareRow, type Pace, type RowResult, Workers } from './compare.ts';
import { measureImport, measureMemory } from './memory.ts';
import { type Subject, subjects } from './networks.ts';
import { measureStreams } from './operators.ts';
import { type Options, parseOptions } from './options.ts';
import { findPeers, type Peers } from './peers.ts';
import { formatProfile, profileInference, profileTraining } from './profile.ts';
import { compareWithReference } from './reference.ts';
import { formatAbout, formatTables, type Results, writeMarkdown } from './results.ts';
import { measurePeaks, type Peaks } from './roofline.ts';
import { measureServing } from './serving.ts';
import { plans, rowOf } from './suites.ts';
import { type Library, stridenetLibrary, withWinograd } from './worker.ts';

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Seconds for each library in each row. */
const ownSeconds: Readonly<Record<string, number>> = {
  ...{ gemm: 0.25, conv: 0.15, train: 3, infer: 1, scaling: 0.5, operators: 0.3, reference: 0.1 },
  ...{ checkpoint: 0.5, augmentation: 4, serving: 10 },
};

/** Peers that have nothing to scale by. */
const onOneThread = ['jax-js', 'tfjs'];

function paceOf(suite: string, { level, seconds }: Options): Pace {
  const own = (ownSeconds[suite] ?? 1) * (level === 0 ? 0.5 : 1);
  return { seconds: seconds ?? own, rounds: level === 0 ? 3 : 5 };
}

/** The peaks of so many threads, measured once. */
class PeaksByThreads {
  readonly known = new Map<number, Peaks>();
  readonly #seconds: number;

  constructor(seconds: number) {
    this.#seconds = seconds;
  }

  async of(threads: number): Promise<Peaks> {
    const known = this.known.get(threads);
    if (known !== undefined) return known;
    say(`peaks of ${threads} threads`);
    const peaks = await measurePeaks(threads, this.#seconds);
    this.known.set(threads, peaks);
    return peaks;
  }
}

async function measureRows(
  suite: string,
  options: Options,
  { workers, peaks }: { workers: Workers; peaks: PeaksByThreads },
): Promise<RowResult[]> {
  const { level, only, threads } = options;
  const pace = paceOf(suite, options);
  const results: RowResult[] = [];
  const wanted = (plans[suite]?.(threads) ?? [])
    .filter((plan) => plan.level <= level && plan.title.includes(only))
    .map(rowOf);
  for (const [i, row] of wanted.entries()) {
    say(`${suite} ${i + 1}/${wanted.length}: ${row.title}`);
    const own = await peaks.of(row.threads ?? threads);
    results.push(await compareRow(row, { ...pace, workers, peaks: own }));
  }
  return results;
}

function machine(): Results['machine'] {
  const isa = sn.cpuInfo().isa ?? 'reference';
  const cpu = cpus()[0]?.model.trim() ?? 'unknown';
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return { cpu, cpus: cpus().length, memoryGiB, node: process.version, isa };
}

async function measureSuite(
  suite: string,
  options: Options,
  context: { libraries: readonly Library[]; workers: Workers; peaks: PeaksByThreads },
): Promise<Partial<Results>> {
  const { threads, level, only } = options;
  const onTask = (task: string): void => say(`${suite}: ${task}`);
  const own = { threads, seconds: paceOf(suite, options).seconds };
  if (suite === 'memory') {
    const memory = await measureMemory(context.libraries, { threads, level, only, onTask });
    return { memory, imports: measureImport(level === 0 ? 5 : 15) };
  }
  if (suite === 'checkpoint') {
    const pairs = [3, 7, 15][level] as number;
    return { checkpoints: await measureCheckpoints({ ...own, level, only, onTask, pairs }) };
  }
  if (suite === 'augmentation') {
    return { augmentation: await measureAugmentation({ ...own, level, only }, onTask) };
  }
  if (suite === 'serving') {
    return { serving: await measureServing({ ...own, level, only }, onTask) };
  }
  if (suite === 'operators') return { operators: await measureStreams(own, onTask) };
  if (suite === 'reference') return { reference: await compareWithReference(own, onTask) };
  if (suite !== 'scaling') {
    return { rows: [{ suite, rows: await measureRows(suite, options, context) }] };
  }
  const workers = new Workers(context.libraries.filter(({ name }) => !onOneThread.includes(name)));
  try {
    return { rows: [{ suite, rows: await measureRows(suite, options, { ...context, workers }) }] };
  } finally {
    workers.close();
  }
}

async function measureAll(options: Options): Promise<Results> {
  const none: Peers = { found: [], missing: [], notes: [] };
  const found = options.peers === null ? none : findPeers(options.peers);
  for (const note of found.notes) say(note);
  for (const { name, reason } of found.missing) say(`without ${name}: ${reason}`);
  const ours = await stridenetLibrary(options.isa);
  const libraries = [ours, ...(options.winograd ? [withWinograd(ours)] : []), ...found.found];
  say(`measured: ${libraries.map(({ name }) => name).join(', ')}`);
  const workers = new Workers(libraries);
  const peaks = new PeaksByThreads(
    options.seconds === null ? 2 : Math.min(2, 10 * options.seconds),
  );
  const head = {
    ...{ machine: machine(), threads: options.threads, date: new Date().toISOString() },
    ...{ notes: found.notes, missing: found.missing },
  };
  let results: Results = { ...head, peaks: [], rows: [], took: {} };
  try {
    for (const suite of options.suites) {
      const start = performance.now();
      const part = await measureSuite(suite, options, { libraries, workers, peaks });
      const seconds = Math.round((performance.now() - start) / 1000);
      const rows = [...results.rows, ...(part.rows ?? [])];
      const took = { ...results.took, [suite]: seconds };
      results = { ...results, ...part, rows, took, peaks: [...peaks.known.values()] };
      say(`${suite} took ${seconds} s`);
      if (options.json !== null) {
        writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
      }
      console.log(`\n${formatTables({ rows: [], ...part })}\n`);
      // Memory and scaling start processes of their own; those of other suites must not be in the way.
      workers.close();
    }
  } finally {
    workers.close();
  }
  console.log(formatAbout(results));
  return results;
}

function profile({ network, mode, threads, seconds, batch, isa, winograd }: Options): void {
  const own = { ...(batch === undefined ? {} : { batch }), ...(isa === undefined ? {} : { isa }) };
  const take = mode === 'infer' ? profileInference : profileTraining;
  const times = take(subjects[network] as Subject, {
    ...{ threads, seconds: seconds ?? 4, winograd, ...own },
  });
  console.log(formatProfile(times, 40));
}

const options = parseOptions(process.argv.slice(2));
sn.setThreads(options.threads);
if (options.suites.includes('profile')) profile(options);
else {
  const results =
    options.from === null
      ? await measureAll(options)
      : (JSON.parse(readFileSync(options.from, 'utf8')) as Results);
  if (options.from !== null) console.log(`${formatTables(results)}\n\n${formatAbout(results)}`);
  if (options.markdown !== null) writeMarkdown(options.markdown, results);
}
