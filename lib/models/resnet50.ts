import type { Network } from '../train/network.ts';
import { type ResnetOptions, resnet } from './resnet.ts';
import { bottleneck } from './resnextBlock.ts';

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
    body: (width: number, stride: number) => bottleneck(width, 4 * width, stride),
  };
  return resnet(design, options);
}
