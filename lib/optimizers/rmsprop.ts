import { checkBoolean, checkNumber, checkOptions } from '../errors.ts';
import { rmspropMoments, rmspropUpdate } from '../ops/optimizer.ts';
import { checkNoDecay, type DecayOptions, decayOf, type Optimizer } from './optimizer.ts';

/** Settings of RMSprop, PyTorch's by default; weight decay is added to the gradient. */
export interface RmspropOptions extends DecayOptions {
  /** Default 0.01. */
  learningRate?: number;
  /** Decay of the mean squared gradient; default 0.99. */
  alpha?: number;
  /** Default 1e-8. */
  epsilon?: number;
  /** Default 0. */
  momentum?: number;
  /** Divide by the deviation of the gradient from its mean; default false. */
  centered?: boolean;
}

/**
 * RMSprop (Tieleman and Hinton 2012), as PyTorch's RMSprop.
 * @param options the learning rate, or all settings
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function rmsprop(options: RmspropOptions | number = {}): Optimizer {
  const given = typeof options === 'number' ? { learningRate: options } : options;
  const known = [
    'learningRate',
    'alpha',
    'epsilon',
    'momentum',
    'centered',
    'weightDecay',
    'noDecay',
  ];
  checkOptions('rmsprop', given, known);
  const learningRate = checkNumber('rmsprop', 'learningRate', given.learningRate ?? 0.01);
  const settings = {
    alpha: checkNumber('rmsprop', 'alpha', given.alpha ?? 0.99, 0, 1),
    epsilon: checkNumber('rmsprop', 'epsilon', given.epsilon ?? 1e-8),
    momentum: checkNumber('rmsprop', 'momentum', given.momentum ?? 0),
    centered: checkBoolean('rmsprop', 'centered', given.centered ?? false),
  };
  const weightDecay = checkNumber('rmsprop', 'weightDecay', given.weightDecay ?? 0);
  const noDecay = checkNoDecay('rmsprop', given.noDecay ?? []);
  return {
    kind: 'rmsprop',
    learningRate,
    options: { learningRate, ...settings, weightDecay, noDecay },
    slots: rmspropMoments(settings),
    update: ({ key, name, parameter, gradient, slots, learningRate: rate }) =>
      rmspropUpdate(parameter, gradient, rate, slots, {
        ...settings,
        weightDecay: decayOf(weightDecay, noDecay, { key, name }),
      }),
  };
}
