export { type Lenet5Options, lenet5 } from './lenet5.ts';
export { mnist } from './mnist.ts';
export type { ClassifierOptions, ModelOptions } from './model.ts';
