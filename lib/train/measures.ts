import type { Measures } from '../schedules/schedule.ts';
import type { EpochEvent } from './events.ts';

/** The numbers of an epoch by the names by which they are monitored: 'loss', 'validation.loss'. */
export function measuresOf({ metrics, validation }: EpochEvent): Measures {
  const own = Object.entries(metrics);
  const { metrics: others = {}, ...means } = validation ?? {};
  const validated = Object.entries({ ...means, ...others }).map(([name, value]) => {
    return [`validation.${name}`, value] as const;
  });
  const numbers = [...own, ...validated].filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(numbers as [string, number][]);
}

/**
 * Every number that epochs of such a training will have; the values mean nothing.
 * @param names of the metrics that are one number
 */
export function possibleMeasures(
  { classifier, validated }: { readonly classifier: boolean; readonly validated: boolean },
  names: readonly string[],
): Measures {
  const own = [...new Set(['loss', ...(classifier ? ['accuracy'] : []), ...names])];
  const all = validated ? [...own, ...own.map((name) => `validation.${name}`)] : own;
  return Object.fromEntries(all.map((name) => [name, Number.NaN]));
}
