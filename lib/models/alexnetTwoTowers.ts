import { constant, normal } from '../initializers/index.ts';
import { type Conv2dLayerOptions, conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import type { Layer } from '../layers/layer.ts';
import { localResponseNorm } from '../layers/localResponseNorm.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import { sequential } from '../layers/sequential.ts';
import type { Network } from '../train/network.ts';
import {
  type DenseClassifierOptions,
  denseClassifier,
  denseClassifierOptionNames,
} from './denseClassifier.ts';
import { classifier } from './model.ts';

/** A convolution with ReLU and the paper's first weights. */
function convolution(bias: 0 | 1, options: Conv2dLayerOptions): Layer {
  return conv2d({
    ...options,
    activation: 'relu',
    initializer: normal({ deviation: 0.01 }),
    biasInitializer: constant(bias),
  });
}

/**
 * AlexNet in two towers (Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep
 * convolutional neural networks", 2012), for (3,224,224): convolutions of 96 filters 11x11 (stride 4),
 * 256 of 5x5, 384, 384 and 256 of 3x3, each with ReLU. The second, fourth and fifth see only the half
 * of the maps that is in their tower (`groups: 2`). Local response normalization after the first and
 * second, over 5 maps with k = 2, α = 1e-4 and β = 0.75; then, and after the fifth, max pooling 3x3 of
 * stride 2; dense 4096, 4096 and 1000, dropout before the third and second last. Weights of N(0, 0.01²)
 * with the paper's biases of 1. 60,965,224 parameters.
 *
 * Other than in the paper, images of 224x224 are padded by 2, which makes its maps of 55x55, the
 * normalization of the maps at the border of the towers sees both, and dropout scales what it keeps
 * in training, not in inference.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image below 63x63
 */
export function alexnetTwoTowers(options: DenseClassifierOptions = {}): Network {
  const name = 'alexnetTwoTowers';
  const defaults = { classes: 1000, inputShape: [3, 224, 224] };
  return classifier(name, options, defaults, denseClassifierOptionNames, (classes) => {
    const pool = maxPool2d({ kernelSize: 3, stride: 2 });
    // The paper's α multiplies the sum of the window, the layer's its mean.
    const normalize = localResponseNorm({ size: 5, k: 2, alpha: 5e-4, beta: 0.75 });
    const features = [
      ...[convolution(0, { filters: 96, kernelSize: 11, stride: 4, padding: 2 }), normalize, pool],
      convolution(1, { filters: 256, kernelSize: 5, padding: 2, groups: 2 }),
      ...[normalize, pool],
      convolution(0, { filters: 384, kernelSize: 3, padding: 1 }),
      convolution(1, { filters: 384, kernelSize: 3, padding: 1, groups: 2 }),
      ...[convolution(1, { filters: 256, kernelSize: 3, padding: 1, groups: 2 }), pool],
    ];
    const how = { dropoutComes: 'before', biasInitializer: constant(1) } as const;
    return [
      sequential({ name: 'features', layers: features }),
      flatten(),
      denseClassifier(name, classes, options, how),
    ];
  });
}
