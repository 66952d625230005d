// A process that makes networks and lets go of them. argv: what to do, and how often. Prints JSON.
import { once } from 'node:events';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import * as sn from '../../lib/index.ts';

const images = 48;

function network(seed: number): sn.Network {
  return sn.sequential({
    inputShape: [1, 12, 12],
    layers: [
      sn.layers.conv2d({ filters: 8, kernelSize: 3, activation: 'relu' }),
      sn.layers.batchNorm(),
      sn.layers.maxPool2d({ kernelSize: 2 }),
      sn.layers.flatten(),
      sn.layers.dense({ units: 4, activation: 'softmax' }),
    ],
    seed,
  });
}

function samples(): sn.Samples {
  const x = sn.zeros([images, 1, 12, 12]);
  const y = sn.zeros([images], 'int32');
  for (let i = 0; i < x.size; i++) x.data[i] = ((i * 37) % 255) / 255;
  for (let i = 0; i < images; i++) y.data[i] = i % 4;
  return { x, y };
}

const data = samples();

async function use(net: sn.Network): Promise<void> {
  await net.fit(data, { batchSize: 16, validationData: data });
  await Promise.all([net.predict(data.x), net.predict(sn.data.slice(data, 0, 1).x)]);
}

/** In a worker: cycles of networks that are trained at the same time and disposed of. */
async function cycle({ networks, cycles }: { networks: number; cycles: number }): Promise<void> {
  for (let i = 0; i < cycles; i++) {
    const made = Array.from({ length: networks }, (_, seed) => network(seed));
    await Promise.all(made.map(use));
    for (const net of made) net.dispose();
  }
  parentPort?.postMessage(sn.memory());
}

async function cycles(workers: number, networks: number, cycles: number): Promise<unknown> {
  const all = Array.from({ length: workers }, async () => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { networks, cycles } });
    const [[left], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    return { left, code };
  });
  return Promise.all(all);
}

function collected(): number {
  for (let i = 0; i < 4; i++) (globalThis as { gc?: () => void }).gc?.();
  return process.memoryUsage.rss();
}

/** Networks that nobody disposes of. */
async function undisposed(count: number): Promise<unknown> {
  for (let i = 0; i < 200; i++) await use(network(i));
  const before = collected();
  let most = 0;
  for (let i = 0; i < count; i++) {
    await use(network(i));
    if (i % 100 === 99) most = Math.max(most, process.memoryUsage.rss());
  }
  // Finalizers run in turns of the event loop after a collection.
  for (let i = 0; i < 5; i++) {
    collected();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { before, most, after: collected(), native: sn.memory() };
}

if (isMainThread) {
  const [task, ...numbers] = process.argv.slice(2);
  const [a = 0, b = 0, c = 0] = numbers.map(Number);
  const result = task === 'cycles' ? await cycles(a, b, c) : await undisposed(a);
  process.stdout.write(JSON.stringify(result));
} else {
  await cycle(workerData);
}
