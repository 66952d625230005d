import { checkOptions } from '../errors.ts';
import {
  type Activation,
  type ActivationOptions,
  activate,
  checkActivation,
  checkActivationOptions,
} from './activations.ts';
import { isLeftOut, type Layer, makeLayer, type NameOption } from './layer.ts';

/**
 * A function of every value on its own (softmax: along an axis, of every sample by default).
 * @param name one of `Activation`
 * @param options those of the operator of that name, such as `{ negativeSlope: 0.2 }` of leakyRelu
 * @throws ERR_ARGUMENT for an unknown name, or an option that the operator does not have
 */
export function activation<A extends Activation>(
  name: A,
  options: ActivationOptions<A> & NameOption = {} as ActivationOptions<A> & NameOption,
): Layer {
  const checked = checkActivation('activation', name);
  checkOptions('activation', options, Object.keys(options ?? {}));
  const { name: _, ...settings } = options as Readonly<Record<string, unknown>>;
  checkActivationOptions(checked, settings);
  const { axis = -1 } = settings;
  return makeLayer({
    kind: 'activation',
    options: { ...(options as NameOption), activation: checked },
    activation: 'linear',
    forward(x, __, { logits }) {
      const overClasses = axis === -1 || (axis === 1 && x.shape.length === 2);
      const foldable = isLeftOut(checked, logits) && (checked !== 'softmax' || overClasses);
      return foldable ? x : activate(checked, x, settings);
    },
  });
}
