import { argumentError } from '../errors.ts';
import { globalAvgPool2d } from '../layers/globalAvgPool2d.ts';
import type { Layer } from '../layers/layer.ts';
import { maxPool2d } from '../layers/maxPool2d.ts';
import { sequential as chain } from '../layers/sequential.ts';
import { checkInteger } from '../shape.ts';
import type { Network } from '../train/network.ts';
import { type ClassifierOptions, classifier } from './model.ts';
import { normalizedConv2d, normalizedResidual, uniformDense } from './normalized.ts';

/** Settings of residual networks. */
export interface ResnetOptions extends ClassifierOptions {
  /**
   * The first layers. 'large', the default: 7x7 of stride 2, then max pooling 3x3 of stride 2; the
   * image shrinks by 32 in all. 'small', for images of about 32x32: 3x3 of stride 1 and no pooling;
   * it shrinks by 8, and inputShape is [3, 32, 32] by default.
   */
  stem?: 'large' | 'small';
  /** Filters of the first layer, doubled in each of the last three stages; default 64. */
  width?: number;
}

/** What residual networks differ in. */
interface ResnetDesign {
  /** The model's name, for messages. */
  readonly name: string;
  /** Blocks of each of the four stages. */
  readonly blocks: readonly [number, number, number, number];
  /** What a block's outputs are of its stage's width. */
  readonly expansion: number;
  /** F of a block. */
  body(width: number, stride: number): Layer[];
}

function block(design: ResnetDesign, width: number, stride: number, channels: number): Layer {
  const filters = design.expansion * width;
  const projection = stride !== 1 || channels !== filters;
  return normalizedResidual(design.body(width, stride), { filters, stride, projection });
}

/** The four stages, the first of stride 1 and the others of stride 2. */
function stages(design: ResnetDesign, width: number): Layer[] {
  let channels = width;
  return design.blocks.map((count, stage) => {
    const own = width * 2 ** stage;
    const layers = Array.from({ length: count }, (_, i): Layer => {
      const made = block(design, own, i === 0 && stage > 0 ? 2 : 1, channels);
      channels = design.expansion * own;
      return made;
    });
    return chain({ name: `layer${stage + 1}`, layers });
  });
}

/** The layers before the first stage. */
function stemLayers(stem: 'large' | 'small', width: number): Layer[] {
  const names = ['conv1', 'bn1'] as const;
  if (stem === 'small') return normalizedConv2d(width, { names });
  return [
    ...normalizedConv2d(width, { kernelSize: 7, stride: 2, names }),
    maxPool2d({ kernelSize: 3, stride: 2, padding: 1, name: 'maxpool' }),
  ];
}

/** The residual network of that design. Throws ERR_ARGUMENT for an option that is none. */
export function resnet(design: ResnetDesign, options: ResnetOptions): Network {
  const { name } = design;
  const size = options?.stem === 'small' ? 32 : 224;
  const defaults = { classes: 1000, inputShape: [3, size, size] };
  return classifier(name, options, defaults, ['stem', 'width'], (classes) => {
    const { stem = 'large', width = 64 } = options;
    if (stem !== 'large' && stem !== 'small') {
      throw argumentError(name, "stem to be 'large' or 'small'", stem);
    }
    checkInteger(name, 'width', width, 1);
    return [
      ...stemLayers(stem, width),
      ...stages(design, width),
      globalAvgPool2d({ name: 'avgpool' }),
      uniformDense(classes, 'fc'),
    ];
  });
}
