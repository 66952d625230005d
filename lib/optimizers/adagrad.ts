import { checkNumber, checkOptions } from '../errors.ts';
import { adagradUpdate } from '../ops/optimizer.ts';
import { checkNoDecay, type DecayOptions, decayOf, type Optimizer } from './optimizer.ts';

/** Settings of Adagrad, PyTorch's by default; weight decay is added to the gradient. */
export interface AdagradOptions extends DecayOptions {
  /** Default 0.01. */
  learningRate?: number;
  /** The rate of step t is learningRate/(1 + (t−1)·learningRateDecay); default 0. */
  learningRateDecay?: number;
  /** What the sum of squared gradients starts from; default 0. */
  initialAccumulatorValue?: number;
  /** Default 1e-10. */
  epsilon?: number;
}

/**
 * Adagrad (Duchi, Hazan and Singer 2011), as PyTorch's Adagrad.
 * @param options the learning rate, or all settings
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function adagrad(options: AdagradOptions | number = {}): Optimizer {
  const given = typeof options === 'number' ? { learningRate: options } : options;
  checkOptions('adagrad', given, [
    'learningRate',
    'learningRateDecay',
    'weightDecay',
    'noDecay',
    'initialAccumulatorValue',
    'epsilon',
  ]);
  const learningRate = checkNumber('adagrad', 'learningRate', given.learningRate ?? 0.01);
  const settings = {
    learningRateDecay: checkNumber('adagrad', 'learningRateDecay', given.learningRateDecay ?? 0),
    epsilon: checkNumber('adagrad', 'epsilon', given.epsilon ?? 1e-10),
  };
  const weightDecay = checkNumber('adagrad', 'weightDecay', given.weightDecay ?? 0);
  const noDecay = checkNoDecay('adagrad', given.noDecay ?? []);
  const initialAccumulatorValue = checkNumber(
    'adagrad',
    'initialAccumulatorValue',
    given.initialAccumulatorValue ?? 0,
  );
  return {
    kind: 'adagrad',
    learningRate,
    options: { learningRate, ...settings, weightDecay, noDecay, initialAccumulatorValue },
    slots: ['sum'],
    initial: { sum: initialAccumulatorValue },
    update: ({ key, name, parameter, gradient, slots: [sum], step, learningRate: rate }) => {
      if (sum === undefined) throw new Error('adagrad needs its sum of squares');
      return adagradUpdate(parameter, gradient, sum, step, rate, {
        ...settings,
        weightDecay: decayOf(weightDecay, noDecay, { key, name }),
      });
    },
  };
}
