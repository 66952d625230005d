import {
  type AvgPool2dOptions,
  avgPool2dOptionNames,
  avgPool2d as pool,
} from '../ops/avgPool2d.ts';
import { type Layer, type NameOption, operatorLayer } from './layer.ts';

/** The mean of each window: (C,H,W) → (C,P,Q). Throws ERR_ARGUMENT for another option. */
export function avgPool2d(options: AvgPool2dOptions & NameOption): Layer {
  return operatorLayer('avgPool2d', options, avgPool2dOptionNames, pool);
}
