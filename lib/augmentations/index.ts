/**
 * Random changes of samples in training, for the option `augmentation` of `fit`; drawn anew for each sample
 * and epoch from the seed of the fit.
 * @module
 */
export { type ApplyOptions, apply } from './apply.ts';
export type { Augmentation, Range } from './augmentation.ts';
export { type AmountOptions, brightness, contrast } from './colour.ts';
export { type CutoutOptions, cutout } from './cutout.ts';
export {
  type AffineOptions,
  affine,
  type FillOptions,
  type FlipOptions,
  flipHorizontal,
  flipVertical,
  type PadCropOptions,
  padCrop,
  type RotateOptions,
  rotate,
  type ShiftOptions,
  shift,
} from './geometry.ts';
export { type MixupOptions, mixup } from './mixup.ts';
