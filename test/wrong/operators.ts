import type { ValidCall } from './call.ts';
import { ofLayersAndLosses } from './layersAndLosses.ts';
import { ofValuesAndPlaces } from './valuesAndPlaces.ts';

/** One valid call of every public operator. */
export const validCalls: Readonly<Record<string, ValidCall>> = {
  ...ofValuesAndPlaces,
  ...ofLayersAndLosses,
};
