import { checkBoolean, checkOptions, within } from '../errors.ts';
import { type Layer, type LearnedOptions, learnedOptionNames } from '../layers/layer.ts';
import { checkInteger } from '../shape.ts';
import { normalizedConv2d, normalizedResidual } from './normalized.ts';

/**
 * F of a bottleneck block: 1x1, 3x3 and 1x1 convolutions with batch normalization, ReLU after the
 * first two; torchvision's names.
 * @param groups of the 3x3 convolution
 */
export function bottleneck(width: number, filters: number, stride: number, groups = 1): Layer[] {
  return [
    ...normalizedConv2d(width, { kernelSize: 1, names: ['conv1', 'bn1'] }),
    ...normalizedConv2d(width, { stride, groups, names: ['conv2', 'bn2'] }),
    ...normalizedConv2d(filters, {
      ...{ kernelSize: 1, activation: 'linear', names: ['conv3', 'bn3'] },
    }),
  ];
}

/** Settings of a ResNeXt block. */
export interface ResnextBlockOptions extends LearnedOptions {
  /** Channels of the output. */
  filters: number;
  /** The paper's cardinality, default 32. */
  groups?: number;
  /** Channels of one group within the block, default 4. */
  groupWidth?: number;
  /** Of the 3x3 convolution; default 1. */
  stride?: number;
  /**
   * Whether a 1x1 convolution makes the input fit the output; default: where stride is not 1. True is
   * needed where the input has other than `filters` channels.
   */
  projection?: boolean;
}

/**
 * ResNeXt's block (Xie, Girshick, Dollár, Tu and He, "Aggregated residual transformations for deep
 * neural networks", 2017): as many equal ways through a bottleneck as there are groups, and what
 * passes them by, in the form of a grouped convolution: 1x1 to groups·groupWidth channels, 3x3 in
 * groups, 1x1 to `filters`, each with batch normalization. (C,H,W) → (filters,P,Q). Names of
 * parameters are torchvision's: 'conv1.weight', 'bn1.running_mean', 'downsample.0.weight'.
 *
 * ```ts
 * sn.models.resnextBlock({ filters: 256, projection: true }); // ResNeXt-50 32x4d, first block
 * ```
 * @throws ERR_ARGUMENT for an option that is none; the network throws ERR_SHAPE for an input of
 *   another number of channels without projection
 */
export function resnextBlock(options: ResnextBlockOptions): Layer {
  const where = 'resnextBlock';
  const own = ['filters', 'groups', 'groupWidth', 'stride', 'projection'] as const;
  checkOptions(where, options, [...own, ...learnedOptionNames]);
  const { filters, groups = 32, groupWidth = 4, stride = 1, ...others } = options;
  const { projection = stride !== 1, ...rest } = others;
  for (const [name, value] of Object.entries({ filters, groups, groupWidth, stride })) {
    checkInteger(where, name, value, 1);
  }
  checkBoolean(where, 'projection', projection);
  const body = bottleneck(groups * groupWidth, filters, stride, groups);
  return within(where, () => normalizedResidual(body, { filters, stride, projection }, rest));
}
