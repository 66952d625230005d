import { loadAddon } from '../lib/backends/addon.ts';
import { backendOf } from '../lib/backends/index.ts';
import { Tracer } from '../lib/graph/graph.ts';
import * as sn from '../lib/index.ts';
import { Generator } from '../lib/random.ts';
import { measureRates, median, type Rates } from './measure.ts';
import { images, type Subject, subjects } from './networks.ts';

/** How long and on how many threads. */
export interface SuiteOptions {
  readonly threads: number;
  readonly seconds: number;
}

/** One thing that stridenet did. */
export interface Measurement {
  readonly task: string;
  readonly subject: string;
  readonly unit: 'images/s' | 'GFLOP/s' | 'ms';
  readonly rates: Rates;
}

function uniform(shape: readonly number[], dtype: 'float32' | 'float64'): sn.Tensor {
  const random = new Generator(1);
  const tensor = sn.zeros(shape, dtype);
  for (let i = 0; i < tensor.size; i++) tensor.data[i] = 2 * random.uniform() - 1;
  return tensor;
}

/** Training of the MNIST network: every step of some epochs, loss, backward and Adam included. */
export async function trainMnist(
  backend: sn.BackendName,
  { threads, seconds }: SuiteOptions,
): Promise<Measurement> {
  const isNative = backend === 'native';
  const batchSize = isNative ? 1000 : 20;
  const data = images(isNative ? 10 * batchSize : batchSize, subjects.mnist as Subject);
  const net = sn.models.mnist({ backend, threads, seed: 1 });
  const optimizer = sn.optimizers.adam(1e-3);
  const all: number[] = [];
  const end = performance.now() + seconds * 1000;
  await net
    .fit(data, {
      epochs: 100_000,
      batchSize,
      optimizer,
      callbacks: {
        onEpoch: ({ epoch, imagesPerSecond }) => {
          if (epoch > 1 || !isNative) all.push(imagesPerSecond);
          if (all.length >= (isNative ? 5 : 2) && performance.now() > end) throw enough;
        },
      },
    })
    .catch((error) => {
      if (error !== enough) throw error;
    });
  return {
    task: 'mnist-train-1000',
    subject: isNative ? 'stridenet native' : `stridenet reference (batch ${batchSize})`,
    unit: 'images/s',
    rates: { median: median(all), all },
  };
}

const enough = new Error('enough');

/** Inference of the MNIST network through predict, copies in and out included. */
export async function inferMnist(
  batch: number,
  { threads, seconds }: SuiteOptions,
): Promise<Measurement> {
  const net = sn.models.mnist({ backend: 'native', threads, seed: 1 });
  const x = uniform([batch, 1, 28, 28], 'float32');
  await net.predict(x);
  const rates = await measureRates(
    async () => {
      await net.predict(x);
      return batch;
    },
    { seconds },
  );
  return { task: `mnist-infer-${batch}`, subject: 'stridenet native', unit: 'images/s', rates };
}

/** A square matrix product inside a Program: packing included, no copies to JavaScript. */
export async function gemm(
  size: number,
  dtype: 'float32' | 'float64',
  { threads, seconds }: SuiteOptions,
): Promise<Measurement> {
  const tracer = new Tracer();
  const [a, b, c] = ['a', 'b', 'c'].map((name) =>
    tracer.input({ shape: [size, size], dtype }, 'state', name),
  ) as [ReturnType<Tracer['input']>, ReturnType<Tracer['input']>, ReturnType<Tracer['input']>];
  const product = sn.ops.matmul(a as sn.Variable, b as sn.Variable);
  const graph = tracer.graph([], [{ state: c, value: product as typeof c }]);
  const program = backendOf('native').prepare(graph, { threads });
  program.write(0, uniform([size, size], dtype));
  program.write(1, uniform([size, size], dtype));
  const steps = Math.max(1, Math.round(2e10 / (2 * size ** 3)));
  await program.run({ steps, feeds: [] });
  const rates = await measureRates(
    async () => {
      await program.run({ steps, feeds: [] });
      return (steps * 2 * size ** 3) / 1e9;
    },
    { seconds },
  );
  program.dispose();
  return { task: `gemm-${size} ${dtype}`, subject: 'stridenet native', unit: 'GFLOP/s', rates };
}

/** The rate of fused multiply-adds from registers alone: what a GEMM is measured against. */
export function fmaPeak(dtype: 'float32' | 'float64', { threads }: SuiteOptions): Measurement {
  const all = [0, 1, 2].map(() => loadAddon().addon.fmaPeak(dtype, threads, 300));
  return {
    task: `fma-peak ${dtype}`,
    subject: 'this CPU',
    unit: 'GFLOP/s',
    rates: { median: Math.max(...all), all },
  };
}
