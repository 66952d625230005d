import type { Augmentation } from '../augmentations/augmentation.ts';
import { checkAugmentations } from '../augmentations/compiled.ts';
import type { Samples } from '../data/samples.ts';
import { checkData, type StreamedData, type TrainingData } from '../data/trainingData.ts';
import { argumentError, checkOptions } from '../errors.ts';
import { type Loss, softmaxCrossEntropy } from '../losses/index.ts';
import { checkLoss } from '../losses/targets.ts';
import type { Metric } from '../metrics/metric.ts';
import { adam } from '../optimizers/index.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { checkSeed } from '../random.ts';
import type { Schedule } from '../schedules/schedule.ts';
import { checkSchedule } from '../schedules/sequences.ts';
import { checkInteger } from '../shape.ts';
import { type AveragingOptions, checkAveraging } from './averaging.ts';
import {
  type CheckpointOptions,
  type CheckpointSettings,
  checkCheckpoint,
  checkResume,
  type ResumeSettings,
} from './checkpoint/options.ts';
import { type ClipOptions, checkLimit } from './clip.ts';
import {
  checkEarlyStopping,
  type EarlyStoppingOptions,
  type StoppingSettings,
} from './earlyStopping.ts';
import type { Callbacks } from './events.ts';
import { checkMetrics } from './metricSet.ts';
import { checkRates } from './rates.ts';
import { checkSignal } from './stop.ts';

/** Settings of `train`. */
export interface TrainOptions extends ClipOptions {
  /** Passes over the data; default 1. */
  epochs?: number;
  /** Train for so many steps instead of epochs; the last epoch may end before its data. */
  steps?: number;
  /** Samples a step; default 32. The last batch of an epoch may be smaller; none is dropped. */
  batchSize?: number;
  /**
   * Batches that make a step together, so that a step takes accumulate · batchSize samples in the
   * memory of batchSize; their gradients are weighted by samples, and the last step of an epoch takes
   * what there is. Batch normalization goes by each batch alone. Default 1.
   */
  accumulate?: number;
  /**
   * Averages the parameters over the steps; validation, and the network during training and after
   * it, has the averages. Statistics of batch normalization, averages themselves, stay as they are.
   * Default: none.
   */
  averaging?: AveragingOptions;
  /** Default adam(). */
  optimizer?: Optimizer;
  /** Default softmaxCrossEntropy(). */
  loss?: Loss;
  /** What the learning rates of all optimizers are multiplied by, step by step; default: nothing. */
  schedule?: Schedule;
  /**
   * What the learning rates of parameters are multiplied by, by key ('0.weight') or for all of a
   * layer by its place or name ('0', 'stem', '3.body'); of several the longest counts. Default: 1.
   */
  rates?: Readonly<Record<string, number>>;
  /**
   * Of the training samples as they pass, and of the validation data, by name in events and history;
   * default: none but loss and accuracy.
   */
  metrics?: readonly Metric[];
  /** Evaluated after every epoch, by the loss of this fit. */
  validationData?: TrainingData;
  /**
   * A random share of the data, above 0 and below 1, to validate with instead of training on it; the
   * same for the same seed and number of samples. Not together with validationData.
   */
  validationSplit?: number;
  /** Ends training when it gets no better, with the best parameters; default: never. */
  earlyStopping?: EarlyStoppingOptions;
  /**
   * Random changes of the samples in training, one after the other, as `sn.augmentations` makes
   * them; evaluation has the samples as they are. Default: none.
   */
  augmentation?: readonly Augmentation[];
  /** Of the order of the samples, of augmentations and of dropout; default 0. */
  seed?: number;
  /**
   * Ends training at the next step boundary with ERR_ABORTED; behind the last step too, as in the last
   * `onEpoch` or in `onEnd`.
   */
  signal?: AbortSignal;
  /**
   * Parameters that stay as they are, by key ('0.weight'), or all of a layer by its place or name
   * ('0', 'stem', '3.body'). Batch normalization of which either running statistic is named goes by
   * them as in inference, and both stay.
   */
  frozen?: readonly string[];
  /** Writes checkpoints while training goes on; default: none. */
  checkpoint?: CheckpointOptions;
  /**
   * Goes on from a checkpoint, or the newest one of a folder that can be read, as if training had
   * never stopped; the parameters become those of the checkpoint. true: from the newest one of the
   * option checkpoint's directory, or from the beginning where there is none. Default false.
   */
  resume?: string | URL | boolean;
}

/** Settings of `fit`. */
export interface FitOptions extends TrainOptions {
  /** Functions that are called as training goes; default: none. */
  callbacks?: Callbacks;
  /** Shows progress: a bar in a terminal, plain lines elsewhere; default false. */
  verbose?: boolean | 'bar' | 'plain';
}

