import { checkDataset, type Dataset } from '../data/dataset.ts';
import { argumentError, StridenetError } from '../errors.ts';
import { type Loss, softmaxCrossEntropy } from '../losses/index.ts';
import { adam } from '../optimizers/index.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { checkSeed } from '../random.ts';
import { checkInteger } from '../shape.ts';
import { Evaluator } from './evaluator.ts';
import type {
  Callbacks,
  EpochEvent,
  EpochRecord,
  History,
  StepEvent,
  TrainEvent,
} from './events.ts';
import type { TrainingHost } from './network.ts';
import type { Progress } from './progress.ts';
import { type StepResult, Trainer } from './trainer.ts';

/** Settings of `train`. */
export interface TrainOptions {
  /** Passes over the data; default 1. */
  epochs?: number;
  /** Samples a step; default 32. The last batch of an epoch may be smaller; none is dropped. */
  batchSize?: number;
  /** Default adam(). */
  optimizer?: Optimizer;
  /** Default softmaxCrossEntropy(). */
  loss?: Loss;
  /** Evaluated after every epoch. */
  validationData?: Dataset;
  /** Of the order of the samples; default 0. */
  seed?: number;
  /** Ends training at the next step boundary with ERR_ABORTED. */
  signal?: AbortSignal;
}

/** Settings of `fit`. */
export interface FitOptions extends TrainOptions {
  callbacks?: Callbacks;
  /** Shows progress: a bar in a terminal, plain lines elsewhere; default false. */
  verbose?: boolean | 'bar' | 'plain';
}

interface Settings extends Required<Omit<TrainOptions, 'signal' | 'validationData'>> {
  readonly signal: AbortSignal | null;
  readonly validationData: Dataset | null;
}

/** Milliseconds that one call into the backend takes at most, and so the pace of step events. */
const chunkMilliseconds = 50;

function check(data: Dataset, options: TrainOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw argumentError('fit', 'an object of options', options);
  }
  const { epochs = 1, batchSize = 32, seed = 0, signal, validationData } = options;
  checkDataset('fit', data);
  if ((data.x.shape[0] as number) === 0) throw argumentError('fit', 'at least one sample', 0);
  if (validationData !== undefined) checkDataset('fit, validationData', validationData);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw argumentError('fit', 'signal to be an AbortSignal', signal);
  }
  const { optimizer = adam(), loss = softmaxCrossEntropy() } = options;
  if (typeof optimizer?.update !== 'function') {
    throw argumentError('fit', 'optimizer to be one of sn.optimizers', optimizer);
  }
  if (typeof loss?.mean !== 'function') {
    throw argumentError('fit', 'loss to be one of sn.losses', loss);
  }
  return {
    epochs: checkInteger('fit', 'epochs', epochs, 0),
    batchSize: checkInteger('fit', 'batchSize', batchSize, 1),
    seed: checkSeed('fit', seed),
    optimizer,
    loss,
    signal: signal ?? null,
    validationData: validationData ?? null,
  };
}

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

/** All steps of a training run as events; `pace` is the number of steps in one call of the backend. */
async function* run(
  host: TrainingHost,
  data: Dataset,
  settings: Settings,
  pace: { maxSteps: number; budget: number },
): AsyncGenerator<TrainEvent, void, void> {
  const { epochs, signal, validationData, loss } = settings;
  if (signal?.aborted) throw aborted(signal);
  const { architecture, settings: how } = host;
  const evaluator =
    validationData === null ? null : new Evaluator(architecture, validationData, loss, how);
  let began = false;
  try {
    const trainer = host.begin(
      (values) => new Trainer({ ...settings, architecture, data, settings: how }, values),
    );
    began = true;
    const stop = (): void => trainer.cancel();
    signal?.addEventListener('abort', stop);
    try {
      for (let epoch = 1; epoch <= epochs; epoch++) {
        yield* runEpoch(host, trainer, evaluator, settings, pace, epoch);
      }
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  } finally {
    if (began) host.end();
    evaluator?.dispose();
  }
}

async function* runEpoch(
  host: TrainingHost,
  trainer: Trainer,
  evaluator: Evaluator | null,
  settings: Settings,
  pace: { maxSteps: number; budget: number },
  epoch: number,
): AsyncGenerator<TrainEvent, void, void> {
  const { epochs, signal } = settings;
  const running = new Running();
  const { learningRate, classifier, samplesPerEpoch } = trainer;
  trainer.beginEpoch(epoch);
  while (!trainer.epochDone) {
    if (signal?.aborted) throw aborted(signal);
    const start = performance.now();
    const before = trainer.step;
    const results = await host.running(() => trainer.advance(pace.maxSteps, pace.budget));
    const share = (performance.now() - start) / 1000 / Math.max(1, results.length);
    for (const [i, result] of results.entries()) {
      running.add(result);
      running.seconds += share;
      const { samples, imagesPerSecond } = running;
      const means = running.means(classifier);
      const step = before + i + 1;
      yield {
        ...{ type: 'step', epoch, epochs, step, samples, samplesPerEpoch },
        ...{ ...means, metrics: { ...means }, learningRate, imagesPerSecond },
      } satisfies StepEvent;
    }
  }
  if (signal?.aborted) throw aborted(signal);
  const means = running.means(classifier);
  const validation = await evaluator?.evaluate(host.values());
  const { imagesPerSecond, seconds } = running;
  yield {
    ...{ type: 'epoch', epoch, epochs, step: trainer.step, ...means, metrics: { ...means } },
    ...{ learningRate, imagesPerSecond, seconds, ...(validation ? { validation } : {}) },
  } satisfies EpochEvent;
}

/** See Network.train. */
export async function* train(
  host: TrainingHost,
  data: Dataset,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, void, void> {
  const settings = check(data, options);
  yield* run(host, data, settings, { maxSteps: 1, budget: Number.POSITIVE_INFINITY });
}

/** See Network.fit. */
export async function fit(
  host: TrainingHost,
  data: Dataset,
  options: FitOptions,
): Promise<History> {
  const settings = check(data, options);
  const { callbacks = {}, verbose = false } = options;
  const progress: Progress | null =
    verbose === false ? null : await (await import('./progress.ts')).createProgress(verbose);
  const epochs: EpochRecord[] = [];
  const pace = { maxSteps: Number.MAX_SAFE_INTEGER, budget: chunkMilliseconds };
  try {
    for await (const event of run(host, data, settings, pace)) {
      if (event.type === 'step') {
        await progress?.onStep?.(event);
        await callbacks.onStep?.(event);
        continue;
      }
      await progress?.onEpoch?.(event);
      await callbacks.onEpoch?.(event);
      const { epoch, loss, accuracy, validation, seconds } = event;
      epochs.push({
        ...{ epoch, loss, seconds },
        ...(accuracy === undefined ? {} : { accuracy }),
        ...(validation === undefined ? {} : { validation }),
      });
    }
  } finally {
    progress?.stop();
  }
  return { epochs };
}
