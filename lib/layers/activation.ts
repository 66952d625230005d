import { checkOptions } from '../errors.ts';
import { type Activation, checkActivation } from './activations.ts';
import { type Layer, makeLayer, type NameOption } from './layer.ts';

/**
 * A function of every value on its own (softmax: of every sample).
 * @throws ERR_ARGUMENT for an unknown name
 */
export function activation(name: Activation, options: NameOption = {}): Layer {
  checkOptions('activation', options, ['name']);
  const checked = checkActivation('activation', name);
  return makeLayer({
    kind: 'activation',
    options: { ...options, activation: checked },
    forward: (x) => x,
  });
}
