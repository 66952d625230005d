import { checkBoolean, checkOptions } from '../errors.ts';
import { linear } from '../ops/linear.ts';
import { maxout as largest } from '../ops/maxout.ts';
import { checkInteger } from '../shape.ts';
import { type DenseOptions, featuresOf } from './dense.ts';
import { commonOptionNames, type Layer, makeLayer, weightAndBias } from './layer.ts';

/** Settings of a maxout layer. */
export interface MaxoutLayerOptions extends DenseOptions {
  /** Linear functions whose largest value is an output. */
  pieces: number;
}

/**
 * A dense layer whose outputs are the largest of `pieces` linear functions each (Goodfellow and
 * others 2013): (F) → (units). Parameters: weight (units·pieces, F), bias (units·pieces); the pieces
 * of an output follow each other.
 * @throws ERR_ARGUMENT for an option out of range
 */
export function maxout(options: MaxoutLayerOptions): Layer {
  checkOptions('maxout', options, ['units', 'pieces', 'bias', ...commonOptionNames]);
  const units = checkInteger('maxout', 'units', options.units, 1);
  const pieces = checkInteger('maxout', 'pieces', options.pieces, 1);
  checkBoolean('maxout', 'bias', options.bias ?? true);
  return makeLayer({
    kind: 'maxout',
    options,
    parameters(input) {
      const features = featuresOf('maxout', input);
      return weightAndBias([units * pieces, features], { fanIn: features, fanOut: units }, options);
    },
    forward: (x, { weight, bias }) =>
      largest(linear(x, weight as typeof x, bias ?? null), { pieces }),
  });
}
