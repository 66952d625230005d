import type { Network } from '../train/network.ts';
import { normalizedConv2d } from './normalized.ts';
import { type ResnetOptions, resnet } from './resnet.ts';

/**
 * The residual network of 50 layers (He, Zhang, Ren, Sun, "Deep residual learning for image
 * recognition", 2016): as `resnet18`, with 3, 4, 6 and 3 blocks of a 1x1, a 3x3 and a 1x1
 * convolution, the last of four times the filters. The stride is in the 3x3 convolution, as
 * torchvision has it, not in the first 1x1 as in the paper. Ends in softmax. 25,557,032 parameters and
 * 4.09·10⁹ multiply-adds for (3,224,224).
 *
 * Parameters and states are named, shaped and drawn as torchvision's.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an input that does not fit
 */
export function resnet50(options: ResnetOptions = {}): Network {
  const design = {
    ...{ name: 'resnet50', blocks: [3, 4, 6, 3] as const, expansion: 4 },
    body: (width: number, stride: number) => [
      ...normalizedConv2d(width, { kernelSize: 1, names: ['conv1', 'bn1'] }),
      ...normalizedConv2d(width, { stride, names: ['conv2', 'bn2'] }),
      ...normalizedConv2d(4 * width, {
        ...{ kernelSize: 1, activation: 'linear', names: ['conv3', 'bn3'] },
      }),
    ],
  };
  return resnet(design, options);
}
