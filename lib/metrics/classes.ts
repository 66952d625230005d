import { argumentError, checkOptions } from '../errors.ts';
import { checkInteger } from '../shape.ts';
import {
  checkClasses,
  checkState,
  classify,
  type Metric,
  type MetricOptions,
  type MetricValue,
  nameOf,
} from './metric.ts';

/** Settings of precision, recall and f1. */
export interface ClassMetricOptions extends MetricOptions {
  /**
   * 'macro': the mean over the classes that labels or predictions have; 'weighted': that weighted by
   * the labels of each class; 'micro': of all classes together; 'none': a number for each class;
   * 0 where a class has none. Default 'macro', as scikit-learn calls them.
   */
  average?: 'macro' | 'weighted' | 'micro' | 'none';
  /** Only of this class, in place of an average. */
  class?: number;
}

/** Samples of one class, or of several together. */
interface Counts {
  /** Labelled and predicted so. */
  readonly right: number;
  readonly predicted: number;
  readonly labelled: number;
}

type Score = (counts: Counts) => number;

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

const scores = {
  precision: ({ right, predicted }: Counts) => ratio(right, predicted),
  recall: ({ right, labelled }: Counts) => ratio(right, labelled),
  f1: ({ right, predicted, labelled }: Counts) => ratio(2 * right, predicted + labelled),
} as const satisfies Record<string, Score>;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function averaged(
  counts: readonly Counts[],
  score: Score,
  average: NonNullable<ClassMetricOptions['average']>,
): MetricValue {
  if (average === 'none') return counts.map(score);
  if (average === 'micro') {
    const all = (of: keyof Counts): number => sum(counts.map((each) => each[of]));
    return score({ right: all('right'), predicted: all('predicted'), labelled: all('labelled') });
  }
  const present = counts.filter(({ predicted, labelled }) => predicted + labelled > 0);
  if (average === 'macro') return sum(present.map(score)) / present.length;
  const labelled = sum(present.map((each) => each.labelled));
  return sum(present.map((each) => score(each) * each.labelled)) / labelled;
}

const averages: readonly unknown[] = ['macro', 'weighted', 'micro', 'none'];

function ofClasses(kind: keyof typeof scores, options: ClassMetricOptions): Metric {
  checkOptions(kind, options, ['average', 'class', 'name']);
  const { average = 'macro', class: only } = options;
  if (!averages.includes(average)) {
    throw argumentError(kind, "average to be 'macro', 'weighted', 'micro' or 'none'", average);
  }
  if (only !== undefined) {
    checkInteger(kind, 'class', only, 0);
    if (options.average !== undefined) throw argumentError(kind, 'class or average', average);
  }
  const name = nameOf(kind, options);
  return {
    ...{ name, options: { name, ...(only === undefined ? { average } : { class: only }) } },
    create() {
      let counts: { right: number; predicted: number; labelled: number }[] = [];
      return {
        add(outputs, given) {
          const classified = classify(kind, outputs, given);
          const { classes, labels, predictions } = classified;
          checkClasses(kind, counts.length, classified);
          if (only !== undefined && only >= classes) {
            throw argumentError(kind, `class to be from 0 to ${classes - 1}`, only);
          }
          if (counts.length === 0) {
            counts = Array.from({ length: classes }, () => ({
              right: 0,
              predicted: 0,
              labelled: 0,
            }));
          }
          labels.forEach((label, n) => {
            const [own, guessed] = [counts[label], counts[predictions[n] as number]];
            if (own !== undefined) own.labelled++;
            if (guessed !== undefined) guessed.predicted++;
            if (own !== undefined && own === guessed) own.right++;
          });
        },
        state: () =>
          counts.flatMap(({ right, predicted, labelled }) => [right, predicted, labelled]),
        restore(numbers) {
          checkState(kind, numbers, numbers.length % 3 === 0);
          counts = Array.from({ length: numbers.length / 3 }, (_, c) => {
            const [right = 0, predicted = 0, labelled = 0] = numbers.slice(3 * c, 3 * c + 3);
            return { right, predicted, labelled };
          });
        },
        result() {
          if (only === undefined) return averaged(counts, scores[kind], average);
          const own = counts[only];
          return own === undefined ? Number.NaN : scores[kind](own);
        },
      };
    },
  };
}

/**
 * Of the samples predicted to be of a class, the share that is.
 * @throws ERR_ARGUMENT for a setting that is none
 */
export function precision(options: ClassMetricOptions = {}): Metric {
  return ofClasses('precision', options);
}

/**
 * Of the samples of a class, the share predicted to be.
 * @throws ERR_ARGUMENT for a setting that is none
 */
export function recall(options: ClassMetricOptions = {}): Metric {
  return ofClasses('recall', options);
}

/**
 * The harmonic mean of precision and recall.
 * @throws ERR_ARGUMENT for a setting that is none
 */
export function f1(options: ClassMetricOptions = {}): Metric {
  return ofClasses('f1', options);
}
