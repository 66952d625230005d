import { argumentError, checkNumber, StridenetError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { isWithin, type Optimizer } from '../optimizers/optimizer.ts';
import type { Architecture } from './architecture.ts';

/** Factors of learning rates, by the key of a parameter or the place or name of a layer. */
export type Rates = Readonly<Record<string, number>>;

/** A key and the layers that it is in: '3.body.0.weight', '3.body.0', '3.body', '3'. */
function placesOf(key: string): string[] {
  const parts = key.split('.');
  return parts.map((_, i) => parts.slice(0, parts.length - i).join('.'));
}

/** The keys of parameters and the places of layers with parameters, as users may name them. */
export function namedPlaces({ parameters }: Architecture): string[] {
  return [...new Set(parameters.flatMap(({ key }) => placesOf(key)))];
}

/**
 * Throws ERR_ARGUMENT unless every one of `places` is the key of a parameter or a layer with
 * parameters.
 * @param where 'fit, frozen': the function and the option that name them
 */
export function checkPlaces(
  where: string,
  architecture: Architecture,
  places: readonly string[],
): void {
  for (const place of places) {
    if (architecture.parameters.some(({ key }) => isWithin(key, place))) continue;
    const layer = architecture.layers.find(({ key }) => key === place);
    if (layer !== undefined) {
      throw new StridenetError('ERR_ARGUMENT', `[${where}] layer ${layer.label} has no parameters`);
    }
    const known = namedPlaces(architecture);
    throw unknownName(where, 'key of a parameter or a layer', place, known);
  }
}

/** `rates` if it is an object of numbers of 0 or more; else throws ERR_ARGUMENT. */
export function checkRates(rates: unknown): Rates {
  const prototype = typeof rates === 'object' && rates && Object.getPrototypeOf(rates);
  if (prototype !== Object.prototype && prototype !== null) {
    throw argumentError('fit', "rates to be an object as { '0': 0.1 }", rates);
  }
  const entries = Object.entries(rates as object).map(([place, rate]) => {
    return [place, checkNumber('fit', `rates['${place}']`, rate)] as const;
  });
  return Object.fromEntries(entries);
}

/** The factor of one parameter's rate: that of the longest place that it is in, or 1. */
function rateOf(key: string, rates: Rates): number {
  const place = placesOf(key).find((each) => Object.hasOwn(rates, each));
  return place === undefined ? 1 : (rates[place] as number);
}

/** Parameters whose learning rate is one number: by their rule, and its factor. */
export interface RateGroup {
  readonly rule: Optimizer;
  readonly rate: number;
}

/** The groups of parameters, in the order in which they first come, and the one of each. */
export function groupRates(
  learned: readonly { readonly key: string; readonly rule: Optimizer }[],
  rates: Rates,
): { groups: RateGroup[]; of: RateGroup[] } {
  const groups: RateGroup[] = [];
  const of = learned.map(({ key, rule }) => {
    const rate = rateOf(key, rates);
    const known = groups.find((group) => group.rule === rule && group.rate === rate);
    if (known !== undefined) return known;
    groups.push({ rule, rate });
    return groups.at(-1) as RateGroup;
  });
  return { groups, of };
}
