import type { MetricValue } from '../metrics/metric.ts';

/** What a trainer tells after a step; numbers are of the epoch so far, weighted by samples. */
export interface StepEvent {
  /** Tells it from other events. */
  readonly type: 'step';
  /** Counted from 1. */
  readonly epoch: number;
  /** All of them, the last perhaps in part; null until that is known. */
  readonly epochs: number | null;
  /** Steps since the start of training. */
  readonly step: number;
  /** All of them; null until that is known. */
  readonly steps: number | null;
  /** Samples of this epoch that were trained on, and all of them; null until that is known. */
  readonly samples: number;
  /** All samples of an epoch; null until that is known. */
  readonly samplesPerEpoch: number | null;
  /** The mean loss. */
  readonly loss: number;
  /** Absent where samples are neither right nor wrong. */
  readonly accuracy?: number;
  /** Loss, accuracy, and the metrics that are one number. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Of `optimizer`, with the schedule's factor, in this step. */
  readonly learningRate: number;
  /** Samples a second, of this epoch. */
  readonly imagesPerSecond: number;
  /** Until training is done, at the pace of this epoch; null until that is known. */
  readonly secondsLeft: number | null;
}

/** Means over a data set. */
export interface Evaluation {
  /** The mean loss. */
  readonly loss: number;
  /**
   * The share of samples that are right, 0 to 1. Absent where samples are neither right nor wrong.
   */
  readonly accuracy?: number;
  /** Those that were asked for, by name. */
  readonly metrics?: Readonly<Record<string, MetricValue>>;
}

/** What a trainer tells after an epoch. */
export interface EpochEvent {
  /** Tells it from other events. */
  readonly type: 'epoch';
  /** Counted from 1. */
  readonly epoch: number;
  /** All of them, the last perhaps in part; null until that is known. */
  readonly epochs: number | null;
  /** Steps since the start of training. */
  readonly step: number;
  /** All of them; null until that is known. */
  readonly steps: number | null;
  /** The mean over the epoch, of each step before its update. */
  readonly loss: number;
  /** As the loss. Absent where samples are neither right nor wrong. */
  readonly accuracy?: number;
  /** Of the parameters after the epoch, where validation was asked for. */
  readonly validation?: Evaluation;
  /** Loss, accuracy, and the metrics that were asked for. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** Of the last step. */
  readonly learningRate: number;
  /** Samples a second, of this epoch. */
  readonly imagesPerSecond: number;
  /** Seconds that training took, validation not counted. */
  readonly seconds: number;
}

/** What the loop over `train` is given. */
export type TrainEvent = StepEvent | EpochEvent;

/** What `fit` tells when a checkpoint has been written. */
export interface CheckpointEvent {
  /** Tells it from other events. */
  readonly type: 'checkpoint';
  /** The file. */
  readonly path: string;
  /** Steps done in it, and the epoch of the next one. */
  readonly step: number;
  /** That of the next step, from 1. */
  readonly epoch: number;
  /** It is that of the best epoch so far, best.safetensors. */
  readonly best: boolean;
  /** The size of the file. */
  readonly bytes: number;
  /** Seconds that writing took, while training went on. */
  readonly seconds: number;
}

/** What is known of a training before its first step; null stands for what is not. */
export interface StartEvent {
  /** Tells it from other events. */
  readonly type: 'start';
  /** The epoch that training is in or begins, from 1. */
  readonly epoch: number;
  /** Steps done before: above 0 where training goes on from a checkpoint. */
  readonly step: number;
  /** All of them, the last perhaps in part. */
  readonly epochs: number | null;
  /** All of them, those done before included. */
  readonly steps: number | null;
  /** The last one, of a smaller batch, included. */
  readonly stepsPerEpoch: number | null;
  /** Those of the data set. */
  readonly samplesPerEpoch: number | null;
}

/** Functions that `fit` calls as it goes; it waits for those that return a promise. */
export interface Callbacks {
  /** Before the first step. */
  onStart?(event: StartEvent): void | Promise<void>;
  /** After each step. */
  onStep?(event: StepEvent): void | Promise<void>;
  /** After each epoch and its validation. */
  onEpoch?(event: EpochEvent): void | Promise<void>;
  /** After a checkpoint is on the disk. */
  onCheckpoint?(event: CheckpointEvent): void | Promise<void>;
  /**
   * With what `fit` is about to return; not after an error.
   * @param history of all epochs, those before a checkpoint included
   */
  onEnd?(history: History): void | Promise<void>;
}

/** One epoch in a history. */
export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number;
  /** Steps since the start of training. */
  readonly step: number;
  /** Of the last step. */
  readonly learningRate: number;
  /** The mean over the epoch, of each step before its update. */
  readonly loss: number;
  /** As the loss. Absent where samples are neither right nor wrong. */
  readonly accuracy?: number;
  /** Those that were asked for, by name. */
  readonly metrics?: Readonly<Record<string, MetricValue>>;
  /** Of the parameters after the epoch, where validation was asked for. */
  readonly validation?: Evaluation;
  /** Seconds that training took, validation not counted. */
  readonly seconds: number;
}

/** What early stopping has found. */
export interface EarlyStoppingRecord {
  /** Training ended before its time. */
  readonly stopped: boolean;
  /** The number that was watched. */
  readonly monitor: string;
  /** Counted from 1; null when no epoch had such a number. */
  readonly bestEpoch: number | null;
  /** The number itself; null when no epoch had one. */
  readonly best: number | null;
}

/** What `fit` returns: plain data. */
export interface History {
  /** One record an epoch, in their order. */
  readonly epochs: readonly EpochRecord[];
  /** What early stopping has found, where it was asked for. */
  readonly earlyStopping?: EarlyStoppingRecord;
}

/** What a history keeps of an epoch. */
export function recordOf(event: EpochEvent): EpochRecord {
  const { epoch, step, learningRate, loss, accuracy, validation, seconds } = event;
  const { loss: _, ...rest } = event.metrics;
  const metrics = Object.entries(rest).filter(([name, value]) => {
    return name !== 'accuracy' || value !== accuracy;
  });
  return {
    ...{ epoch, step, learningRate, loss },
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(metrics.length === 0 ? {} : { metrics: Object.fromEntries(metrics) }),
    ...(validation === undefined ? {} : { validation }),
    seconds,
  };
}
