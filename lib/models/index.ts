/**
 * Whole networks by name, and blocks that they are made of, with initial parameters.
 * @module
 */
export { alexnet } from './alexnet.ts';
export { alexnetTwoTowers } from './alexnetTwoTowers.ts';
export type { DenseClassifierOptions } from './denseClassifier.ts';
export { type InceptionOptions, inception } from './inception.ts';
export { type Lenet5Options, lenet5 } from './lenet5.ts';
export { lenet5Connections, lenet5Original, partialConv2d } from './lenet5Original.ts';
export { mnist } from './mnist.ts';
export { type MobilenetV2Options, mobilenetV2 } from './mobilenetV2.ts';
export type { ClassifierOptions, ModelOptions } from './model.ts';
export {
  type MlpconvOptions,
  mlpconv,
  type NetworkInNetworkOptions,
  networkInNetwork,
} from './networkInNetwork.ts';
export type { ResnetOptions } from './resnet.ts';
export { resnet18 } from './resnet18.ts';
export { resnet50 } from './resnet50.ts';
export { type ResnextBlockOptions, resnextBlock } from './resnextBlock.ts';
export { type VggOptions, vgg16 } from './vgg16.ts';
