import { flatten as flattenOf } from '../ops/reshape.ts';
import { type Layer, type NameOption, operatorLayer } from './layer.ts';

/** All axes of a sample as one: (C,H,W) → (C·H·W). */
export function flatten(options: NameOption = {}): Layer {
  return operatorLayer('flatten', options, [], (x) => flattenOf(x));
}
