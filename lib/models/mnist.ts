import { conv2d } from '../layers/conv2d.ts';
import { dense } from '../layers/dense.ts';
import { flatten } from '../layers/flatten.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import type { TieRule } from '../ops/maxPool2d.ts';
import type { Network } from '../train/network.ts';
import { type ClassifierOptions, classifier } from './model.ts';

/**
 * A small network for (1,28,28): 32 filters of 3x3, ReLU; max pooling 2x2; dense 100, ReLU; dense 10,
 * softmax. 542,230 parameters, 736,488 multiply-adds.
 *
 * @param options.ties what a tie in pooling does to the gradient; default 'first'
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image below 4x4
 */
export function mnist(options: ClassifierOptions & { ties?: TieRule } = {}): Network {
  const defaults = { classes: 10, inputShape: [1, 28, 28] };
  return classifier('mnist', options, defaults, ['ties'], (classes) => [
    conv2d({ filters: 32, kernelSize: 3, activation: 'relu' }),
    maxPool2d({ kernelSize: 2, ties: options.ties ?? 'first' }),
    flatten(),
    dense({ units: 100, activation: 'relu' }),
    dense({ units: classes, activation: 'softmax' }),
  ]);
}