type Nullable =
  | 'epochs'
  | 'steps'
  | 'schedule'
  | 'averaging'
  | 'signal'
  | 'validationData'
  | 'validationSplit'
  | 'earlyStopping'
  | 'clipValue'
  | 'clipNorm'
  | 'checkpoint'
  | 'resume';

/** What training goes by: the options, checked and with their defaults. */
export interface Settings extends Required<Omit<TrainOptions, Nullable>> {
  /** Null, as `steps`, where the other says how long. */
  readonly epochs: number | null;
  readonly steps: number | null;
  readonly schedule: Schedule | null;
  readonly averaging: Required<AveragingOptions> | null;
  readonly signal: AbortSignal | null;
  readonly validationData: Samples | StreamedData | null;
  readonly validationSplit: number | null;
  readonly earlyStopping: StoppingSettings | null;
  readonly clipValue: number | null;
  readonly clipNorm: number | null;
  readonly checkpoint: CheckpointSettings | null;
  readonly resume: ResumeSettings | null;
}

/** The options of `train`. */
export const trainOptions = [
  'epochs',
  'steps',
  'batchSize',
  'accumulate',
  'averaging',
  'optimizer',
  'loss',
  'schedule',
  'rates',
  'metrics',
  'validationData',
  'validationSplit',
  'earlyStopping',
  'augmentation',
  'seed',
  'signal',
  'frozen',
  'clipValue',
  'clipNorm',
  'checkpoint',
  'resume',
] as const;

/** How long training is: epochs, or steps. */
function checkDuration({ epochs, steps }: TrainOptions): Pick<Settings, 'epochs' | 'steps'> {
  if (steps === undefined) {
    return { epochs: checkInteger('fit', 'epochs', epochs ?? 1, 0), steps: null };
  }
  if (epochs !== undefined)
    throw argumentError('fit', 'epochs or steps and not both', [epochs, steps]);
  return { epochs: null, steps: checkInteger('fit', 'steps', steps, 0) };
}

function checkSplit({ validationSplit: share, validationData }: TrainOptions): number | null {
  if (share === undefined) return null;
  if (validationData !== undefined) {
    throw argumentError('fit', 'validationData or validationSplit and not both', share);
  }
  if (typeof share === 'number' && share > 0 && share < 1) return share;
  throw argumentError('fit', 'validationSplit to be a number above 0 and below 1', share);
}

/**
 * Settings of these options.
 * @throws ERR_ARGUMENT, ERR_SHAPE for what can be told of data and options without the network
 */
export function checkTraining(
  data: TrainingData,
  options: TrainOptions,
  known: readonly string[],
): { data: Samples | StreamedData; settings: Settings } {
  const samples = checkData('fit', data);
  checkOptions('fit', options, known);
  const { batchSize = 32, seed = 0, validationData, schedule, rates = {} } = options;
  const { earlyStopping, averaging } = options;
  const validation =
    validationData === undefined ? null : checkData('fit, validationData', validationData);
  const { optimizer = adam(), loss = softmaxCrossEntropy() } = options;
  if (typeof optimizer?.update !== 'function') {
    throw argumentError('fit', 'optimizer to be one of sn.optimizers', optimizer);
  }
  const { frozen = [] } = options;
  if (!Array.isArray(frozen) || frozen.some((key) => typeof key !== 'string')) {
    throw argumentError('fit', 'frozen to be a list of keys', frozen);
  }
  const validates = validationData !== undefined || options.validationSplit !== undefined;
  const checkpoint = checkCheckpoint(options.checkpoint, validates);
  const settings: Settings = {
    checkpoint,
    resume: checkResume(options.resume, checkpoint),
    frozen,
    clipValue: checkLimit('fit', 'clipValue', options.clipValue),
    clipNorm: checkLimit('fit', 'clipNorm', options.clipNorm),
    ...checkDuration(options),
    schedule: schedule === undefined ? null : checkSchedule('fit', 'schedule', schedule),
    rates: checkRates(rates),
    metrics: checkMetrics('fit', options.metrics ?? []),
    augmentation: checkAugmentations('fit', options.augmentation ?? []),
    batchSize: checkInteger('fit', 'batchSize', batchSize, 1),
    accumulate: checkInteger('fit', 'accumulate', options.accumulate ?? 1, 1),
    averaging: averaging === undefined ? null : checkAveraging(averaging),
    seed: checkSeed('fit', seed),
    optimizer,
    loss: checkLoss('fit', loss),
    signal: checkSignal('fit', options.signal),
    validationData: validation,
    validationSplit: checkSplit(options),
    earlyStopping: earlyStopping === undefined ? null : checkEarlyStopping(earlyStopping),
  };
  return { data: samples, settings };
}
