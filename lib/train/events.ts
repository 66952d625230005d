/** What a trainer tells after a step; numbers are of the epoch so far, weighted by samples. */
export interface StepEvent {
  readonly type: 'step';
  /** Counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Steps since the start of training. */
  readonly step: number;
  /** Samples of this epoch that were trained on, and all of them; null until that is known. */
  readonly samples: number;
  readonly samplesPerEpoch: number | null;
  readonly loss: number;
  /** Absent where samples are neither right nor wrong. */
  readonly accuracy?: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
}

/** Means over a data set. */
export interface Evaluation {
  readonly loss: number;
  readonly accuracy?: number;
}

/** What a trainer tells after an epoch. */
export interface EpochEvent {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  readonly loss: number;
  readonly accuracy?: number;
  readonly validation?: Evaluation;
  readonly metrics: Readonly<Record<string, number>>;
  readonly learningRate: number;
  readonly imagesPerSecond: number;
  /** Seconds that training took, validation not counted. */
  readonly seconds: number;
}

export type TrainEvent = StepEvent | EpochEvent;

/** Functions that `fit` calls as it goes; it waits for those that return a promise. */
export interface Callbacks {
  onStep?(event: StepEvent): void | Promise<void>;
  onEpoch?(event: EpochEvent): void | Promise<void>;
}

/** One epoch in a history. */
export interface EpochRecord {
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy?: number;
  readonly validation?: Evaluation;
  readonly seconds: number;
}

/** What `fit` returns: plain data. */
export interface History {
  readonly epochs: readonly EpochRecord[];
}
