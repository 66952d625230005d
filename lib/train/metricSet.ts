import { argumentError, StridenetError, within } from '../errors.ts';
import type { SampleOutput } from '../losses/index.ts';
import type { Accumulator, Metric, MetricValue } from '../metrics/metric.ts';
import type { Spec } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import { elementBytes, Tensor, type TypedArray, zeros } from '../tensor.ts';

/** Predictions and labels of one run of a Program at most, in bytes. */
const maxFetchBytes = 2 ** 26;

/** Predictions of a batch and its labels. */
export interface Judged {
  readonly predictions: Tensor;
  readonly labels: Tensor;
}

/** The predictions and labels that each step of a run fetched, as views of its fetches. */
export class JudgedSteps {
  readonly #specs: readonly Spec[];

  /** @param fetches of a Program whose last two are predictions and labels */
  constructor(fetches: readonly Spec[]) {
    this.#specs = fetches.slice(-2);
  }

  /** At most `most` steps, and no more than fit in memory. */
  atOnce(most: number): number {
    const bytes = this.#specs.reduce(
      (sum, { shape, dtype }) => sum + elementCount(shape) * elementBytes(dtype),
      0,
    );
    return Math.max(1, Math.min(most, Math.floor(maxFetchBytes / Math.max(1, bytes))));
  }

  /** Of the step of that place in the run, with so many samples. */
  at(fetches: readonly TypedArray[], step: number, samples: number): Judged {
    const [predictions, labels] = this.#specs.map(({ shape: [bound = 0, ...rest], dtype }, i) => {
      const data = fetches.at(i - 2) as TypedArray;
      const width = elementCount(rest);
      const start = step * bound * width;
      return new Tensor(data.subarray(start, start + samples * width), [samples, ...rest], dtype);
    });
    return { predictions: predictions as Tensor, labels: labels as Tensor };
  }
}

/** Metrics over samples that come batch by batch. */
export class MetricSet {
  readonly #accumulators: ReadonlyMap<string, Accumulator>;
  /** Those that are one number. */
  readonly #numbers: readonly string[];

  constructor(metrics: readonly Metric[]) {
    this.#accumulators = new Map(metrics.map((metric) => [metric.name, metric.create()]));
    this.#numbers = numericNames(metrics);
  }

  add({ predictions, labels }: Judged): void {
    for (const accumulator of this.#accumulators.values()) accumulator.add(predictions, labels);
  }

  /** The results that are one number. */
  numbers(): Record<string, number> {
    return Object.fromEntries(
      this.#numbers.map((name) => [name, this.#accumulators.get(name)?.result() as number]),
    );
  }

  /** What it goes on from, as plain data: numbers by the names of metrics. */
  state(): Record<string, readonly number[]> {
    return Object.fromEntries(
      [...this.#accumulators].flatMap(([name, accumulator]) => {
        const numbers = accumulator.state?.();
        return numbers === undefined ? [] : [[name, numbers]];
      }),
    );
  }

  /**
   * Goes on from there; metrics that it does not name begin anew.
   * @throws ERR_ARGUMENT for what is no state of such a metric
   */
  restore(state: ReadonlyMap<string, unknown>): void {
    for (const [name, accumulator] of this.#accumulators) {
      const numbers = state.get(name);
      if (numbers === undefined) continue;
      if (!Array.isArray(numbers) || numbers.some((each) => typeof each !== 'number')) {
        throw argumentError('fit, metrics', `numbers as the state of '${name}'`, numbers);
      }
      accumulator.restore?.(numbers);
    }
  }

  results(): Record<string, MetricValue> {
    return Object.fromEntries(
      [...this.#accumulators].map(([name, accumulator]) => [name, accumulator.result()]),
    );
  }
}

/** The names of metrics whose result is one number. */
export function numericNames(metrics: readonly Metric[]): string[] {
  return metrics
    .filter((metric) => typeof metric.create().result() === 'number')
    .map(({ name }) => name);
}

/**
 * `metrics` if they are a list of metrics, each of another name.
 * @throws ERR_ARGUMENT
 */
export function checkMetrics(where: string, metrics: unknown): readonly Metric[] {
  if (!Array.isArray(metrics)) throw argumentError(where, 'metrics to be a list', metrics);
  metrics.forEach((metric: Partial<Metric> | null, i) => {
    if (typeof metric?.create === 'function' && typeof metric.name === 'string') return;
    throw argumentError(where, `metrics[${i}] to be one of sn.metrics, called,`, metric);
  });
  const names = (metrics as Metric[]).map(({ name }) => name);
  const twice = names.find((name, i) => name === 'loss' || names.indexOf(name) < i);
  if (twice === undefined) return [...(metrics as Metric[])];
  const cure = 'another name, as by its option name';
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[${where}, metrics] there is a '${twice}' already: give ${cure}`,
  );
}

/** Throws what a metric throws of outputs like these and of the first of these labels. */
export function checkMetricsFit(
  where: string,
  metrics: readonly Metric[],
  { shape, dtype }: SampleOutput,
  targets: Tensor,
): void {
  if (metrics.length === 0) return;
  const width = elementCount(targets.shape.slice(1));
  const label = new Tensor(
    targets.data.slice(0, width),
    [1, ...targets.shape.slice(1)],
    targets.dtype,
  );
  const output = zeros([1, ...shape], dtype);
  for (const metric of metrics) {
    within(`${where}, metrics`, () => metric.create().add(output, label));
  }
}
