import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as sn from '../../lib/index.ts';
import type { Generator } from '../../lib/random.ts';
import { bits, digits } from './networks.ts';

/** One text for the bits of all values. */
export function digest(values: ReadonlyMap<string, sn.Tensor>): string {
  return createHash('sha256').update(bits(values)).digest('hex');
}

/** Runs `body` with a folder of its own. */
export async function inFolder<T>(body: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'stridenet-checkpoint-'));
  try {
    return await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const data: sn.Samples = digits(90, 4);
export const validationData: sn.Samples = digits(40, 5);

/** A network whose training has something of everything to keep: statistics, streams, moments. */
export function kept(options: Partial<sn.SequentialOptions> = {}): sn.Network {
  return sn.sequential({
    inputShape: [1, 28, 28],
    seed: 3,
    ...options,
    layers: [
      sn.layers.conv2d({ filters: 4, kernelSize: 5, stride: 3, name: 'stem' }),
      sn.layers.batchNorm({ activation: 'relu' }),
      sn.layers.dropout({ rate: 0.2 }),
      sn.layers.flatten(),
      sn.layers.dense({ units: 12, optimizer: sn.optimizers.sgd({ momentum: 0.9 }) }),
      sn.layers.activation('tanh'),
      sn.layers.dropout({ rate: 0.3 }),
      sn.layers.dense({ units: 10, activation: 'softmax' }),
    ],
  });
}

const optimizers: readonly (() => sn.Optimizer)[] = [
  () => sn.optimizers.adam(2e-3),
  () => sn.optimizers.sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  () => sn.optimizers.adagrad({ learningRate: 0.01, initialAccumulatorValue: 0.1 }),
  () => sn.optimizers.rmsprop({ learningRate: 1e-3, momentum: 0.5, centered: true }),
  () => sn.optimizers.adamW(1e-3),
];

const schedules: readonly (() => Partial<sn.FitOptions>)[] = [
  () => ({}),
  () => ({ schedule: sn.schedules.cosine({ minimum: 0.1 }) }),
  () => ({ schedule: sn.schedules.plateau({ patience: 0, factor: 0.5, minDelta: 0.2 }) }),
  () => ({ schedule: sn.schedules.warmUp({ steps: 9 }), rates: { stem: 0.5 } }),
];

/** Augmentations of every stage. */
export const augmentation: readonly sn.Augmentation[] = [
  sn.augmentations.padCrop({ padding: 2 }),
  sn.augmentations.rotate({ degrees: 10 }),
  sn.augmentations.brightness({ amount: 0.1 }),
  sn.augmentations.cutout({ size: 5, probability: 0.5 }),
  sn.augmentations.mixup({ alpha: 0.3 }),
];

/** Samples that are changed by chance as they are read. */
const noisy = (dataset: sn.data.Dataset): sn.data.Dataset =>
  dataset.map(({ x, y }, { random }) => {
    x.data[random.integer(784)] = random.integer(256);
    return { x, y };
  });

/** Ways to read the samples. */
const readings: readonly (() => sn.data.TrainingData)[] = [
  () => data,
  () => noisy(sn.data.from(data)),
  () => noisy(sn.data.from(() => sn.data.from(data)).shuffle({ buffer: 20 })).prefetch(5),
  () => noisy(sn.data.from(() => sn.data.from(data))).filter(({ y }) => y !== 3),
];

/** A training: its options and its data, made afresh by each call. */
export interface DrawnTraining {
  options(): sn.FitOptions;
  data(): sn.data.TrainingData;
}

/** A way to train, drawn from a stream. */
export function drawTraining(random: Generator): DrawnTraining {
  const reading = random.integer(readings.length);
  const optimizer = optimizers[random.integer(optimizers.length)] as () => sn.Optimizer;
  const schedule = schedules[random.integer(schedules.length)] as () => Partial<sn.FitOptions>;
  const batchSize = 7 + random.integer(14);
  const length = random.integer(3) === 0 ? { steps: 11 + random.integer(8) } : { epochs: 3 };
  const clip = random.integer(2) === 0 ? {} : { clipNorm: 1 };
  const metrics =
    random.integer(2) === 0
      ? []
      : [sn.metrics.f1(), sn.metrics.confusionMatrix(), sn.metrics.topK(3)];
  const stopping =
    random.integer(2) === 0 ? {} : { earlyStopping: { patience: 1, minDelta: 0.05 } };
  const split = random.integer(3) === 0 && reading < 2;
  const validation = split ? { validationSplit: 0.2 } : { validationData };
  const seed = random.integer(1000);
  const accumulate = 1 + random.integer(3);
  const averaging = random.integer(2) === 0 ? {} : { averaging: { decay: 0.9 } };
  const augmented = random.integer(2) === 0 ? {} : { augmentation };
  const options = (): sn.FitOptions => ({
    ...{ optimizer: optimizer(), batchSize, seed, metrics, accumulate },
    ...schedule(),
    ...validation,
    ...stopping,
    ...length,
    ...clip,
    ...averaging,
    ...augmented,
  });
  return { options, data: readings[reading] as () => sn.data.TrainingData };
}

/** The epochs without what clocks say. */
export function timeless({ epochs }: sn.History): unknown[] {
  return epochs.map(({ seconds: _, ...record }) => record);
}

/** Trains until a step has been told, then stops; the history when it is done before. */
export async function trainUntil(
  net: sn.Network,
  options: sn.FitOptions,
  step: number,
  given: sn.data.TrainingData = data,
): Promise<sn.History | null> {
  const controller = new AbortController();
  const stop = ({ step: done }: sn.StepEvent): void => {
    if (done >= step) controller.abort();
  };
  const { signal } = controller;
  try {
    return await net.fit(given, { ...options, signal, callbacks: { onStep: stop } });
  } catch (error) {
    if ((error as sn.StridenetError).code === 'ERR_ABORTED') return null;
    throw error;
  }
}
