import { ones, zeros } from '../initializers/plain.ts';
import type { Shape } from '../shape.ts';
import { elementCount } from '../shape.ts';
import type { Activation } from './activations.ts';
import { type LearnedOptions, learnedOptionNames, type ParameterSpec } from './layer.ts';

/** Settings that normalization layers share. */
export interface NormLayerOptions extends LearnedOptions {
  /** Added to the variance; default 1e-5. */
  epsilon?: number;
  /** A learned factor and a learned offset; default true. */
  affine?: boolean;
  /** Of what is normalized; default 'linear': none. */
  activation?: Activation;
}

/** The keys of NormLayerOptions. */
export const normOptionNames = ['epsilon', 'affine', 'activation', ...learnedOptionNames] as const;

/** The factor, 1 at first, and the offset, 0 at first, unless `affine` is false. */
export function affineParameters(shape: Shape, affine = true): ParameterSpec[] {
  if (!affine) return [];
  const fan = { fanIn: elementCount(shape), fanOut: elementCount(shape) };
  return [
    { name: 'weight', shape, fan, initializer: ones() },
    { name: 'bias', shape, fan, initializer: zeros() },
  ];
}
