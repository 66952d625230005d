export { type Lenet5Options, lenet5 } from './lenet5.ts';
export { mnist } from './mnist.ts';
export { type MobilenetV2Options, mobilenetV2 } from './mobilenetV2.ts';
export type { ClassifierOptions, ModelOptions } from './model.ts';
export type { ResnetOptions } from './resnet.ts';
export { resnet18 } from './resnet18.ts';
export { resnet50 } from './resnet50.ts';
