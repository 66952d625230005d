import { argumentError, StridenetError } from '../errors.ts';
import { Dataset, type DatasetInfo, partsOf } from './dataset.ts';
import type { Stage } from './pipeline/stage.ts';
import type { Sample } from './sample.ts';
import { checkSamples, type Samples } from './samples.ts';

/** What a network is trained and evaluated with. */
export type TrainingData = Samples | Dataset<Sample>;

/** Samples that are read as they are wanted. */
export interface StreamedData {
  readonly stage: Stage<Sample>;
  readonly info: DatasetInfo;
}

/**
 * Samples in memory: `data` if it is that, or what a data set is made of where nothing but its order
 * differs; else what reads them.
 * @throws ERR_ARGUMENT, ERR_SHAPE for data that are none, of no sample, or in batches
 */
export function checkData(where: string, data: unknown): Samples | StreamedData {
  if (!(data instanceof Dataset)) {
    checkSamples(where, data);
    return checkCount(where, data, data.x.shape[0] as number);
  }
  const { stage, info } = partsOf<Sample>(data);
  if (stage.traits.batched) {
    throw new StridenetError(
      'ERR_ARGUMENT',
      `[${where}] samples are put into batches of batchSize: leave out batch(…)`,
    );
  }
  checkCount(where, data, stage.length ?? 1);
  const samples = stage.access?.samples() ?? null;
  if (samples === null) return { stage, info };
  return info.scale === null ? samples : { ...samples, scale: info.scale };
}

function checkCount<T>(where: string, data: T, count: number): T {
  if (count === 0) throw argumentError(where, 'at least one sample', 0);
  return data;
}

/** Whether data are read as they are wanted. */
export function isStreamed(data: Samples | StreamedData): data is StreamedData {
  return 'stage' in data;
}

/** Data that what the caller does to its tensors from now on does not change. */
export function copyOf<D extends Samples | StreamedData | null>(data: D): D {
  if (data === null || isStreamed(data)) return data;
  return { ...data, x: data.x.clone(), y: data.y.clone() };
}
