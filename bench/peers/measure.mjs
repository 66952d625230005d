// What the peers written in JavaScript share: arguments, timing, and the line that they print.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    task: { type: 'string', default: 'train' },
    threads: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '5' },
    batch: { type: 'string', default: '1000' },
  },
});

export const task = values.task;
export const threads = Number(values.threads);
export const seconds = Number(values.seconds);
export const batch = Number(values.batch);

/** Parameters of the MNIST network: name → shape, in order. */
export const SHAPES = {
  w0: [32, 1, 3, 3],
  b0: [32],
  w1: [100, 5408],
  b1: [100],
  w2: [10, 100],
  b2: [10],
};

/** A He-scaled value for each element (uniform: only the speed is of interest), zero biases. */
export function makeParameter(shape) {
  const size = shape.reduce((product, n) => product * n, 1);
  const bound = shape.length === 1 ? 0 : Math.sqrt(6 / (size / shape[0]));
  return Float32Array.from({ length: size }, () => (2 * Math.random() - 1) * bound);
}

export function makeImages(count) {
  return Float32Array.from({ length: count * 784 }, () => Math.random());
}

export function makeLabels(count) {
  return Int32Array.from({ length: count }, () => Math.floor(Math.random() * 10));
}

/** Images per second of every step, for about `seconds` and at least `least` steps. */
export async function measure(step, { warmUp = 3, least = 5 } = {}) {
  for (let i = 0; i < warmUp; i += 1) await step();
  const rates = [];
  const end = performance.now() + 1000 * seconds;
  while (rates.length < least || performance.now() < end) {
    const start = performance.now();
    await step();
    rates.push((1000 * batch) / (performance.now() - start));
  }
  return rates;
}

export function versionOf(name) {
  const file = new URL(`./node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

export function print({ peer, version, rates, threadsUsed = threads, note }) {
  const sorted = rates.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  const all = rates.slice(0, 200).map((rate) => Math.round(10 * rate) / 10);
  const result = {
    peer,
    version,
    threads: threadsUsed,
    note,
    task: `mnist-${task}-${batch}`,
    imagesPerSecond: { median, all },
  };
  console.log(JSON.stringify(result));
}
