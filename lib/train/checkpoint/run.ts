import { descriptionOf } from '../description.ts';
import type { CheckpointEvent, EpochEvent } from '../events.ts';
import { goesOn, type Run } from '../loop.ts';
import { measuresOf, possibleMeasures } from '../measures.ts';
import { numericNames } from '../metricSet.ts';
import type { Cursor } from '../trainer.ts';
import { agreementOf, optimizersOf } from './agreement.ts';
import { BestEpoch } from './best.ts';
import type { CheckpointSettings, ResumeSettings } from './options.ts';
import type { Resumable } from './part.ts';
import { LearnedSchedule, Rates } from './rates.ts';
import { beginCheckpoints } from './session.ts';
import { KeptStopping } from './stopping.ts';
import type { CheckpointWriter, Snapshot } from './writer.ts';

/** The checkpoints of one run; what its methods give has been written since the call before. */
export class RunCheckpoints {
  readonly #run: Run;
  readonly #writer: CheckpointWriter | null;
  readonly #onAbort: boolean;
  readonly #best: BestEpoch | null;
  /** What the training was when its last step cut an epoch short, before that was judged. */
  #cut: Snapshot | null = null;
  #ended = false;

  constructor(run: Run, writer: CheckpointWriter | null, onAbort: boolean, best: BestEpoch | null) {
    this.#run = run;
    this.#writer = writer;
    this.#onAbort = onAbort;
    this.#best = best;
  }

  /** How many steps may be done at once from here on. */
  stepsUntilDue(): number {
    const { step } = this.#run.trainer.cursor;
    return this.#writer?.stepsUntilDue(step) ?? Number.POSITIVE_INFINITY;
  }

  async afterSteps(): Promise<CheckpointEvent[]> {
    if (this.#epochWillWrite()) return this.#told();
    await this.#writer?.afterSteps(this.#place());
    // The last step may be in the middle of an epoch, from where a longer training can go on.
    if (!goesOn(this.#run)) await this.#writer?.finish(this.#place());
    return this.#told();
  }

  /**
   * Before what an epoch gave counts. One that the last step cut short is judged as it is, but a
   * longer training goes on within it: the best checkpoint must know nothing of its end.
   */
  beforeJudged(): void {
    if (this.#writer === null || this.#best === null || goesOn(this.#run)) return;
    const { cursor, stepsPerEpoch } = this.#run.trainer;
    if (cursor.stepInEpoch !== stepsPerEpoch) this.#cut = this.#writer.take(this.#place());
  }

  async afterEpoch(event: EpochEvent): Promise<CheckpointEvent[]> {
    const better = this.#best?.observe(measuresOf(event)) ?? false;
    await this.#writer?.afterEpoch(this.#place(), goesOn(this.#run), better, this.#cut);
    return this.#told();
  }

  /** After the last epoch: the checkpoint of the end is there when it returns. */
  async finish(): Promise<CheckpointEvent[]> {
    if (goesOn(this.#run)) await this.#writer?.finish(this.#place());
    await this.#writer?.settle();
    this.#ended = true;
    return this.#told();
  }

  /** When the signal fires: what waits for a checkpoint goes on, unless one of this moment is wanted. */
  interrupt(): void {
    if (!this.#onAbort) this.#writer?.stop();
  }

  /**
   * Gives up what is being written, or writes the checkpoint of where training stopped if that was
   * asked for; not after an error.
   */
  async end(failed: boolean): Promise<void> {
    if (this.#ended || failed || !this.#onAbort) return this.#writer?.stopped();
    await this.#writer?.finish(this.#place());
  }

  /** Whether the step ended an epoch whose own checkpoint comes next, under the same name. */
  #epochWillWrite(): boolean {
    const { settings, trainer } = this.#run;
    const { epoch, stepInEpoch } = trainer.cursor;
    if (!goesOn(this.#run) || stepInEpoch !== trainer.stepsPerEpoch) return false;
    return epoch === settings.epochs || (this.#writer?.isDueAfterEpoch(epoch) ?? false);
  }

  #told(): CheckpointEvent[] {
    return this.#writer?.told() ?? [];
  }

  /**
   * Where training goes on: behind an epoch that has ended, its validation too, in the next one; in
   * the first one where none has begun.
   */
  #place(): Cursor {
    const { trainer, history } = this.#run;
    const { step, epoch, stepInEpoch } = trainer.cursor;
    if (epoch === 0) return { step, epoch: 1, stepInEpoch };
    if (history.epochs.at(-1)?.epoch !== epoch) return { step, epoch, stepInEpoch };
    return { step, epoch: epoch + 1, stepInEpoch: 0 };
  }
}

/** Makes a run go on from a checkpoint, where it is to, and makes its own. */
export async function runCheckpoints(
  run: Run,
  checkpoint: CheckpointSettings | null,
  resume: ResumeSettings | null,
): Promise<RunCheckpoints> {
  const { host, settings, trainer, running, history } = run;
  const { architecture } = host;
  const best = checkpoint?.keepBest ? new BestEpoch(checkpoint.keepBest) : null;
  const kinds = { classifier: trainer.classifier, validated: run.evaluator !== null };
  best?.check(possibleMeasures(kinds, numericNames(settings.metrics)));
  const { schedule: given } = settings;
  const learned = given && run.schedule ? new LearnedSchedule(given, run.schedule) : null;
  const parts = new Map<string, Resumable>([
    ['running', running],
    ['history', history],
    ['rates', new Rates(optimizersOf(architecture, settings.optimizer))],
    ...(learned === null ? [] : [['schedule', learned] as const]),
    ...(run.stopping === null ? [] : [['earlyStopping', new KeptStopping(run.stopping)] as const]),
    ...(best === null ? [] : [['best', best] as const]),
  ]);
  const training = {
    ...{ trainer, parts, description: descriptionOf(architecture) },
    agreement: agreementOf(architecture, settings, trainer.batches),
    restoring: (body: () => Promise<void>): Promise<void> => host.running(body),
  };
  const writer = await beginCheckpoints(training, checkpoint, resume);
  return new RunCheckpoints(run, writer, checkpoint?.onAbort ?? false, best);
}
