import { argumentError, checkOptions } from '../errors.ts';
import { sgdUpdate } from '../ops/optimizer.ts';
import { checkRate, type Optimizer } from './optimizer.ts';

/** Settings of stochastic gradient descent. */
export interface SgdOptions {
  /** Default 0.01. */
  learningRate?: number;
  /** Default 0. */
  momentum?: number;
  /** Default 0. */
  dampening?: number;
  /** Added to the gradient as weightDecay · parameter; default 0. */
  weightDecay?: number;
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
  checkOptions('sgd', given, ['learningRate', 'momentum', 'dampening', 'weightDecay', 'nesterov']);
  const learningRate = checkRate('sgd', 'learningRate', given.learningRate ?? 0.01);
  const momentum = checkRate('sgd', 'momentum', given.momentum ?? 0);
  const dampening = checkRate('sgd', 'dampening', given.dampening ?? 0);
  const weightDecay = checkRate('sgd', 'weightDecay', given.weightDecay ?? 0);
  const nesterov = given.nesterov ?? false;
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw argumentError('sgd', 'momentum above 0 and no dampening with nesterov', given.momentum);
  }
  const settings = { momentum, dampening, weightDecay, nesterov };
  return {
    kind: 'sgd',
    learningRate,
    options: { learningRate, ...settings },
    slots: momentum === 0 ? [] : ['velocity'],
    update: ({ parameter, gradient, slots, learningRate: rate }) =>
      sgdUpdate(parameter, gradient, slots[0] ?? null, rate, settings),
  };
}
