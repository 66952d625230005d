import { checkNumber, checkOptions } from '../errors.ts';
import { type DropoutOptions, dropout as drop } from '../ops/dropout.ts';
import type { Variable } from '../ops/operator.ts';
import { type Layer, type LayerContext, makeLayer, type NameOption } from './layer.ts';

/** Settings of dropout layers. */
export interface DropoutLayerOptions extends NameOption {
  /** The share of values, or of channels, that is dropped, in [0, 1); default 0.5. */
  rate?: number;
}

/** A layer that drops by an operator in training and does nothing otherwise. */
export function droppingLayer(
  kind: string,
  options: DropoutLayerOptions,
  apply: (x: Variable, options: DropoutOptions) => Variable,
): Layer {
  checkOptions(kind, options, ['rate', 'name']);
  const rate = checkNumber(kind, 'rate', options.rate ?? 0.5, 0, 1);
  return makeLayer({
    kind,
    options,
    forward(x, _, { training, seed, step, key }: LayerContext) {
      return training ? apply(x, { rate, seed, step, stream: key }) : x;
    },
  });
}

/**
 * In training sets each value to 0 with probability `rate` and multiplies the others by
 * 1/(1 − rate). What is dropped is a function of the seed of `fit`, the step, the layer's place in
 * the network, and the value's place.
 * @throws ERR_ARGUMENT for a rate outside [0, 1)
 */
export function dropout(options: DropoutLayerOptions = {}): Layer {
  return droppingLayer('dropout', options, drop);
}
