import { checkSamples, type Samples } from '../data/samples.ts';
import { argumentError, checkOptions, StridenetError } from '../errors.ts';
import { type Loss, softmaxCrossEntropy } from '../losses/index.ts';
import { checkLoss } from '../losses/targets.ts';
import { adam } from '../optimizers/index.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { checkSeed } from '../random.ts';
import { checkInteger } from '../shape.ts';
import { type ClipOptions, checkLimit } from './clip.ts';
import { checkFit, type Evaluator, evaluatorOf } from './evaluator.ts';
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
import { ResidentBatches } from './resident.ts';
import { type StepResult, Trainer } from './trainer.ts';

/** Settings of `train`. */
export interface TrainOptions extends ClipOptions {
  /** Passes over the data; default 1. */
  epochs?: number;
  /** Samples a step; default 32. The last batch of an epoch may be smaller; none is dropped. */
  batchSize?: number;
  /** Default adam(). */
  optimizer?: Optimizer;
  /** Default softmaxCrossEntropy(). */
  loss?: Loss;
  /** Evaluated after every epoch, by the loss of this fit. */
  validationData?: Samples;
  /** Of the order of the samples and of dropout; default 0. */
  seed?: number;
  /** Ends training at the next step boundary with ERR_ABORTED. */
  signal?: AbortSignal;
  /**
   * Parameters that stay as they are, by key ('0.weight'), or all of a layer by its place or name
   * ('0', 'stem', '3.body'). Batch normalization of which either running statistic is named goes by
   * them as in inference, and both stay.
   */
  frozen?: readonly string[];
}

/** Settings of `fit`. */
export interface FitOptions extends TrainOptions {
  callbacks?: Callbacks;
  /** Shows progress: a bar in a terminal, plain lines elsewhere; default false. */
  verbose?: boolean | 'bar' | 'plain';
}

type Nullable = 'signal' | 'validationData' | 'clipValue' | 'clipNorm';

interface Settings extends Required<Omit<TrainOptions, Nullable>> {
  readonly signal: AbortSignal | null;
  readonly validationData: Samples | null;
  readonly clipValue: number | null;
  readonly clipNorm: number | null;
}

/** Milliseconds that one call into the backend takes at most, and so the pace of step events. */
const chunkMilliseconds = 50;

const trainOptions = [
  'epochs',
  'batchSize',
  'optimizer',
  'loss',
  'validationData',
  'seed',
  'signal',
  'frozen',
  'clipValue',
  'clipNorm',
] as const;

function check(data: Samples, options: TrainOptions, known: readonly string[]): Settings {
  checkSamples('fit', data);
  checkOptions('fit', options, known);
  const { epochs = 1, batchSize = 32, seed = 0, signal, validationData } = options;
  if ((data.x.shape[0] as number) === 0) throw argumentError('fit', 'at least one sample', 0);
  if (validationData !== undefined) checkSamples('fit, validationData', validationData);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw argumentError('fit', 'signal to be an AbortSignal', signal);
  }
  const { optimizer = adam(), loss = softmaxCrossEntropy() } = options;
  if (typeof optimizer?.update !== 'function') {
    throw argumentError('fit', 'optimizer to be one of sn.optimizers', optimizer);
  }
  const { frozen = [] } = options;
  if (!Array.isArray(frozen) || frozen.some((key) => typeof key !== 'string')) {
    throw argumentError('fit', 'frozen to be a list of keys', frozen);
  }
  return {
    frozen,
    clipValue: checkLimit('fit', 'clipValue', options.clipValue),
    clipNorm: checkLimit('fit', 'clipNorm', options.clipNorm),
    epochs: checkInteger('fit', 'epochs', epochs, 0),
    batchSize: checkInteger('fit', 'batchSize', batchSize, 1),
    seed: checkSeed('fit', seed),
    optimizer,
    loss: checkLoss('fit', loss),
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

/** A training run that has its network and its copy of the data. */
interface Run {
  readonly host: TrainingHost;
  readonly settings: Settings;
  readonly trainer: Trainer;
  readonly evaluator: Evaluator | null;
}

/** Takes the network and copies the data; throws before anything is touched. */
function begin(host: TrainingHost, data: Samples, settings: Settings): Run {
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
interface Pace {
  readonly maxSteps: number;
  readonly budget: number;
  readonly everyStep: boolean;
}

/** The events of a run, in batches of those that one call of the backend gave. */
async function* events(run: Run, pace: Pace): AsyncGenerator<TrainEvent[], void, void> {
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

/** See Network.train. */
export function train(
  host: TrainingHost,
  data: Samples,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, void, void> {
  const settings = check(data, options, trainOptions);
  const copy = { ...data, x: data.x.clone(), y: data.y.clone() };
  const pace = { maxSteps: 1, budget: Number.POSITIVE_INFINITY, everyStep: true };
  return (async function* () {
    for await (const batch of events(begin(host, copy, settings), pace)) yield* batch;
  })();
}

/** See Network.fit. */
export async function fit(
  host: TrainingHost,
  data: Samples,
  options: FitOptions,
): Promise<History> {
  const settings = check(data, options, [...trainOptions, 'callbacks', 'verbose']);
  const { callbacks = {}, verbose = false } = options;
  checkOptions('fit, callbacks', callbacks, ['onStep', 'onEpoch']);
  for (const callback of [callbacks.onStep, callbacks.onEpoch]) {
    if (callback === undefined || typeof callback === 'function') continue;
    throw argumentError('fit', 'callbacks to be functions', callback);
  }
  if (![true, false, 'bar', 'plain'].includes(verbose)) {
    throw argumentError('fit', "verbose to be true, false, 'bar' or 'plain'", verbose);
  }
  const run = begin(host, data, settings);
  const epochs: EpochRecord[] = [];
  const everyStep = callbacks.onStep !== undefined;
  const pace = { maxSteps: Number.MAX_SAFE_INTEGER, budget: chunkMilliseconds, everyStep };
  let progress: Progress | null = null;
  try {
    for await (const batch of events(run, pace)) {
      if (verbose !== false) {
        progress ??= await (await import('./progress.ts')).createProgress(verbose);
      }
      for (const event of batch) {
        if (event.type === 'step') {
          if (event === batch.at(-1)) await progress?.onStep(event);
          // A function that gives no promise costs no turn of the microtask queue.
          const answer = callbacks.onStep?.(event);
          if (answer !== undefined) await answer;
          continue;
        }
        await progress?.onEpoch(event);
        await callbacks.onEpoch?.(event);
        epochs.push(recordOf(event));
      }
    }
  } finally {
    progress?.stop();
  }
  return { epochs };
}

function recordOf({ epoch, loss, accuracy, validation, seconds }: EpochEvent): EpochRecord {
  return {
    ...{ epoch, loss, seconds },
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(validation === undefined ? {} : { validation }),
  };
}
