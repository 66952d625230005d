/**
 * Rules that turn gradients into new parameters, for the option `optimizer` of `fit`.
 * @module
 */
export { type AdagradOptions, adagrad } from './adagrad.ts';
export { type AdamOptions, adam, adamW } from './adam.ts';
export type { Optimizer, UpdateCall } from './optimizer.ts';
export { type RmspropOptions, rmsprop } from './rmsprop.ts';
export { type SgdOptions, sgd } from './sgd.ts';
