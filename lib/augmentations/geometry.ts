import { argumentError, checkNumber, checkOptions } from '../errors.ts';
import type { Interpolation } from '../ops/warpAffine.ts';
import { checkPair, type Pair } from '../shape.ts';
import {
  type Augmentation,
  checkFinite,
  checkProbability,
  checkRange,
  type Range,
} from './augmentation.ts';

/** Settings of flipHorizontal and flipVertical. */
export interface FlipOptions {
  /** From 0 to 1; default 0.5. */
  probability?: number;
}

/** Settings of what may read outside of images. */
export interface FillOptions {
  /** From 0 to 1; default 1. */
  probability?: number;
  /** What stands outside of an image, in the units that the network gets; default 0. */
  fill?: number;
}

/** Settings of padCrop. */
export interface PadCropOptions extends FillOptions {
  /** Pixels on each side; [rows, columns]. */
  padding: number | Pair;
}

/** Settings of shift. */
export interface ShiftOptions extends FillOptions {
  /** Columns to the right, a range or as far to the left; default 0. */
  x?: number | Range;
  /** Rows down, a range or as far up; default 0. */
  y?: number | Range;
  /** 'nearest', the default, shifts by whole pixels, 'bilinear' by any numbers. */
  interpolation?: Interpolation;
}

/** Settings of rotate. */
export interface RotateOptions extends FillOptions {
  /** Counter-clockwise: a range, or as far either way. */
  degrees: number | Range;
  /** Default 'bilinear'. */
  interpolation?: Interpolation;
}

/** Settings of affine. */
export interface AffineOptions extends FillOptions {
  /** Rotation counter-clockwise: a range, or as far either way; default 0. */
  degrees?: number | Range;
  /** The largest shift as part of the image's width and height, [x, y]; default 0. */
  translate?: number | Pair;
  /** Size of what is shown, a range above 0; default [1, 1]. */
  scale?: Range;
  /** Shear along the rows in degrees, below 90: a range, or as far either way; default 0. */
  shear?: number | Range;
  /** Default 'bilinear'. */
  interpolation?: Interpolation;
}

/** Pixels of a shift: what whole numbers can be drawn from, and more than an image has. */
const mostPixels = 2 ** 30;

function checkInterpolation(where: string, value: unknown): Interpolation {
  if (value === 'nearest' || value === 'bilinear') return value;
  throw argumentError(where, "interpolation to be 'nearest' or 'bilinear'", value);
}

function fillOptions(where: string, { probability, fill = 0 }: FillOptions) {
  return {
    probability: checkProbability(where, probability, 1),
    fill: checkFinite(where, 'fill', fill),
  };
}

/**
 * Images mirrored left to right, with a probability.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function flipHorizontal(options: FlipOptions = {}): Augmentation {
  checkOptions('flipHorizontal', options, ['probability']);
  const probability = checkProbability('flipHorizontal', options.probability, 0.5);
  return { kind: 'flipHorizontal', options: { probability } };
}

/**
 * Images mirrored top to bottom, with a probability.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function flipVertical(options: FlipOptions = {}): Augmentation {
  checkOptions('flipVertical', options, ['probability']);
  const probability = checkProbability('flipVertical', options.probability, 0.5);
  return { kind: 'flipVertical', options: { probability } };
}

/**
 * Images padded on each side, and a part of their own size at a random place of that: shifts by
 * whole pixels, each of −padding … padding alike along both axes.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function padCrop(options: PadCropOptions): Augmentation {
  checkOptions('padCrop', options, ['padding', 'probability', 'fill']);
  const padding = checkPair('padCrop', 'padding', options.padding, 0);
  return { kind: 'padCrop', options: { padding, ...fillOptions('padCrop', options) } };
}

/**
 * Images shifted by `x` columns and `y` rows, uniform in their ranges; by whole pixels unless the
 * interpolation is 'bilinear' (of a range that is not whole, those within it).
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function shift(options: ShiftOptions): Augmentation {
  checkOptions('shift', options, ['x', 'y', 'interpolation', 'probability', 'fill']);
  const { x = 0, y = 0 } = options;
  const interpolation = checkInterpolation('shift', options.interpolation ?? 'nearest');
  const ranges = { x: checkRange('shift', 'x', x, 0), y: checkRange('shift', 'y', y, 0) };
  for (const [name, [low, high]] of Object.entries(ranges)) {
    if (Math.max(-low, high) > mostPixels) {
      throw argumentError('shift', `${name} to be at most ${mostPixels} pixels either way`, [
        low,
        high,
      ]);
    }
    if (interpolation === 'nearest' && Math.ceil(low) > Math.floor(high)) {
      throw argumentError('shift', `${name} to hold a whole number`, [low, high]);
    }
  }
  return { kind: 'shift', options: { ...ranges, interpolation, ...fillOptions('shift', options) } };
}

/**
 * Images rotated about their centre by an angle uniform in a range.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function rotate(options: RotateOptions): Augmentation {
  checkOptions('rotate', options, ['degrees', 'interpolation', 'probability', 'fill']);
  const degrees = checkRange('rotate', 'degrees', options.degrees, 0);
  const interpolation = checkInterpolation('rotate', options.interpolation ?? 'bilinear');
  const rest = fillOptions('rotate', options);
  return { kind: 'rotate', options: { degrees, interpolation, ...rest } };
}

/**
 * Images sheared and scaled, then rotated, about their centre, then shifted; each by an amount
 * uniform in its range.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function affine(options: AffineOptions): Augmentation {
  const known = ['degrees', 'translate', 'scale', 'shear', 'interpolation', 'probability', 'fill'];
  checkOptions('affine', options, known);
  const { degrees = 0, translate = 0, scale = [1, 1], shear = 0 } = options;
  const shifts: unknown[] = Array.isArray(translate) ? translate : [translate, translate];
  if (shifts.length !== 2) throw argumentError('affine', 'translate to be [x, y]', translate);
  const sizes = checkRange('affine', 'scale', Array.isArray(scale) ? scale : null, 1);
  const angles = checkRange('affine', 'shear', shear, 0);
  if (sizes[0] <= 0) throw argumentError('affine', 'scale to be above 0', scale);
  if (Math.max(-angles[0], angles[1]) >= 90) {
    throw argumentError('affine', 'shear to be below 90 degrees either way', shear);
  }
  return {
    kind: 'affine',
    options: {
      degrees: checkRange('affine', 'degrees', degrees, 0),
      translate: shifts.map((part) => checkNumber('affine', 'translate', part)),
      ...{ scale: sizes, shear: angles },
      interpolation: checkInterpolation('affine', options.interpolation ?? 'bilinear'),
      ...fillOptions('affine', options),
    },
  };
}
