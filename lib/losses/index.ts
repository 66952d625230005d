/**
 * What training minimises, for the option `loss` of `fit`: means over the samples of a batch.
 * @module
 */
export type { FinalActivation } from '../ops/loss.ts';
export {
  absoluteError,
  binaryCrossEntropy,
  type HuberLossOptions,
  huber,
  squaredError,
} from './elementwise.ts';
export type { Counter, Loss, SampleOutput } from './loss.ts';
export { type CrossEntropyOptions, softmaxCrossEntropy } from './softmaxCrossEntropy.ts';
