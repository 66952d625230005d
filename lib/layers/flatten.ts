import { checkOptions } from '../errors.ts';
import { flatten as flattenOf } from '../ops/reshape.ts';
import { type Layer, plainLayer } from './layer.ts';

/** All axes of a sample as one: (C,H,W) → (C·H·W). */
export function flatten(options: { name?: string } = {}): Layer {
  checkOptions('flatten', options, ['name']);
  return plainLayer('flatten', { ...options }, (x) => flattenOf(x));
}
