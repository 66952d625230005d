import type { MetricValue } from '../metrics/metric.ts';

/** What a trainer tells after a step; numbers are of the epoch so far, weighted by samples. */
export interface StepEvent {
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
  readonly samplesPerEpoch: number | null;
  readonly loss: number;
  /** Absent where samples are neither right nor wrong. */
  readonly accuracy?: number;
  /** Loss, accuracy, and the metrics that are one number. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Of `optimizer`, with the schedule's factor, in this step. */
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  /** Until training is done, at the pace of this epoch; null until that is known. */
  readonly secondsLeft: number | null;
}

/** Means over a data set. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy?: number;
  /** Those that were asked for, by name. */
  readonly metrics?: Readonly<Record<string, MetricValue>>;
}

/** What a trainer tells after an epoch. */
export interface EpochEvent {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly epochs: number | null;
  readonly step: number;
  readonly steps: number | null;
  readonly loss: number;
  readonly accuracy?: number;
  readonly validation?: Evaluation;
  /** Loss, accuracy, and the metrics that were asked for. */
  readonly metrics: Readonly<Record<string, MetricValue>>;
  /** Of the last step. */
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  /** Seconds that training took, validation not counted. */
  readonly seconds: number;
}

export type TrainEvent = StepEvent | EpochEvent;

/** What `fit` tells when a checkpoint has been written. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  /** The file. */
  readonly path: string;
  /** Steps done in it, and the epoch of the next one. */
  readonly step: number;
  readonly epoch: number;
  /** It is that of the best epoch so far, best.safetensors. */
  readonly best: boolean;
  readonly bytes: number;
  /** Seconds that writing took, while training went on. */
  readonly seconds: number;
}

/** What is known of a training before its first step; null stands for what is not. */
export interface StartEvent {
  readonly type: 'start';
  /** The epoch that training is in or begins, from 1. */
  readonly epoch: number;
  /** Steps done before: above 0 where training goes on from a checkpoint. */
  readonly step: number;
  readonly epochs: number | null;
  readonly steps: number | null;
  readonly stepsPerEpoch: number | null;
  readonly samplesPerEpoch: number | null;
}

/** Functions that `fit` calls as it goes; it waits for those that return a promise. */
export interface Callbacks {
  onStart?(event: StartEvent): void | Promise<void>;
  onStep?(event: StepEvent): void | Promise<void>;
  onEpoch?(event: EpochEvent): void | Promise<void>;
  onCheckpoint?(event: CheckpointEvent): void | Promise<void>;
  /** With what `fit` is about to return; not after an error. */
  onEnd?(history: History): void | Promise<void>;
}

/** One epoch in a history. */
export interface EpochRecord {
  readonly epoch: number;
  /** Steps since the start of training. */
  readonly step: number;
  /** Of the last step. */
  readonly learningRate: number;
  readonly loss: number;
  readonly accuracy?: number;
  /** Those that were asked for, by name. */
  readonly metrics?: Readonly<Record<string, MetricValue>>;
  readonly validation?: Evaluation;
  readonly seconds: number;
}

/** What early stopping has found. */
export interface EarlyStoppingRecord {
  /** Training ended before its time. */
  readonly stopped: boolean;
  readonly monitor: string;
  /** The epoch that was best and its number; null when none had one. */
  readonly bestEpoch: number | null;
  readonly best: number | null;
}

/** What `fit` returns: plain data. */
export interface History {
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
