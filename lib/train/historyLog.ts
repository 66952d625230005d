import type { MetricValue } from '../metrics/metric.ts';
import { countAt, listAt, numberAt, objectAt } from './checkpoint/json.ts';
import type { Resumable } from './checkpoint/part.ts';
import { type EpochEvent, type EpochRecord, type Evaluation, recordOf } from './events.ts';

/** The epochs of a training so far. */
export class HistoryLog implements Resumable {
  #epochs: EpochRecord[] = [];

  get epochs(): readonly EpochRecord[] {
    return this.#epochs;
  }

  add(event: EpochEvent): void {
    this.#epochs.push(recordOf(event));
  }

  state(): unknown {
    return this.#epochs;
  }

  restore(state: unknown): void {
    this.#epochs = listAt('history', state).map(recordAt);
  }
}

/** A number, a list of numbers, or rows of them. */
function metricAt(name: string, value: unknown, depth = 2): MetricValue {
  if (!Array.isArray(value) || depth === 0) return numberAt(name, value);
  return value.map((each) => metricAt(name, each, depth - 1)) as MetricValue;
}

function evaluationAt(name: string, value: ReadonlyMap<string, unknown>): Evaluation {
  const [accuracy, metrics] = [value.get('accuracy'), value.get('metrics')];
  const named = metrics === undefined ? null : objectAt(`${name}.metrics`, metrics);
  return {
    loss: numberAt(`${name}.loss`, value.get('loss')),
    ...(accuracy === undefined ? {} : { accuracy: numberAt(`${name}.accuracy`, accuracy) }),
    ...(named === null
      ? {}
      : {
          metrics: Object.fromEntries([...named].map(([key, each]) => [key, metricAt(key, each)])),
        }),
  };
}

function recordAt(value: unknown): EpochRecord {
  const record = objectAt('history', value);
  const validation = record.get('validation');
  const name = 'history.validation';
  return {
    epoch: countAt('history.epoch', record.get('epoch'), 1),
    step: countAt('history.step', record.get('step')),
    learningRate: numberAt('history.learningRate', record.get('learningRate')),
    ...evaluationAt('history', record),
    seconds: numberAt('history.seconds', record.get('seconds')),
    ...(validation === undefined
      ? {}
      : { validation: evaluationAt(name, objectAt(name, validation)) }),
  };
}
