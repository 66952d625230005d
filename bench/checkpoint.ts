import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as sn from '../lib/index.ts';
import type { Level } from './layers.ts';
import { images, type Subject, subjectOf } from './networks.ts';
import { type Summary, summarize } from './statistics.ts';
import { formatNumber } from './table.ts';

/** What one checkpoint costs the training of a network. */
export interface CheckpointResult {
  readonly title: string;
  readonly bytes: number;
  /** Milliseconds of a step. */
  readonly step: number;
  /** Milliseconds from its beginning until its file is synced, beside the steps. */
  readonly written: Summary;
  /** Milliseconds for which steps stand still. */
  readonly stall: Summary;
  /** Milliseconds by which training is later. */
  readonly later: Summary;
  /** Milliseconds of all CPUs together. */
  readonly cpu: Summary;
}

const networks: readonly (readonly [string, Level])[] = [
  ['mnist', 0],
  ['convolutions', 1],
  ['resnet18-32', 1],
];

/** Seconds between checkpoints by which costs are told. */
const everySeconds = 60;

/** An epoch lasts so many times as long as a checkpoint takes to be written, so that it ends in it. */
const margin = 2;

type Settings = Pick<sn.FitOptions, 'batchSize' | 'optimizer' | 'checkpoint'>;

/** What every second of these is more than the one before it. */
function differences(values: readonly number[]): Summary {
  const pairs = Array.from({ length: values.length >> 1 }, (_, i) => {
    return (values[2 * i + 1] as number) - (values[2 * i] as number);
  });
  return summarize(pairs);
}

/** Wall and CPU time of epochs in milliseconds, but for the first; a checkpoint begins each second. */
async function epochTimes(net: sn.Network, data: sn.Samples, settings: Settings, epochs: number) {
  const [wall, cpu, written]: [number[], number[], number[]] = [[], [], []];
  let bytes = 0;
  let [time, usage] = [performance.now(), process.cpuUsage()];
  await net.fit(data, {
    ...settings,
    epochs,
    callbacks: {
      onEpoch: ({ epoch }) => {
        const { user, system } = process.cpuUsage(usage);
        const now = performance.now();
        if (epoch > 1) {
          wall.push(now - time);
          cpu.push((user + system) / 1000);
        }
        [time, usage] = [now, process.cpuUsage()];
      },
      onCheckpoint: (event) => {
        bytes = event.bytes;
        written.push(1000 * event.seconds);
      },
    },
  });
  return { wall, cpu, written, bytes };
}

/** Milliseconds of the first step of every epoch but the first. */
async function firstSteps(net: sn.Network, data: sn.Samples, settings: Settings, epochs: number) {
  const times: number[] = [];
  let before = Number.NaN;
  for await (const event of net.train(data, { ...settings, epochs })) {
    const now = performance.now();
    if (event.type === 'epoch') before = now;
    else if (!Number.isNaN(before)) {
      times.push(now - before);
      before = Number.NaN;
    }
  }
  return times;
}

async function measureNetwork(
  title: string,
  subject: Subject,
  { threads, seconds, pairs, folder }: Pace & { folder: string },
): Promise<CheckpointResult> {
  const { batch: batchSize } = subject;
  const net = subject.build({ threads, seed: 1 });
  const settings = (name: string): Settings => ({
    ...{ batchSize, optimizer: subject.optimizer() },
    checkpoint: { directory: join(folder, name), everyEpochs: 2, keep: 1 },
  });
  const tried = await epochTimes(net, images(2 * batchSize, subject), settings('tried'), 5);
  const step = Math.min(...tried.wall) / 2;
  const lasting = Math.max(1000 * seconds, margin * Math.max(...tried.written));
  const data = images(Math.ceil(lasting / step) * batchSize, subject);
  // Checkpoints begin behind the second epoch, the fourth, …: in the third, the fifth, ….
  const epochs = 2 * pairs + 1;
  const { wall, cpu, written, bytes } = await epochTimes(net, data, settings('epochs'), epochs);
  const few = images(2 * batchSize, subject);
  const first = await firstSteps(net, few, settings('steps'), epochs);
  const steps = Math.ceil(lasting / step);
  return {
    ...{ title, bytes, written: summarize(written) },
    step: summarize(wall.filter((_, i) => i % 2 === 0)).median / steps,
    ...{ stall: differences(first), later: differences(wall), cpu: differences(cpu) },
  };
}

interface Pace {
  readonly threads: number;
  /** That an epoch lasts at least. */
  readonly seconds: number;
  /** Epochs with a checkpoint, each after one without. */
  readonly pairs: number;
}

/** What checkpoints cost, network by network, written to the folder of temporary files. */
export async function measureCheckpoints(
  options: Pace & { level: Level; only: string; onTask: (title: string) => void },
): Promise<CheckpointResult[]> {
  const results: CheckpointResult[] = [];
  for (const [network, level] of networks) {
    const subject = subjectOf(network);
    const title = `train ${network}, batch ${subject.batch}`;
    if (level > options.level || !title.includes(options.only)) continue;
    options.onTask(title);
    const folder = await mkdtemp(join(tmpdir(), 'stridenet-bench-checkpoint-'));
    try {
      results.push(await measureNetwork(title, subject, { ...options, folder }));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return results;
}

function middle({ median, lower, upper }: Summary): string {
  const [at, from, to] = [median, lower, upper].map((value) => value.toFixed(1));
  return `${at} (${from} to ${to})`;
}

/** Medians with their quartiles. */
export function checkpointTable(results: readonly CheckpointResult[]): {
  header: string[];
  body: string[][];
} {
  const body = results.map(({ title, bytes, step, written, stall, later, cpu }) => [
    ...[title, formatNumber(bytes / 1e6), formatNumber(step)],
    ...[stall, later, cpu, written].map(middle),
    `${((100 * later.median) / (1000 * everySeconds)).toFixed(3)} %`,
  ]);
  const header = [
    ...['one checkpoint', 'MB', 'a step, ms', 'steps stand still, ms', 'training later, ms'],
    ...['CPU, ms', 'until synced, ms', `one every ${everySeconds} s`],
  ];
  return { header, body };
}
