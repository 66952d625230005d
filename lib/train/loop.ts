import type { Samples } from '../data/samples.ts';
import { StridenetError } from '../errors.ts';
import { checkFit, type Evaluator, evaluatorOf } from './evaluator.ts';
import type { EpochEvent, StepEvent, TrainEvent } from './events.ts';
import type { TrainingHost } from './network.ts';
import type { Settings } from './options.ts';
import { ResidentBatches } from './resident.ts';
import { type StepResult, Trainer } from './trainer.ts';

function aborted(signal: AbortSignal): StridenetError {
  return new StridenetError('ERR_ABORTED', '[fit] stopped by its signal', { cause: signal.reason });
}

/** Sums over the epoch so far, and its clock. */
class Running {
  samples = 0;
  loss = 0;
  correct = 0;
  seconds = 0;

  add(result: StepResult): void {
    this.samples += result.samples;
    this.loss += result.loss;
    this.correct += result.correct;
  }

  means(classifier: boolean): { loss: number; accuracy?: number } {
    const loss = this.loss / this.samples;
    return classifier ? { loss, accuracy: this.correct / this.samples } : { loss };
  }

  get imagesPerSecond(): number {
    return this.seconds === 0 ? 0 : this.samples / this.seconds;
  }
}

/** A training run that has its network and its copy of the data. */
export interface Run {
  readonly host: TrainingHost;
  readonly settings: Settings;
  readonly trainer: Trainer;
  readonly evaluator: Evaluator | null;
}

/** Takes the network and copies the data; throws before anything is touched. */
export function begin(host: TrainingHost, data: Samples, settings: Settings): Run {
  const { signal, validationData, loss } = settings;
  if (signal?.aborted) throw aborted(signal);
  const { architecture, settings: how } = host;
  const evaluator =
    validationData === null
      ? null
      : evaluatorOf('fit, validationData', architecture, validationData, loss, how);
  try {
    checkFit('fit', architecture, data, loss);
    const batches = new ResidentBatches(architecture, data, settings);
    const trainer = host.begin(
      loss,
      (values) => new Trainer({ ...settings, architecture, batches, settings: how }, values),
    );
    return { host, settings, trainer, evaluator };
  } catch (error) {
    evaluator?.dispose();
    throw error;
  }
}

/** How many steps one call of the backend takes, and whether each is told or only the last. */
export interface Pace {
  readonly maxSteps: number;
  readonly budget: number;
  readonly everyStep: boolean;
}

/** The events of a run, in batches of those that one call of the backend gave. */
export async function* events(run: Run, pace: Pace): AsyncGenerator<TrainEvent[], void, void> {
  const { host, settings, trainer, evaluator } = run;
  const stop = (): void => trainer.cancel();
  settings.signal?.addEventListener('abort', stop);
  try {
    for (let epoch = 1; epoch <= settings.epochs; epoch++) yield* epochEvents(run, pace, epoch);
  } finally {
    settings.signal?.removeEventListener('abort', stop);
    host.end(trainer);
    evaluator?.dispose();
  }
}

async function* epochEvents(
  { host, settings, trainer, evaluator }: Run,
  { maxSteps, budget, everyStep }: Pace,
  epoch: number,
): AsyncGenerator<TrainEvent[], void, void> {
  const { epochs, signal } = settings;
  const running = new Running();
  const { learningRate, classifier } = trainer;
  const { samplesPerEpoch } = trainer.batches;
  const stepEvent = (step: number): StepEvent => {
    const { samples, imagesPerSecond } = running;
    const means = running.means(classifier);
    return {
      ...{ type: 'step', epoch, epochs, step, samples, samplesPerEpoch },
      ...{ ...means, metrics: means, learningRate, imagesPerSecond },
    };
  };
  await trainer.beginEpoch(epoch);
  while (true) {
    if (signal?.aborted) throw aborted(signal);
    const start = performance.now();
    const before = trainer.cursor.step;
    const results = await host.running(() => trainer.advance(maxSteps, budget));
    if (results === null) break;
    const share = (performance.now() - start) / 1000 / Math.max(1, results.length);
    const told: StepEvent[] = [];
    results.forEach((result, i) => {
      running.add(result);
      running.seconds += share;
      if (everyStep || i === results.length - 1) told.push(stepEvent(before + i + 1));
    });
    yield told;
  }
  if (signal?.aborted) throw aborted(signal);
  const means = running.means(classifier);
  const validation = await evaluator?.evaluate(host.values());
  const { imagesPerSecond, seconds } = running;
  yield [
    {
      ...{ type: 'epoch', epoch, epochs, step: trainer.cursor.step, ...means, metrics: means },
      ...{ learningRate, imagesPerSecond, seconds, ...(validation ? { validation } : {}) },
    } satisfies EpochEvent,
  ];
}
