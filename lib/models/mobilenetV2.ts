import { argumentError } from '../errors.ts';
import { normal, zeros } from '../initializers/index.ts';
import { dense } from '../layers/dense.ts';
import { dropout } from '../layers/dropout.ts';
import { globalAvgPool2d } from '../layers/globalAvgPool2d.ts';
import type { Layer } from '../layers/layer.ts';
import { residual } from '../layers/residual.ts';
import { sequential as chain } from '../layers/sequential.ts';
import type { Network } from '../train/network.ts';
import { type ClassifierOptions, classifier } from './model.ts';
import { normalizedConv2d } from './normalized.ts';

/** Settings of MobileNetV2. */
export interface MobilenetV2Options extends ClassifierOptions {
  /** Factor of the channels of every layer, rounded to multiples of 8; default 1. */
  widthMultiplier?: number;
  /** The share of values dropped before the dense layer; default 0.2. */
  dropout?: number;
}

/** Expansion, outputs, blocks and first stride of each stage: table 2 of the paper. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The nearest multiple of 8, but not less than 8, nor than 0.9 of what was asked for. */
function roundedChannels(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

/** 1x1 to more channels, 3x3 of each channel on its own, 1x1 to few channels, without activation. */
function invertedResidual(
  channels: number,
  outputs: number,
  expansion: number,
  stride: number,
): Layer {
  const inside = expansion * channels;
  const activation = 'relu6';
  const wider = chain({ layers: normalizedConv2d(inside, { kernelSize: 1, activation }) });
  const depthwise = normalizedConv2d(inside, { stride, groups: inside, activation });
  const body = chain({
    name: 'conv',
    layers: [
      ...(expansion === 1 ? [] : [wider]),
      chain({ layers: depthwise }),
      ...normalizedConv2d(outputs, { kernelSize: 1, activation: 'linear' }),
    ],
  });
  const adds = stride === 1 && channels === outputs;
  return adds ? residual({ layers: [body], bodyName: null }) : chain({ layers: [body] });
}

function features(multiplier: number): Layer {
  const activation = 'relu6';
  let channels = roundedChannels(32 * multiplier);
  const layers = [chain({ layers: normalizedConv2d(channels, { stride: 2, activation }) })];
  for (const [expansion, outputs, count, stride] of stages) {
    for (let i = 0; i < count; i++) {
      const next = roundedChannels(outputs * multiplier);
      layers.push(invertedResidual(channels, next, expansion, i === 0 ? stride : 1));
      channels = next;
    }
  }
  const last = roundedChannels(1280 * Math.max(1, multiplier));
  layers.push(chain({ layers: normalizedConv2d(last, { kernelSize: 1, activation }) }));
  return chain({ name: 'features', layers });
}

/**
 * MobileNetV2 (Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: inverted residuals and linear
 * bottlenecks", 2018): 17 blocks that widen by 6 with a 1x1 convolution, convolve every channel
 * with a 3x3 filter of its own, and narrow by a 1x1 convolution; ReLU6; what goes by a block is
 * narrow. Ends in softmax. 3,504,872 parameters and 0.30·10⁹ multiply-adds for (3,224,224).
 *
 * Parameters and states are named, shaped and drawn as torchvision's:
 * 'features.1.conv.0.0.weight', 'features.18.1.running_var', 'classifier.1.bias'.
 *
 * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE for an input that does not fit
 */
export function mobilenetV2(options: MobilenetV2Options = {}): Network {
  const name = 'mobilenetV2';
  const defaults = { classes: 1000, inputShape: [3, 224, 224] };
  return classifier(name, options, defaults, ['widthMultiplier', 'dropout'], (classes) => {
    const { widthMultiplier = 1, dropout: rate = 0.2 } = options;
    if (!(widthMultiplier > 0 && Number.isFinite(widthMultiplier))) {
      throw argumentError(name, 'widthMultiplier to be a positive number', widthMultiplier);
    }
    const initializer = normal({ deviation: 0.01 });
    const head = [
      dropout({ rate }),
      dense({ units: classes, activation: 'softmax', initializer, biasInitializer: zeros() }),
    ];
    return [
      features(widthMultiplier),
      globalAvgPool2d({ name: 'avgpool' }),
      chain({ name: 'classifier', layers: head }),
    ];
  });
}
