import { checkNumber, checkOptions } from '../errors.ts';
import { adamUpdate } from '../ops/optimizer.ts';
import { checkNoDecay, type DecayOptions, decayOf, type Optimizer } from './optimizer.ts';

/** Settings of Adam. */
export interface AdamOptions extends DecayOptions {
  /** Default 0.001. */
  learningRate?: number;
  /** Decay of the first moment; default 0.9. */
  beta1?: number;
  /** Decay of the second moment; default 0.999. */
  beta2?: number;
  /** Default 1e-8. */
  epsilon?: number;
}

function make(kind: string, given: AdamOptions, decoupled: boolean): Optimizer {
  const known = ['learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay', 'noDecay'];
  checkOptions(kind, given, known);
  const learningRate = checkNumber(kind, 'learningRate', given.learningRate ?? 1e-3);
  const beta1 = checkNumber(kind, 'beta1', given.beta1 ?? 0.9, 0, 1);
  const beta2 = checkNumber(kind, 'beta2', given.beta2 ?? 0.999, 0, 1);
  const epsilon = checkNumber(kind, 'epsilon', given.epsilon ?? 1e-8);
  const weightDecay = checkNumber(kind, 'weightDecay', given.weightDecay ?? (decoupled ? 0.01 : 0));
  const noDecay = checkNoDecay(kind, given.noDecay ?? []);
  return {
    kind,
    learningRate,
    options: { learningRate, beta1, beta2, epsilon, weightDecay, noDecay },
    slots: ['m', 'v'],
    update: ({ key, name, parameter, gradient, slots: [m, v], step, learningRate: rate }) => {
      if (m === undefined || v === undefined) throw new Error('adam needs its two moments');
      const decay = decayOf(weightDecay, noDecay, { key, name });
      const settings = { beta1, beta2, epsilon, weightDecay: decay, decoupled };
      return adamUpdate(parameter, gradient, m, v, step, rate, settings);
    },
  };
}

/**
 * Adam (Kingma and Ba 2015); weight decay is added to the gradient.
 * @param options the learning rate, or all settings
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function adam(options: AdamOptions | number = {}): Optimizer {
  return make('adam', typeof options === 'number' ? { learningRate: options } : options, false);
}

/**
 * AdamW (Loshchilov and Hutter 2019): Adam whose weight decay acts on the parameter itself.
 * @param options the learning rate, or all settings; weightDecay is 0.01 by default
 */
export function adamW(options: AdamOptions | number = {}): Optimizer {
  return make('adamW', typeof options === 'number' ? { learningRate: options } : options, true);
}
