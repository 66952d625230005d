import { type Conv1dOptions, conv1dOptionNames, conv1d as convolve } from '../ops/conv1d.ts';
import { checkInteger } from '../shape.ts';
import { type FilterOptions, filterLayer } from './filters.ts';
import type { Layer } from './layer.ts';

/** Settings of a 1-D convolution layer. */
export interface Conv1dLayerOptions extends FilterOptions, Conv1dOptions {
  /** Filter size. */
  kernelSize: number;
}

/**
 * A bank of filters over signals: (C,L) → (K,Q). Parameters: weight (K, C/groups, S), bias (K).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function conv1d(options: Conv1dLayerOptions): Layer {
  return filterLayer({
    kind: 'conv1d',
    options,
    known: conv1dOptionNames,
    axes: '(C,L)',
    kernelSize: ({ kernelSize }) => [checkInteger('conv1d', 'kernelSize', kernelSize, 1)],
    apply: convolve,
  });
}
