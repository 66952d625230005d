import { argumentError, checkOptions, within } from '../errors.ts';
import { activation } from '../layers/activation.ts';
import { avgPool2d } from '../layers/avgPool2d.ts';
import { conv2d } from '../layers/conv2d.ts';
import { dropout } from '../layers/dropout.ts';
import { globalAvgPool2d } from '../layers/globalAvgPool2d.ts';
import type { Layer, NameOption } from '../layers/layer.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import { sequential } from '../layers/sequential.ts';
import type { Network } from '../train/network.ts';
import { type ClassifierOptions, classifier } from './model.ts';

/** Settings of an mlpconv block. */
export interface MlpconvOptions extends NameOption {
  /** Of the convolution and of the two 1x1 convolutions after it. */
  filters: readonly [number, number, number];
  /** Of the convolution, which is padded to keep the size. */
  kernelSize: number;
}

/**
 * A convolution whose filters are small networks (Lin, Chen and Yan 2014): a convolution and two 1x1
 * ones, which mix the channels of a place, each with ReLU: (C,H,W) → (filters[2],H,W). Parameters:
 * '0.weight', '1.weight', '2.weight' and biases.
 * @throws ERR_ARGUMENT for an option that is none
 */
export function mlpconv(options: MlpconvOptions): Layer {
  checkOptions('mlpconv', options, ['filters', 'kernelSize', 'name']);
  const { filters, kernelSize, ...rest } = options;
  if (!Array.isArray(filters) || filters.length !== 3) {
    throw argumentError('mlpconv', 'three numbers of filters', filters);
  }
  return within('mlpconv', () =>
    sequential({
      ...rest,
      layers: [kernelSize, 1, 1].map((size, i) =>
        conv2d({
          ...{ filters: filters[i] as number, kernelSize: size },
          ...{ padding: 'same', activation: 'relu' },
        }),
      ),
    }),
  );
}

/** Settings of network-in-network. */
export interface NetworkInNetworkOptions extends ClassifierOptions {
  /** The rate of dropout; default 0.5. */
  dropout?: number;
}

/**
 * Network-in-network (Lin, Chen and Yan, "Network in network", 2014) for (3,32,32), as its authors
 * published it for CIFAR-10: three mlpconv blocks of (192,160,96), (192,192,192) and (192,192,classes)
 * filters, the first two 5x5, the last 3x3; max pooling and average pooling 3x3 of stride 2 between
 * them, with dropout; the means of the last maps are the classes' logits, with no dense layer. 966,986
 * parameters, 222,486,528 multiply-adds.
 *
 * Other than in the paper weights are drawn by He's rule.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image below 4x4
 */
export function networkInNetwork(options: NetworkInNetworkOptions = {}): Network {
  const defaults = { classes: 10, inputShape: [3, 32, 32] };
  return classifier('networkInNetwork', options, defaults, ['dropout'], (classes) => {
    const { dropout: rate = 0.5 } = options;
    const pooling = { kernelSize: 3, stride: 2, ceilMode: true };
    return [
      mlpconv({ filters: [192, 160, 96], kernelSize: 5 }),
      maxPool2d(pooling),
      dropout({ rate }),
      mlpconv({ filters: [192, 192, 192], kernelSize: 5 }),
      avgPool2d(pooling),
      dropout({ rate }),
      mlpconv({ filters: [192, 192, classes], kernelSize: 3 }),
      globalAvgPool2d(),
      activation('softmax'),
    ];
  });
}
