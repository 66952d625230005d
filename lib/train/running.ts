import type { Metric } from '../metrics/metric.ts';
import { numberAt, objectAt } from './checkpoint/json.ts';
import type { Resumable } from './checkpoint/part.ts';
import { MetricSet } from './metricSet.ts';
import type { StepResult } from './trainer.ts';

const names = ['steps', 'samples', 'loss', 'correct', 'seconds', 'learningRate'] as const;

/** Sums over the epoch so far, and its clock. */
export class Running implements Resumable {
  steps = 0;
  samples = 0;
  loss = 0;
  correct = 0;
  seconds = 0;
  /** Of the last step. */
  learningRate = 0;
  metrics: MetricSet;
  readonly #metrics: readonly Metric[];

  constructor(metrics: readonly Metric[]) {
    this.#metrics = metrics;
    this.metrics = new MetricSet(metrics);
  }

  add(result: StepResult): void {
    this.steps++;
    this.learningRate = result.learningRate;
    this.samples += result.samples;
    this.loss += result.loss;
    this.correct += result.correct;
    for (const judged of result.judged) this.metrics.add(judged);
  }

  means(classifier: boolean): { loss: number; accuracy?: number } {
    const loss = this.loss / this.samples;
    return classifier ? { loss, accuracy: this.correct / this.samples } : { loss };
  }

  get imagesPerSecond(): number {
    return this.seconds === 0 ? 0 : this.samples / this.seconds;
  }

  /** Begins an epoch. */
  reset(): void {
    for (const name of names) this[name] = 0;
    this.metrics = new MetricSet(this.#metrics);
  }

  state(): unknown {
    const sums = names.map((name) => [name, this[name]] as const);
    return { ...Object.fromEntries(sums), metrics: this.metrics.state() };
  }

  restore(state: unknown): void {
    const kept = objectAt('running', state);
    for (const name of names) this[name] = numberAt(`running.${name}`, kept.get(name));
    this.metrics.restore(objectAt('running.metrics', kept.get('metrics')));
  }
}
