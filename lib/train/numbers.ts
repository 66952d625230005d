/** Numbers of the batches of one run, an entry a batch. */
export interface StepNumbers {
  /** The step that it is part of, from 1. */
  readonly steps: readonly number[];
  /** Its own number, from 1: what dropout goes by. */
  readonly batches: readonly number[];
  /** What its step's learning rates are multiplied by. */
  readonly factors: readonly number[];
  readonly samples: readonly number[];
  /** Samples of its step so far, its own among them. */
  readonly totals: readonly number[];
  /** Whether it is the last of its step, which changes parameters. */
  readonly ends: readonly boolean[];
}

/** What the numbers of a run's batches are made of. */
export interface RunOfBatches {
  /** Steps done before. */
  readonly step: number;
  /** Samples of each batch; the first begins a step and the last ends one. */
  readonly sizes: Int32Array;
  /** Batches of a step. */
  readonly accumulate: number;
  /** What the learning rates so many steps from the first are multiplied by. */
  factor(ahead: number): number;
}

/** The numbers of some batches from the beginning of a step on. */
export function numbersOf({ step, sizes, accumulate, factor }: RunOfBatches): StepNumbers {
  const samples = [...sizes];
  const ahead = samples.map((_, i) => Math.floor(i / accumulate));
  const factors = Array.from({ length: (ahead.at(-1) ?? -1) + 1 }, (_, i) => factor(i));
  let total = 0;
  return {
    samples,
    steps: ahead.map((i) => step + i + 1),
    batches: samples.map((_, i) => step * accumulate + i + 1),
    factors: ahead.map((i) => factors[i] as number),
    totals: samples.map((count, i) => {
      total = i % accumulate === 0 ? count : total + count;
      return total;
    }),
    ends: samples.map((_, i) => (i + 1) % accumulate === 0 || i === samples.length - 1),
  };
}
