import { checkOptions } from '../errors.ts';
import { type Activation, checkActivation, type Layer, plainLayer } from './layer.ts';

/**
 * A function of every value on its own (softmax: of every sample).
 * @throws ERR_ARGUMENT for an unknown name
 */
export function activation(name: Activation, options: { name?: string } = {}): Layer {
  checkOptions('activation', options, ['name']);
  const checked = checkActivation('activation', name);
  return plainLayer('activation', { ...options, activation: checked }, (x) => x, checked);
}
