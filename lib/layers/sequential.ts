import { checkOptions } from '../errors.ts';
import { Block } from './block.ts';
import { type Layer, type LearnedOptions, learnedOptionNames, makeLayer } from './layer.ts';

/** Settings of a sequence of layers. */
export interface SequentialLayerOptions extends LearnedOptions {
  /** Each takes what the one before it gives. */
  layers: readonly Layer[];
}

/**
 * Layers one after the other as one layer. Parameters: those of the layers, '0.weight' and so on.
 * @throws ERR_ARGUMENT when `layers` is no list of layers
 */
export function sequential(options: SequentialLayerOptions): Layer {
  checkOptions('sequential', options, ['layers', ...learnedOptionNames]);
  const block = new Block('sequential', options.layers);
  return makeLayer({
    kind: 'sequential',
    options,
    blocks: [block],
    parameters: (input, dtype) => block.parameters(input, dtype),
    forward: (x, values, context) => block.forward(x, values, context),
  });
}
