import {
  type MaxPool2dOptions,
  maxPool2dOptionNames,
  maxPool2d as pool,
} from '../ops/maxPool2d.ts';
import { type Layer, type NameOption, operatorLayer } from './layer.ts';

/** The largest value of each window: (C,H,W) → (C,P,Q). Throws ERR_ARGUMENT for another option. */
export function maxPool2d(options: MaxPool2dOptions & NameOption): Layer {
  return operatorLayer('maxPool2d', options, maxPool2dOptionNames, pool);
}
