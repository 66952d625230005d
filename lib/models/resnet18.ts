import type { Network } from '../train/network.ts';
import { normalizedConv2d } from './normalized.ts';
import { type ResnetOptions, resnet } from './resnet.ts';

/**
 * The residual network of 18 layers (He, Zhang, Ren, Sun, "Deep residual learning for image
 * recognition", 2016): a stem, four stages of two blocks, global average pooling, dense. A block is
 * two 3x3 convolutions, each with batch normalization, and what goes by them; where the size changes
 * a 1x1 convolution of stride 2 fits what goes by. Ends in softmax. 11,689,512 parameters and 1.81·10⁹
 * multiply-adds for (3,224,224); 11,173,962 and 0.56·10⁹ for (3,32,32) with `stem: 'small'` and
 * `classes: 10`, the usual form for CIFAR.
 *
 * Parameters and states are named, shaped and drawn as torchvision's: 'layer1.0.conv1.weight',
 * 'bn1.running_mean', 'layer2.0.downsample.0.weight', 'fc.bias'.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an input that does not fit
 */
export function resnet18(options: ResnetOptions = {}): Network {
  const design = {
    ...{ name: 'resnet18', blocks: [2, 2, 2, 2] as const, expansion: 1 },
    body: (width: number, stride: number) => [
      ...normalizedConv2d(width, { stride, names: ['conv1', 'bn1'] }),
      ...normalizedConv2d(width, { activation: 'linear', names: ['conv2', 'bn2'] }),
    ],
  };
  return resnet(design, options);
}
