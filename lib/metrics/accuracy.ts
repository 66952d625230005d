import { argumentError, checkOptions, shapeError } from '../errors.ts';
import { beats } from '../reference/indexing.ts';
import { checkInteger } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import {
  type Classified,
  checkState,
  classify,
  type Metric,
  type MetricOptions,
  nameOf,
} from './metric.ts';

/** The share of samples for which `right` says so. */
function share(
  where: string,
  name: string,
  options: Metric['options'],
  right: (sample: number, classified: Classified, outputs: Tensor) => boolean,
): Metric {
  return {
    ...{ name, options },
    create() {
      let [samples, correct] = [0, 0];
      return {
        add(outputs, labels) {
          const classified = classify(where, outputs, labels);
          let more = 0;
          for (let n = 0; n < classified.samples; n++) {
            if (right(n, classified, outputs)) more++;
          }
          correct += more;
          samples += classified.samples;
        },
        result: () => correct / samples,
        state: () => [samples, correct],
        restore(numbers) {
          checkState(where, numbers, numbers.length === 2);
          [samples, correct] = numbers as [number, number];
        },
      };
    },
  };
}

/** The share of samples whose class is predicted: the first largest output is the label's. */
export function accuracy(options: MetricOptions = {}): Metric {
  checkOptions('accuracy', options, ['name']);
  const name = nameOf('accuracy', options);
  return share('accuracy', name, { name }, (n, { labels, predictions }) => {
    return labels[n] === predictions[n];
  });
}

/** Outputs of a sample that come before that of its label: larger ones, and equal ones before it. */
function rankOf({ data }: Tensor, start: number, classes: number, label: number): number {
  const own = data[start + label] as number;
  let rank = 0;
  for (let c = 0; c < classes; c++) {
    const value = data[start + c] as number;
    if (c < label ? !beats(own, value) : c > label && beats(value, own)) rank++;
  }
  return rank;
}

/**
 * The share of samples whose label is among the `k` largest outputs, of equal ones the first. Its
 * name is 'top5' for k = 5.
 * @param k at least 1
 * @throws ERR_ARGUMENT for another k
 */
export function topK(k: number, options: MetricOptions = {}): Metric {
  checkInteger('topK', 'k', k, 1);
  checkOptions('topK', options, ['name']);
  const name = nameOf(`top${k}`, options);
  return share('topK', name, { k, name }, (n, { labels, classes }, outputs) => {
    if (outputs.shape[1] === 1) {
      throw shapeError('topK', 'outputs (N, classes) of two classes or more are needed');
    }
    if (k > classes) throw argumentError('topK', `k of at most ${classes} classes`, k);
    return rankOf(outputs, n * classes, classes, labels[n] as number) < k;
  });
}
