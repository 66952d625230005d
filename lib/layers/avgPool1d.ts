import { avgPool2dOptionNames } from '../ops/avgPool2d.ts';
import { type AvgPool1dOptions, avgPool1d as pool } from '../ops/pool1d.ts';
import { type Layer, type NameOption, operatorLayer } from './layer.ts';

/** The mean of each window: (C,L) → (C,Q). Throws ERR_ARGUMENT for another option. */
export function avgPool1d(options: AvgPool1dOptions & NameOption): Layer {
  return operatorLayer('avgPool1d', options, avgPool2dOptionNames, pool);
}
