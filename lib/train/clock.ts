import type { Moment } from '../schedules/schedule.ts';
import type { Cursor } from './trainer.ts';

/** How long a training is, as far as that is known before it. */
export interface Length {
  readonly steps: number | null;
  readonly epochs: number | null;
  readonly stepsPerEpoch: number | null;
}

/** The length of a training by so many steps, or by so many epochs. */
export function lengthOf(
  { steps, epochs }: { readonly steps: number | null; readonly epochs: number | null },
  stepsPerEpoch: number | null,
): Length {
  const per = stepsPerEpoch;
  return {
    steps: steps ?? (per === null || epochs === null ? null : epochs * per),
    epochs: epochs ?? (per === null || steps === null ? null : steps / per),
    stepsPerEpoch,
  };
}

/** The moment of the step that begins at a cursor. */
export function momentAt({ step, epoch, stepInEpoch }: Cursor, length: Length): Moment {
  const { stepsPerEpoch } = length;
  const part = stepsPerEpoch === null ? 0 : stepInEpoch / stepsPerEpoch;
  return { ...length, step, epoch: epoch - 1 + part };
}
