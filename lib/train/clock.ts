import type { Moment } from '../schedules/schedule.ts';
import type { Cursor } from './trainer.ts';

/** How long a training is, as far as that is known before it. */
export interface Length {
  readonly steps: number | null;
  readonly epochs: number | null;
  readonly stepsPerEpoch: number | null;
}

/** How long a training is said to be. */
export interface Duration {
  /** Null, as `epochs`, where the other says it. */
  readonly steps: number | null;
  readonly epochs: number | null;
  /** Batches of a step. */
  readonly accumulate: number;
}

/** The length of a training by data of which an epoch has so many batches. */
export function lengthOf(
  { steps, epochs, accumulate }: Duration,
  batchesPerEpoch: number | null,
): Length {
  const per = batchesPerEpoch === null ? null : Math.ceil(batchesPerEpoch / accumulate);
  return {
    steps: steps ?? (per === null || epochs === null ? null : epochs * per),
    epochs: epochs ?? (per === null || steps === null ? null : steps / per),
    stepsPerEpoch: per,
  };
}

/** The moment of the step that begins at a cursor. */
export function momentAt({ step, epoch, stepInEpoch }: Cursor, length: Length): Moment {
  const { stepsPerEpoch } = length;
  const part = stepsPerEpoch === null ? 0 : stepInEpoch / stepsPerEpoch;
  return { ...length, step, epoch: epoch - 1 + part };
}
