import {
  type ConvTranspose2dOptions,
  convTranspose2dOptionNames,
  convTranspose2d as transpose,
} from '../ops/convTranspose2d.ts';
import { checkPair, type Pair } from '../shape.ts';
import { type FilterOptions, filterLayer } from './filters.ts';
import type { Layer } from './layer.ts';

/** Settings of a transposed convolution layer. */
export interface ConvTranspose2dLayerOptions extends FilterOptions, ConvTranspose2dOptions {
  /** Filter size. */
  kernelSize: number | Pair;
}

/**
 * The adjoint of a convolution, which makes images larger: (C,P,Q) → (K,H,W). Parameters: weight
 * (C, K/groups, R, S), bias (K).
 * @throws ERR_ARGUMENT for an option out of range
 */
export function convTranspose2d(options: ConvTranspose2dLayerOptions): Layer {
  return filterLayer({
    kind: 'convTranspose2d',
    options,
    known: convTranspose2dOptionNames,
    axes: '(C,H,W)',
    kernelSize: ({ kernelSize }) => checkPair('convTranspose2d', 'kernelSize', kernelSize, 1),
    transposed: true,
    apply: transpose,
  });
}
