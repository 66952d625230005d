import { maxPool2dOptionNames } from '../ops/maxPool2d.ts';
import { type MaxPool1dOptions, maxPool1d as pool } from '../ops/pool1d.ts';
import { type Layer, type NameOption, operatorLayer } from './layer.ts';

/** The largest value of each window: (C,L) → (C,Q). Throws ERR_ARGUMENT for another option. */
export function maxPool1d(options: MaxPool1dOptions & NameOption): Layer {
  return operatorLayer('maxPool1d', options, maxPool2dOptionNames, pool);
}
