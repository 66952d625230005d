/**
 * How parameters are drawn before the first step, for the option `initializer` of layers.
 * @module
 */
export type { Fan, Initializer, InitializerOptions } from './initializer.ts';
export { orthogonal } from './orthogonal.ts';
export { constant, normal, ones, truncatedNormal, uniform, zeros } from './plain.ts';
export {
  type FanMode,
  gain,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  lecunUniform,
  type ScaledOptions,
  scaledNormal,
} from './scaled.ts';
