/**
 * Layers, of which `sequential` makes networks. Shapes of samples are without the batch: (C,H,W) for
 * images.
 * @module
 */
export { activation } from './activation.ts';
export type { Activation } from './activations.ts';
export { adaptiveAvgPool2d } from './adaptiveAvgPool2d.ts';
export { avgPool1d } from './avgPool1d.ts';
export { avgPool2d } from './avgPool2d.ts';
export { type BatchNormLayerOptions, batchNorm } from './batchNorm.ts';
export { type BranchesOptions, branches } from './branches.ts';
export { type Conv1dLayerOptions, conv1d } from './conv1d.ts';
export { type Conv2dLayerOptions, conv2d } from './conv2d.ts';
export { type ConvTranspose2dLayerOptions, convTranspose2d } from './convTranspose2d.ts';
export {
  type CustomContext,
  type CustomForward,
  type CustomLayer,
  type CustomLayerOptions,
  type CustomParameter,
  custom,
  type LayerSettings,
} from './custom.ts';
export { type DenseOptions, dense } from './dense.ts';
export { type DropoutLayerOptions, dropout } from './dropout.ts';
export { flatten } from './flatten.ts';
export { globalAvgPool1d } from './globalAvgPool1d.ts';
export { globalAvgPool2d } from './globalAvgPool2d.ts';
export { type GroupNormLayerOptions, groupNorm } from './groupNorm.ts';
export type {
  CommonOptions,
  Layer,
  LayerContext,
  LayerOptions,
  LearnedOptions,
  LeftOut,
  NameOption,
  ParameterSpec,
} from './layer.ts';
export { type LayerNormLayerOptions, layerNorm } from './layerNorm.ts';
export { type LocalResponseNormLayerOptions, localResponseNorm } from './localResponseNorm.ts';
export { type MaxoutLayerOptions, maxout } from './maxout.ts';
export { maxPool1d } from './maxPool1d.ts';
export { maxPool2d } from './maxPool2d.ts';
export { type NormalizationLayerOptions, normalization } from './normalization.ts';
export { type PadLayerOptions, pad } from './pad.ts';
export { type PreluOptions, prelu } from './prelu.ts';
export { type ResidualOptions, residual } from './residual.ts';
export { type SelectChannelsOptions, selectChannels } from './selectChannels.ts';
export { type SequentialLayerOptions, sequential } from './sequential.ts';
export { spatialDropout } from './spatialDropout.ts';
