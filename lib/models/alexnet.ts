import { activation } from '../layers/activation.ts';
import { adaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import { sequential } from '../layers/sequential.ts';
import type { Network } from '../train/network.ts';
import {
  type DenseClassifierOptions,
  denseClassifier,
  denseClassifierOptionNames,
} from './denseClassifier.ts';
import { classifier } from './model.ts';

/**
 * AlexNet in one tower (Krizhevsky, "One weird trick for parallelizing convolutional neural networks",
 * 2014), for (3,224,224): convolutions of 64 filters 11x11 (stride 4), 192 of 5x5, 384, 256 and 256 of
 * 3x3, each with ReLU, max pooling 3x3 of stride 2 after the first, second and fifth; dense 4096, 4096
 * and 1000, dropout before the first two. 61,100,840 parameters, 714,188,480 multiply-adds.
 *
 * Layers and the names of parameters ('features.0.weight', 'classifier.6.bias') are torchvision's:
 * other than in the paper the fourth convolution has 256 filters, not 384, and average pooling to 6x6
 * before the dense layers takes images of other sizes.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image below 63x63
 */
export function alexnet(options: DenseClassifierOptions = {}): Network {
  const defaults = { classes: 1000, inputShape: [3, 224, 224] };
  return classifier('alexnet', options, defaults, denseClassifierOptionNames, (classes) => {
    const pool = maxPool2d({ kernelSize: 3, stride: 2 });
    const relu = activation('relu');
    const features = [
      ...[conv2d({ filters: 64, kernelSize: 11, stride: 4, padding: 2 }), relu, pool],
      ...[conv2d({ filters: 192, kernelSize: 5, padding: 2 }), relu, pool],
      ...[conv2d({ filters: 384, kernelSize: 3, padding: 1 }), relu],
      ...[conv2d({ filters: 256, kernelSize: 3, padding: 1 }), relu],
      ...[conv2d({ filters: 256, kernelSize: 3, padding: 1 }), relu, pool],
    ];
    return [
      sequential({ name: 'features', layers: features }),
      adaptiveAvgPool2d({ outputSize: 6, name: 'avgpool' }),
      flatten(),
      denseClassifier('alexnet', classes, options, { dropoutComes: 'before' }),
    ];
  });
}
