import { activation } from '../layers/activation.ts';
import { adaptiveAvgPool2d } from '../layers/adaptiveAvgPool2d.ts';
import { conv2d } from '../layers/conv2d.ts';
import { flatten } from '../layers/flatten.ts';
import type { Layer } from '../layers/layer.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import { sequential } from '../layers/sequential.ts';
import { checkInteger } from '../shape.ts';
import type { Network } from '../train/network.ts';
import {
  type DenseClassifierOptions,
  denseClassifier,
  denseClassifierOptionNames,
} from './denseClassifier.ts';
import { classifier } from './model.ts';

/** Settings of VGG. */
export interface VggOptions extends DenseClassifierOptions {
  /** Filters of the first stage; the others have twice, four, eight and eight times as many; default 64. */
  width?: number;
}

/** Filters, of the first stage's, and number of the convolutions between two poolings. */
const stages = [
  [1, 2],
  [2, 2],
  [4, 3],
  [8, 3],
  [8, 3],
] as const;

/**
 * VGG-16 (Simonyan and Zisserman, "Very deep convolutional networks for large-scale image
 * recognition", 2015, configuration D), for (3,224,224): thirteen convolutions 3x3 with ReLU in five
 * stages, each ended by max pooling 2x2; dense 4096, 4096 and 1000, dropout after the first two.
 * 138,357,544 parameters, 15,470,264,320 multiply-adds.
 *
 * Layers and the names of parameters ('features.0.weight', 'classifier.6.bias') are torchvision's:
 * other than in the paper average pooling to 7x7 before the dense layers takes images of other sizes,
 * and deep weights are drawn by He's rule instead of taken from a shallower network.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image below 32x32
 */
export function vgg16(options: VggOptions = {}): Network {
  const defaults = { classes: 1000, inputShape: [3, 224, 224] };
  const own = ['width', ...denseClassifierOptionNames] as const;
  return classifier('vgg16', options, defaults, own, (classes) => {
    const width = checkInteger('vgg16', 'width', options.width ?? 64, 1);
    const convolution = (filters: number): Layer[] => [
      conv2d({ filters, kernelSize: 3, padding: 1 }),
      activation('relu'),
    ];
    const features = stages.flatMap(([multiple, count]) => [
      ...Array.from({ length: count }, () => convolution(multiple * width)).flat(),
      maxPool2d({ kernelSize: 2 }),
    ]);
    return [
      sequential({ name: 'features', layers: features }),
      adaptiveAvgPool2d({ outputSize: 7, name: 'avgpool' }),
      flatten(),
      denseClassifier('vgg16', classes, options, { dropoutComes: 'after' }),
    ];
  });
}
