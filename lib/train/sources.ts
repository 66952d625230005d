import type { Augmentation } from '../augmentations/augmentation.ts';
import { Augmentations } from '../augmentations/compiled.ts';
import type { Samples } from '../data/samples.ts';
import { isStreamed, type StreamedData } from '../data/trainingData.ts';
import type { Loss } from '../losses/index.ts';
import type { Architecture } from './architecture.ts';
import { AugmentedBatches } from './augmented.ts';
import type { BatchSource } from './batches.ts';
import { affordableBatch, checkFit } from './evaluator.ts';
import { ResidentBatches } from './resident.ts';
import type { Stop } from './stop.ts';
import { StreamedBatches } from './streamed.ts';
import { splitOff } from './validationSplit.ts';

/** What batches are made for, and how. */
export interface SourceOptions {
  readonly architecture: Architecture;
  readonly loss: Loss;
  /** Default: 1000, or fewer where these would take much memory. */
  readonly batchSize?: number;
  /** Of the order and of functions; null: samples come in their order. */
  readonly seed: number | null;
  /** Ends the wait for a first sample. */
  readonly stop: Stop;
}

/**
 * The batches of some data: at once for samples in memory, which must be copied before anything is
 * waited for.
 * @param where what messages begin with
 * @throws ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT for data that do not fit the network and the loss
 */
export function batchesOf(
  where: string,
  data: Samples | StreamedData,
  {
    architecture,
    loss,
    seed,
    stop,
    batchSize = affordableBatch(architecture, 1000),
  }: SourceOptions,
): BatchSource | Promise<BatchSource> {
  if (isStreamed(data)) {
    return StreamedBatches.open(where, data, { architecture, loss, batchSize, seed }, stop);
  }
  checkFit(where, architecture, data, loss);
  return new ResidentBatches(architecture, data, { batchSize, seed });
}

/** Where the samples of a fit come from. */
export interface FitSources {
  readonly training: BatchSource;
  readonly validation: BatchSource | null;
}

/**
 * Samples that a fit validates at a time: forward alone, they take about as long as a step of
 * training, so that a signal ends either as soon.
 */
function validationBatch(architecture: Architecture, batchSize: number): number {
  return affordableBatch(architecture, Math.min(1000, Math.max(32, 3 * batchSize)));
}

/** What a fit says of its data. */
export interface FitSourceOptions {
  readonly loss: Loss;
  readonly batchSize: number;
  readonly seed: number;
  readonly validationData: Samples | StreamedData | null;
  readonly validationSplit: number | null;
  readonly augmentation: readonly Augmentation[];
}

/**
 * The sources of a fit: at once where all samples are in memory. See `batchesOf`.
 * @param stop ends the wait for first samples
 * @throws ERR_ARGUMENT for a share of data that cannot be split; ERR_SHAPE for an augmentation that
 *   does not fit the network's input
 */
export function sourcesOf(
  architecture: Architecture,
  data: Samples | StreamedData,
  settings: FitSourceOptions,
  stop: Stop,
): FitSources | Promise<FitSources> {
  const { loss, batchSize, seed, validationData, validationSplit: share } = settings;
  // Before they are split, so that messages tell the places of all.
  if (share !== null && !isStreamed(data)) checkFit('fit', architecture, data, loss);
  const parts =
    share === null ? { training: data, validation: validationData } : splitOff(data, share, seed);
  const { inputShape: shape, outputShape, dtype } = architecture;
  const classes = outputShape.length === 1 ? (outputShape[0] as number) : null;
  const samples = { shape, dtype, classes };
  const augmentations = new Augmentations('fit', settings.augmentation, samples);
  const augmented = (source: BatchSource): BatchSource =>
    settings.augmentation.length === 0 ? source : new AugmentedBatches(source, augmentations, seed);
  const training = batchesOf('fit', parts.training, { architecture, loss, batchSize, seed, stop });
  const validate = (): BatchSource | Promise<BatchSource> | null =>
    parts.validation &&
    batchesOf('fit, validationData', parts.validation, {
      ...{ architecture, loss, seed: null, stop },
      batchSize: validationBatch(architecture, batchSize),
    });
  if (!(training instanceof Promise)) {
    const validation = validate();
    const changed = augmented(training);
    if (!(validation instanceof Promise)) return { training: changed, validation };
    return validation.then((opened) => ({ training: changed, validation: opened }));
  }
  return training.then(async (opened) => {
    try {
      return { training: augmented(opened), validation: await validate() };
    } catch (error) {
      const closed = closeSources(opened);
      if (!stop.stopped) await closed;
      throw error;
    }
  });
}

/** Closes sources whose samples nobody wants any more; what they throw of it does not matter. */
export async function closeSources(...sources: (BatchSource | null)[]): Promise<void> {
  await Promise.allSettled(sources.map((source) => source?.close()));
}
