import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type * as sn from '../lib/index.ts';
import type { Level } from './layers.ts';
import { images, subjectOf } from './networks.ts';
import type { SuiteOptions } from './options.ts';
import { quantile } from './statistics.ts';
import { formatNumber } from './table.ts';

/** Requests to one network, alone in the process or while others train. */
export interface ServingResult {
  readonly network: string;
  /** Networks that train meanwhile. */
  readonly trainers: number;
  /** Milliseconds from asking to the answer. */
  readonly requests: { readonly p50: number; readonly p99: number; readonly most: number };
  /** Of the event loop, without the resolution of its measurement; milliseconds. */
  readonly delay: { readonly p50: number; readonly p99: number };
  /** Samples trained on in a second. */
  readonly trained: number;
}

const requestsASecond = 100;
/** Milliseconds between two looks at the event loop. */
const resolution = 1;

const served: readonly (readonly [string, Level])[] = [
  ['lenet5', 0],
  ['mnist', 1],
  ['convolutions', 1],
  ['resnet18-32', 2],
];
const trained = ['mnist', 'lenet5', 'mnist', 'lenet5'];

/** Milliseconds of requests of one image at equal distances, whether or not the last is answered. */
async function ask(net: sn.Network, x: sn.Tensor, seconds: number): Promise<number[]> {
  const took: number[] = [];
  const asked: Promise<void>[] = [];
  const begin = performance.now();
  for (let i = 0; i < seconds * requestsASecond; i++) {
    const left = begin + (i * 1000) / requestsASecond - performance.now();
    if (left > 0) await wait(left);
    const start = performance.now();
    asked.push(
      net.predict(x).then(() => {
        took.push(performance.now() - start);
      }),
    );
  }
  await Promise.all(asked);
  return took;
}

/** Networks that train until the signal fires; gives the samples that they trained on. */
async function trainAll(count: number, threads: number, signal: AbortSignal): Promise<number> {
  let samples = 0;
  const all = trained.slice(0, count).map(async (name, seed) => {
    const subject = subjectOf(name);
    const net = subject.build({ seed, threads });
    let seen = 0;
    const onStep = (event: sn.StepEvent): void => {
      samples += event.samples < seen ? event.samples : event.samples - seen;
      seen = event.samples;
    };
    const options = { batchSize: 64, epochs: 1_000_000, signal };
    const training = net.fit(images(2000, subject), { ...options, callbacks: { onStep } });
    await training.catch((error: sn.StridenetError) => {
      if (error.code !== 'ERR_ABORTED') throw error;
    });
    net.dispose();
  });
  await Promise.all(all);
  return samples;
}

async function measure(
  network: string,
  trainers: number,
  { threads, seconds }: SuiteOptions,
): Promise<ServingResult> {
  const subject = subjectOf(network);
  const net = subject.build({ seed: 1, threads });
  const { x } = images(1, subject);
  // Both Programs that requests of one image need when they wait for each other.
  for (const count of [1, 64, 1]) await net.predict(images(count, subject).x);
  const end = new AbortController();
  const training = trainAll(trainers, threads, end.signal);
  // What begins meanwhile is compiled on JavaScript's thread.
  await wait(1000);
  const loop = monitorEventLoopDelay({ resolution });
  loop.enable();
  const start = performance.now();
  const took = await ask(net, x, seconds);
  const duration = (performance.now() - start + 1000) / 1000;
  loop.disable();
  end.abort();
  const samples = await training;
  net.dispose();
  const delay = (percentile: number) => loop.percentile(percentile) / 1e6 - resolution;
  return {
    ...{ network, trainers, trained: samples / duration },
    requests: { p50: quantile(took, 0.5), p99: quantile(took, 0.99), most: Math.max(...took) },
    delay: { p50: delay(50), p99: delay(99) },
  };
}

/** Requests to each network alone and beside four that train. */
export async function measureServing(
  options: SuiteOptions & { readonly level: Level; readonly only: string },
  onTask: (task: string) => void,
): Promise<ServingResult[]> {
  const results: ServingResult[] = [];
  for (const [network, level] of served) {
    if (level > options.level || !network.includes(options.only)) continue;
    for (const trainers of [0, trained.length]) {
      onTask(`${network} beside ${trainers}`);
      results.push(await measure(network, trainers, options));
    }
  }
  return results;
}

/** Milliseconds; the ratio is that of p99 to the p99 alone. */
export function servingTable(results: readonly ServingResult[]): {
  header: string[];
  body: string[][];
} {
  return {
    header: [
      ...['100 requests a second', 'p50, ms', 'p99, ms', 'over alone', 'most, ms'],
      ...['event loop p50, ms', 'p99, ms', 'trained, samples/s'],
    ],
    body: results.map(({ network, trainers, requests, delay, trained }) => {
      const alone = results.find((other) => other.network === network && other.trainers === 0);
      const ratio = requests.p99 / (alone?.requests.p99 ?? Number.NaN);
      return [
        `${network}, ${trainers === 0 ? 'alone' : `beside ${trainers} that train`}`,
        ...[formatNumber(requests.p50), formatNumber(requests.p99), ratio.toFixed(2)],
        ...[requests.most, delay.p50, delay.p99].map(formatNumber),
        formatNumber(trained),
      ];
    }),
  };
}
