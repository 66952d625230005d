import type { Tensor } from '../../tensor.ts';
import type { Description } from '../description.ts';
import type { Cursor, Trainer } from '../trainer.ts';
import { prepareFolder } from './folder.ts';
import type { CheckpointSettings, ResumeSettings } from './options.ts';
import type { Parts } from './part.ts';
import { partPrefix, resumeFrom } from './resume.ts';
import { CheckpointWriter, type Snapshot } from './writer.ts';

/** A training as checkpoints see it. */
export interface Training {
  readonly description: Description;
  readonly trainer: Trainer;
  /** What must be the same in a checkpoint that it goes on from. */
  readonly agreement: ReadonlyMap<string, unknown>;
  readonly parts: Parts;
  /** Runs what changes the trainer's states. */
  restoring(body: () => Promise<void>): Promise<void>;
}

/** Copies of all that a checkpoint needs, those of the trainer's states in the same memory each time. */
function snapshots({ description, trainer, agreement, parts }: Training) {
  let states: Map<string, Tensor> | undefined;
  return (cursor: Cursor): Snapshot => {
    states = trainer.states(states);
    const tensors = new Map<string, Tensor>(states);
    for (const [name, part] of parts) {
      for (const [key, value] of part.tensors?.() ?? []) {
        tensors.set(`${partPrefix(name)}${key}`, value);
      }
    }
    const kept = new Map([...parts].map(([name, part]) => [name, part.state()]));
    return { description, tensors, record: { cursor, settings: agreement, parts: kept } };
  };
}

/**
 * Makes a training go on from a checkpoint, where it is to, and makes what writes its own.
 * @throws what `resumeFrom` and `prepareFolder` throw; the trainer is then as it was
 */
export async function beginCheckpoints(
  training: Training,
  checkpoint: CheckpointSettings | null,
  resume: ResumeSettings | null,
): Promise<CheckpointWriter | null> {
  const resumed = resume === null ? null : await resumeFrom(resume, training);
  if (checkpoint === null) return null;
  const from = resumed && { ...resumed, step: resumed.cursor.step };
  await prepareFolder(checkpoint.directory, from);
  return new CheckpointWriter(checkpoint, snapshots(training), resumed?.cursor ?? null);
}
