import { type Conv2dOptions, conv2dOptionNames, conv2d as convolve } from '../ops/conv2d.ts';
import { checkPair, type Pair } from '../shape.ts';
import { type FilterOptions, filterLayer } from './filters.ts';
import type { Layer } from './layer.ts';

/** Settings of a convolution layer. */
export interface Conv2dLayerOptions extends FilterOptions, Conv2dOptions {
  /** Filter size. */
  kernelSize: number | Pair;
}

/**
 * A bank of filters over images: (C,H,W) → (K,P,Q). Parameters: weight (K, C/groups, R, S), bias (K).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function conv2d(options: Conv2dLayerOptions): Layer {
  return filterLayer({
    kind: 'conv2d',
    options,
    known: conv2dOptionNames,
    axes: '(C,H,W)',
    kernelSize: ({ kernelSize }) => checkPair('conv2d', 'kernelSize', kernelSize, 1),
    apply: convolve,
  });
}
