export { activation } from './activation.ts';
export type { Activation } from './activations.ts';
export { type Conv2dLayerOptions, conv2d } from './conv2d.ts';
export { type DenseOptions, dense } from './dense.ts';
export { flatten } from './flatten.ts';
export type {
  CommonOptions,
  Layer,
  LayerContext,
  LearnedOptions,
  NameOption,
  ParameterSpec,
} from './layer.ts';
export { maxPool2d } from './maxPool2d.ts';
export { type ResidualOptions, residual } from './residual.ts';
export { type SequentialLayerOptions, sequential } from './sequential.ts';
