import { argumentError } from '../errors.ts';
import { lecunNormal } from '../initializers/index.ts';
import type { Activation } from '../layers/activations.ts';
import { avgPool2d } from '../layers/avgPool2d.ts';
import { conv2d } from '../layers/conv2d.ts';
import { dense } from '../layers/dense.ts';
import { flatten } from '../layers/flatten.ts';
import type { CommonOptions, Layer } from '../layers/layer.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import type { Network } from '../train/network.ts';
import { type ClassifierOptions, classifier } from './model.ts';

/** Settings of LeNet-5. */
export interface Lenet5Options extends ClassifierOptions {
  /** After every convolution and hidden dense layer; default 'tanh'. */
  activation?: Activation;
  /** How 2x2 cells become one; default 'average'. */
  pooling?: 'average' | 'max';
}

const pools = { average: avgPool2d, max: maxPool2d };

/** The network `name` of LeNet-5's layers; `third` makes C3 of 16 maps. */
export function lenet(
  name: string,
  options: Lenet5Options,
  third: (settings: CommonOptions) => Layer,
): Network {
  const defaults = { classes: 10, inputShape: [1, 28, 28] };
  return classifier(name, options, defaults, ['activation', 'pooling'], (classes) => {
    const { activation = 'tanh', pooling = 'average' } = options;
    if (!Object.hasOwn(pools, pooling)) {
      throw argumentError(name, "pooling to be 'average' or 'max'", pooling);
    }
    const hidden = { activation, initializer: lecunNormal() };
    const pool = pools[pooling];
    return [
      conv2d({ filters: 6, kernelSize: 5, padding: 2, ...hidden }),
      pool({ kernelSize: 2 }),
      third(hidden),
      pool({ kernelSize: 2 }),
      flatten(),
      dense({ units: 120, ...hidden }),
      dense({ units: 84, ...hidden }),
      dense({ units: classes, activation: 'softmax', initializer: lecunNormal() }),
    ];
  });
}

/**
 * LeNet-5 as it is taught today (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied
 * to document recognition", 1998), for (1,28,28): convolution of 6 filters 5x5, pooling 2x2,
 * convolution of 16 filters 5x5, pooling, dense 120, 84 and 10. 61,706 parameters, 416,520
 * multiply-adds.
 *
 * Other than in the paper every map of C3 sees all six maps before it (see `lenet5Original`), pooling
 * has no coefficients, activations are tanh without scale, softmax takes the place of radial basis
 * functions, and 28x28 images are padded by 2 in the first layer instead of beforehand.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an image below 12x12
 */
export function lenet5(options: Lenet5Options = {}): Network {
  return lenet('lenet5', options, (settings) =>
    conv2d({ filters: 16, kernelSize: 5, ...settings }),
  );
}
