import { conv2d } from '../layers/conv2d.ts';
import { dense } from '../layers/dense.ts';
import { flatten } from '../layers/flatten.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import type { TieRule } from '../ops/maxPool2d.ts';
import { type Network, sequential } from '../train/network.ts';
import type { ModelOptions } from './model.ts';

/**
 * A small network for 28x28 digits: 32 filters of 3x3, ReLU; max pooling 2x2; dense 100, ReLU;
 * dense 10, softmax. 542,230 parameters.
 *
 * @param options.ties what a tie in pooling does to the gradient; default 'first'
 */
export function mnist(options: ModelOptions & { ties?: TieRule } = {}): Network {
  const { ties = 'first', ...rest } = options;
  return sequential({
    ...rest,
    inputShape: [1, 28, 28],
    layers: [
      conv2d({ filters: 32, kernelSize: 3, activation: 'relu' }),
      maxPool2d({ kernelSize: 2, ties }),
      flatten(),
      dense({ units: 100, activation: 'relu' }),
      dense({ units: 10, activation: 'softmax' }),
    ],
  });
}
