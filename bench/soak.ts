// `npm run soak -- --minutes 60`: one process that trains, answers requests, and makes and disposes of
// networks, for an hour. Says every minute how much memory it has and how fast it is, and at the end
// whether either changed: exit code 1 when the limits below are passed.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as sn from '../lib/index.ts';

/** Growth of resident memory after the first sixth of the time, and throughput kept to its end. */
const limits = { mebibytesAnHour: 5, throughput: 0.98 };
const requestsASecond = 100;
const mebibyte = 2 ** 20;

interface Minute {
  readonly rss: number;
  readonly native: number;
  /** Samples trained on. */
  readonly trained: number;
  readonly answered: number;
  /** Of requests, in milliseconds. */
  readonly p99: number;
  /** Of the event loop, in milliseconds. */
  readonly delay: number;
}

const counts = { trained: 0, answered: 0, failed: 0, made: 0 };
let took: number[] = [];
const end = new AbortController();

function digits(count: number): sn.Samples {
  const random = new sn.Generator(count, 'soak');
  const x = sn.zeros([count, 1, 28, 28], 'uint8');
  const y = sn.zeros([count], 'int32');
  for (let i = 0; i < x.size; i++) x.data[i] = random.integer(256);
  for (let i = 0; i < count; i++) y.data[i] = random.integer(10);
  return { x, y };
}

const data = digits(2000);

/** Trains again and again; `changed` is told of the network after every epoch. */
async function trains(net: sn.Network, changed: (net: sn.Network) => void): Promise<void> {
  const onEpoch = (): void => changed(net);
  const onStep = ({ samples }: sn.StepEvent): void => {
    counts.trained += samples - seen;
    seen = samples;
  };
  let seen = 0;
  while (!end.signal.aborted) {
    seen = 0;
    const options = { epochs: 1, batchSize: 100, validationData: sn.data.slice(data, 0, 200) };
    const training = net.fit(data, {
      ...options,
      signal: end.signal,
      augmentation: [sn.augmentations.shift({ x: 0.1, y: 0.1 })],
      callbacks: { onStep, onEpoch },
    });
    await training.catch((error: sn.StridenetError) => {
      if (error.code !== 'ERR_ABORTED') throw error;
    });
  }
}

/** Asks for a prediction every ten milliseconds, whether or not the last one was answered. */
async function asks(served: () => sn.Network): Promise<void> {
  const sizes = [1, 1, 1, 4, 16];
  const begin = performance.now();
  for (let i = 0; !end.signal.aborted; i++) {
    const left = begin + (i * 1000) / requestsASecond - performance.now();
    if (left > 0) await wait(left);
    const { x } = sn.data.slice(data, i % 1900, (i % 1900) + (sizes[i % sizes.length] as number));
    const start = performance.now();
    served()
      .predict(x)
      .then(() => {
        counts.answered++;
        took.push(performance.now() - start);
      })
      .catch(() => counts.failed++);
  }
}

/** Makes networks, uses them and lets go of them: every second one by dispose(). */
async function makes(): Promise<void> {
  while (!end.signal.aborted) {
    const net = sn.models.lenet5({ seed: counts.made });
    await net.fit(sn.data.slice(data, 0, 64), { batchSize: 32 });
    const step = sn.compile((x: sn.Variable) => sn.ops.sum(sn.ops.exp(x)));
    await step(sn.zeros([16]));
    step.dispose();
    if (counts.made++ % 2 === 0) net.dispose();
    await wait(500);
  }
}

async function minutes(count: number): Promise<Minute[]> {
  const all: Minute[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  for (let minute = 1; minute <= count; minute++) {
    const before = { ...counts };
    took = [];
    delay.reset();
    await wait(60_000);
    const sorted = took.sort((a, b) => a - b);
    const now: Minute = {
      rss: process.memoryUsage.rss() / mebibyte,
      native: sn.memory().bytes / mebibyte,
      trained: counts.trained - before.trained,
      answered: counts.answered - before.answered,
      p99: sorted[Math.floor(0.99 * sorted.length)] ?? Number.NaN,
      delay: delay.percentile(99) / 1e6 - 1,
    };
    all.push(now);
    const memory = `${now.rss.toFixed(1)} MiB resident, ${now.native.toFixed(1)} MiB native`;
    const speed = `${Math.round(now.trained / 60)} samples/s trained, ${Math.round(now.answered / 60)} requests/s`;
    const waits = `p99 of requests ${now.p99.toFixed(2)} ms, of the event loop ${now.delay.toFixed(2)} ms`;
    console.log(`${minute} min: ${memory}; ${speed}; ${waits}`);
  }
  return all;
}

/** The slope of the values over their places, by least squares. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const [xy, xx] = values.reduce(
    ([xy, xx], y, x) => [xy + (x - middle) * (y - mean), xx + (x - middle) ** 2],
    [0, 0],
  );
  return xy / xx;
}

function judge(all: readonly Minute[]): boolean {
  const part = Math.max(1, Math.floor(all.length / 6));
  const growth = 60 * slope(all.slice(part).map(({ rss }) => rss));
  const trained = (from: number): number =>
    all.slice(from, from + part).reduce((sum, minute) => sum + minute.trained, 0);
  const kept = trained(all.length - part) / trained(part);
  console.log(
    `after the first ${part} min: resident memory ${growth.toFixed(2)} MiB/h (limit ${limits.mebibytesAnHour}); ` +
      `throughput of the last ${part} min ${(100 * kept).toFixed(1)} % of the second ${part} (limit ${100 * limits.throughput} %); ` +
      `${counts.made} networks made, ${counts.failed} requests failed`,
  );
  return growth < limits.mebibytesAnHour && kept >= limits.throughput && counts.failed === 0;
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const duration = Number(values.minutes);
if (!Number.isInteger(duration) || duration < 3) {
  console.error('soak: --minutes must be an integer from 3 on');
  process.exit(2);
}
const trainee = sn.models.mnist({ seed: 1 });
let served = trainee.snapshot();
const work = [
  trains(trainee, (net) => {
    served = net.snapshot();
  }),
  trains(sn.models.lenet5({ seed: 2 }), () => undefined),
  asks(() => served),
  makes(),
];
const all = await minutes(duration);
end.abort();
await Promise.all(work);
process.exitCode = judge(all) ? 0 : 1;
