import { spatialDropout as drop } from '../ops/dropout.ts';
import { type DropoutLayerOptions, droppingLayer } from './dropout.ts';
import type { Layer } from './layer.ts';

/** Dropout of whole channels of (C,…), see `dropout`. */
export function spatialDropout(options: DropoutLayerOptions = {}): Layer {
  return droppingLayer('spatialDropout', options, drop);
}
