import { argumentError, checkBoolean, checkNumber, checkOptions } from '../errors.ts';
import { sgdUpdate } from '../ops/optimizer.ts';
import { checkNoDecay, type DecayOptions, decayOf, type Optimizer } from './optimizer.ts';

/** Settings of stochastic gradient descent. */
export interface SgdOptions extends DecayOptions {
  /** Default 0.01. */
  learningRate?: number;
  /** Default 0. */
  momentum?: number;
  /** Default 0. */
  dampening?: number;
  /** Needs momentum and no dampening; default false. */
  nesterov?: boolean;
}

/**
 * Stochastic gradient descent with momentum, as PyTorch's SGD (whose first step takes the gradient
 * without dampening; here the velocity starts at zero and dampening counts from the first step).
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function sgd(options: SgdOptions | number = {}): Optimizer {
  const given = typeof options === 'number' ? { learningRate: options } : options;
  const known = ['learningRate', 'momentum', 'dampening', 'weightDecay', 'noDecay', 'nesterov'];
  checkOptions('sgd', given, known);
  const learningRate = checkNumber('sgd', 'learningRate', given.learningRate ?? 0.01);
  const momentum = checkNumber('sgd', 'momentum', given.momentum ?? 0);
  const dampening = checkNumber('sgd', 'dampening', given.dampening ?? 0);
  const weightDecay = checkNumber('sgd', 'weightDecay', given.weightDecay ?? 0);
  const nesterov = checkBoolean('sgd', 'nesterov', given.nesterov ?? false);
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw argumentError('sgd', 'momentum above 0 and no dampening with nesterov', given.momentum);
  }
  const noDecay = checkNoDecay('sgd', given.noDecay ?? []);
  return {
    kind: 'sgd',
    learningRate,
    options: { learningRate, momentum, dampening, weightDecay, noDecay, nesterov },
    slots: momentum === 0 ? [] : ['velocity'],
    update: ({ key, name, parameter, gradient, slots, learningRate: rate }) => {
      const decay = decayOf(weightDecay, noDecay, { key, name });
      const settings = { momentum, dampening, weightDecay: decay, nesterov };
      return sgdUpdate(parameter, gradient, slots[0] ?? null, rate, settings);
    },
  };
}
