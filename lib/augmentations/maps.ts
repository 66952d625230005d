import type { Interpolation } from '../ops/warpAffine.ts';
import type { Generator } from '../random.ts';
import type { Pair } from '../shape.ts';
import { type Augmentation, type Range, within } from './augmentation.ts';
import { cosineAndSine } from './elementary.ts';

/** A map of output pixels to places of the input, as `warpAffine` takes it. */
export type Matrix = readonly [number, number, number, number, number, number];

/** A change of where pixels are. */
export interface Geometry {
  readonly mode: Interpolation;
  /** What stands outside; null where no pixel is read from there. */
  readonly fill: number | null;
  /** The map of a sample (…, H, W). */
  matrix(random: Generator, H: number, W: number): Matrix;
}

const identity: Matrix = [1, 0, 0, 0, 1, 0];

function flip(probability: number, at: (H: number, W: number) => Matrix): Geometry {
  return {
    ...{ mode: 'nearest', fill: null },
    matrix: (random, H, W) => (random.uniform() < probability ? at(H, W) : identity),
  };
}

/** Of what draws the same amounts whether it is applied or not. */
function filled(
  { probability, fill }: { probability: number; fill: number },
  mode: Interpolation,
  matrix: Geometry['matrix'],
): Geometry {
  return {
    ...{ mode, fill },
    matrix(random, H, W) {
      const applied = random.uniform() < probability;
      const drawn = matrix(random, H, W);
      return applied ? drawn : identity;
    },
  };
}

/** y of an image moved by `down` and `right`: it reads that far up and to the left. */
function moved(down: number, right: number): Matrix {
  return [1, 0, 0 - down, 0, 1, 0 - right];
}

/** A whole number of the range, or any. */
function amount(range: Range, mode: Interpolation, random: Generator): number {
  if (mode === 'bilinear') return within(range, random);
  const low = Math.ceil(range[0]);
  return low + random.integer(Math.floor(range[1]) - low + 1);
}

/** Reads the place c + L·(p − c − t) for pixel p, c being the centre and L = [[a, b], [d, e]]. */
function aboutCentre(
  [a, b, d, e]: readonly [number, number, number, number],
  [down, right]: Pair,
  H: number,
  W: number,
): Matrix {
  const [h, w] = [(H - 1) / 2, (W - 1) / 2];
  const [row, column] = [h + down, w + right];
  return [a, b, h - (a * row + b * column), d, e, w - (d * row + e * column)];
}

interface AffineSettings {
  readonly degrees: Range;
  readonly translate: readonly [number, number];
  readonly scale: Range;
  readonly shear: Range;
}

/**
 * The inverse of: column + tan(shear)·row, times the scale, rotated. Both sides of a rotation
 * counter-clockwise in coordinates (row down, column right) are [[cos, −sin], [sin, cos]] and its
 * transpose.
 */
function affineMatrix(
  { degrees, translate, scale, shear }: AffineSettings,
  random: Generator,
  H: number,
  W: number,
): Matrix {
  const [c, s] = cosineAndSine(within(degrees, random));
  const right = W * translate[0] * (2 * random.uniform() - 1);
  const down = H * translate[1] * (2 * random.uniform() - 1);
  const size = within(scale, random);
  const [cosine, sine] = cosineAndSine(within(shear, random));
  const t = sine / cosine;
  const inverse = [c / size, s / size, (-t * c - s) / size, (c - t * s) / size] as const;
  return aboutCentre(inverse, [down, right], H, W);
}

type Options = Augmentation['options'];

const kinds: Readonly<Record<string, (options: Options) => Geometry>> = {
  flipHorizontal: ({ probability }) =>
    flip(probability as number, (_, W) => [1, 0, 0, 0, -1, W - 1]),
  flipVertical: ({ probability }) => flip(probability as number, (H) => [-1, 0, H - 1, 0, 1, 0]),
  padCrop(options) {
    const [rows, columns] = options.padding as Pair;
    return filled(options as never, 'nearest', (random) => {
      const down = random.integer(2 * rows + 1) - rows;
      return moved(down, random.integer(2 * columns + 1) - columns);
    });
  },
  shift(options) {
    const mode = options.interpolation as Interpolation;
    return filled(options as never, mode, (random) => {
      const right = amount(options.x as Range, mode, random);
      return moved(amount(options.y as Range, mode, random), right);
    });
  },
  rotate(options) {
    return filled(options as never, options.interpolation as Interpolation, (random, H, W) => {
      const [c, s] = cosineAndSine(within(options.degrees as Range, random));
      return aboutCentre([c, s, 0 - s, c], [0, 0], H, W);
    });
  },
  affine(options) {
    const settings = options as unknown as AffineSettings;
    return filled(options as never, options.interpolation as Interpolation, (random, H, W) =>
      affineMatrix(settings, random, H, W),
    );
  },
};

/** The geometry of an augmentation; null for one that moves nothing. */
export function geometryOf({ kind, options }: Augmentation): Geometry | null {
  return kinds[kind]?.(options) ?? null;
}

/** The map that reads by `second` what was read by `first`. */
export function product(first: Matrix, second: Matrix): Matrix {
  const [a, b, c, d, e, f] = first;
  const row = (m: number, n: number, k: number): readonly [number, number, number] => [
    m * second[0] + n * second[3],
    m * second[1] + n * second[4],
    m * second[2] + n * second[5] + k,
  ];
  return [...row(a, b, c), ...row(d, e, f)];
}

/** Whether two neighbours can be one map: what is outside must be the same for both. */
export function fitTogether(a: Geometry, b: Geometry): boolean {
  return a.fill === null || b.fill === null || a.fill === b.fill;
}
