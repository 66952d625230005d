import type { Measures } from '../schedules/schedule.ts';
import type { EpochEvent } from './events.ts';

/** The numbers of an epoch by the names by which they are monitored. */
export function measuresOf({ metrics, validation }: EpochEvent): Measures {
  const measures: Record<string, number> = { ...metrics };
  for (const [name, value] of Object.entries(validation ?? {})) {
    measures[`validation.${name}`] = value;
  }
  return measures;
}

/** Every number that epochs of such a training will have; the values mean nothing. */
export function possibleMeasures(classifier: boolean, validated: unknown): Measures {
  const own = classifier ? ['loss', 'accuracy'] : ['loss'];
  const names = validated ? [...own, ...own.map((name) => `validation.${name}`)] : own;
  return Object.fromEntries(names.map((name) => [name, Number.NaN]));
}
