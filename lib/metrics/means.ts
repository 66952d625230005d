import { argumentError, checkOptions, ownFunction, shapeError } from '../errors.ts';
import { sameShape } from '../shape.ts';
import { describe, type Tensor, type TypedArray } from '../tensor.ts';
import { checkRows, checkState, type Metric, type MetricOptions, nameOf } from './metric.ts';

/** The mean over samples of what `of` makes of each. */
function meanOver(
  where: string,
  name: string,
  check: (outputs: Tensor, labels: Tensor) => void,
  of: (output: TypedArray, label: TypedArray) => number,
): Metric {
  return {
    ...{ name, options: { name } },
    create() {
      let [samples, total] = [0, 0];
      return {
        add(outputs, labels) {
          checkRows(where, outputs, labels);
          check(outputs, labels);
          const count = outputs.shape[0] as number;
          const [width, labelWidth] = [outputs.size / count, labels.size / count];
          let next = total;
          for (let n = 0; n < count; n++) {
            const output = outputs.data.subarray(n * width, (n + 1) * width);
            next += of(output, labels.data.subarray(n * labelWidth, (n + 1) * labelWidth));
          }
          samples += count;
          total = next;
        },
        result: () => total / samples,
        state: () => [samples, total],
        restore(numbers) {
          checkState(where, numbers, numbers.length === 2);
          [samples, total] = numbers as [number, number];
        },
      };
    },
  };
}

function ofErrors(
  kind: string,
  options: MetricOptions,
  measure: (difference: number) => number,
): Metric {
  checkOptions(kind, options, ['name']);
  const check = (outputs: Tensor, labels: Tensor): void => {
    if (sameShape(outputs.shape, labels.shape)) return;
    const given = `outputs ${describe(outputs)} but labels ${describe(labels)}`;
    throw shapeError(kind, `targets of the outputs' shape are needed: ${given}`);
  };
  return meanOver(kind, nameOf(kind, options), check, (output, target) => {
    let sum = 0;
    for (let i = 0; i < output.length; i++) {
      sum += measure((output[i] as number) - (target[i] as number));
    }
    return sum / output.length;
  });
}

/** The mean of (output − target)². */
export function squaredError(options: MetricOptions = {}): Metric {
  return ofErrors('squaredError', options, (difference) => difference * difference);
}

/** The mean of |output − target|. */
export function absoluteError(options: MetricOptions = {}): Metric {
  return ofErrors('absoluteError', options, Math.abs);
}

/**
 * The mean over the samples of a function of one's own.
 * @param name under which results have it
 * @param of a number for the outputs of a sample and its targets, or its class number as a list of one
 * @throws ERR_ARGUMENT where it gives no number, or throws
 */
export function mean(name: string, of: (output: TypedArray, label: TypedArray) => number): Metric {
  if (typeof of !== 'function') throw argumentError('mean', 'a function of output and label', of);
  const title = nameOf('mean', { name });
  const own = ownFunction('mean', `the metric '${title}'`, of);
  return meanOver(
    'mean',
    title,
    () => undefined,
    (output, label) => {
      const value: unknown = own(output, label);
      if (typeof value === 'number') return value;
      throw argumentError('mean', `the metric '${title}' to give a number`, value);
    },
  );
}
