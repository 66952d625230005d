import { StridenetError } from '../../lib/errors.ts';
import type { PaddingOption, Pair } from '../../lib/shape.ts';
import type { AvgPoolingShape } from '../cases/avgPool2d.ts';
import type { Case } from '../cases/case.ts';
import type { ConvolutionShape } from '../cases/conv2d.ts';
import type { MaxPoolingShape } from '../cases/maxPool2d.ts';
import { Random } from './random.ts';

/** Multiply-adds, or cells of all windows, above which a shape is drawn again. */
const most = 12_000;

/** What `draw` makes of the first stream of numbers for `seed` for which it makes anything. */
function untilItFits<T>(seed: number, draw: (random: Random) => T | null): T {
  for (let attempt = 0; ; attempt++) {
    const drawn = draw(new Random(seed * 65_537 + attempt));
    if (drawn !== null) return drawn;
  }
}

/** Cases of a shape, or null when it does not exist. */
export function casesOrNull<S>(shape: S, cases: (shape: S) => Case[]): Case[] | null {
  try {
    return cases(shape);
  } catch (error) {
    if (error instanceof StridenetError && error.code === 'ERR_SHAPE') return null;
    throw error;
  }
}

function padding(random: Random, limit: Pair): PaddingOption {
  const side = (axis: 0 | 1) => random.pick([0, 0, 1, random.integer(0, limit[axis])]);
  return [
    [side(0), side(0)],
    [side(1), side(1)],
  ];
}

/** Channels and filters of a kind of convolution. */
function widths(random: Random): { groups: number; c: number; k: number } {
  const few = () => random.pick([1, 2, 3, 4, 5, 8, random.integer(1, 18)]);
  const groups = random.pick([1, 1, 1, 2, 3, 4, random.integer(2, 20)]);
  switch (random.integer(0, 3)) {
    case 0: // depthwise, sometimes several filters a channel, around the widths of vectors
      return depthwise(random);
    case 1:
      return { groups, c: groups * few(), k: groups * few() };
    case 2: // many groups of few channels
      return { groups: 2 * groups, c: 4 * groups, k: 2 * groups * random.integer(1, 4) };
    default:
      return { groups: 1, c: few(), k: random.pick([few(), random.integer(1, 70)]) };
  }
}

function depthwise(random: Random): { groups: number; c: number; k: number } {
  const groups = random.pick([random.integer(1, 9), random.integer(1, 70)]);
  return { groups, c: groups, k: groups * random.pick([1, 1, 1, 2, 3]) };
}

/**
 * A convolution of any kind: 1-D, depthwise, grouped, pointwise; strides above the filter, padding
 * above the filter and unequal, dilation, true convolution.
 */
export function drawConvolution(seed: number): ConvolutionShape {
  return untilItFits(seed, (random) => {
    const { groups, c, k } = widths(random);
    const flat = random.next() < 0.2;
    const size = () => random.pick([random.integer(1, 6), random.integer(1, 12)]);
    const [h, w] = [flat ? 1 : size(), flat ? random.integer(1, 40) : size()];
    const tap = () => random.pick([1, 1, 2, 3, 3, 4, 5]);
    const [r, s] = [flat ? 1 : tap(), tap()];
    const step = () => random.pick([1, 1, 1, 2, 2, 3, 4, 7]);
    const n = random.pick([1, 1, 2, 3]);
    const shape: ConvolutionShape = {
      x: [n, c, h, w],
      filters: [k, r, s],
      options: {
        stride: [step(), step()],
        padding: random.pick([
          'valid',
          'same',
          'full',
          padding(random, [r + 2, s + 2]),
          padding(random, [r, s]),
        ] as const),
        dilation: [random.pick([1, 1, 1, 2, 3]), random.pick([1, 1, 1, 2, 3])],
        groups,
        flipKernel: random.next() < 0.3,
      },
      bias: random.next() < 0.5,
      seed,
    };
    const products = n * k * (c / groups) * r * s * (h + r) * (w + s);
    return products > 8 * most ? null : shape;
  });
}

function drawImages(random: Random): readonly [number, number, number, number] {
  const size = () => random.pick([random.integer(1, 7), random.integer(1, 14)]);
  const channels = random.pick([1, 2, 3, random.integer(1, 40), random.integer(1, 70)]);
  return [random.pick([1, 1, 2, 3]), channels, size(), size()];
}

function drawWindows(random: Random, dilation: Pair) {
  const kernelSize = [random.integer(1, 5), random.integer(1, 5)] as const;
  const half = (axis: 0 | 1) => Math.floor((dilation[axis] * (kernelSize[axis] - 1) + 1) / 2);
  const step = () => random.pick([1, 1, 2, 2, 3, 5]);
  return {
    kernelSize,
    stride: [step(), step()] as const,
    padding: padding(random, [half(0), half(1)]),
    ceilMode: random.next() < 0.5,
  };
}

function drawn<S extends MaxPoolingShape | AvgPoolingShape>(shape: S): S | null {
  const [n, c, h, w] = shape.x;
  return n * c * h * w > most / 2 ? null : shape;
}

/** Max pooling with any tie rule. */
export function drawMaxPooling(seed: number): MaxPoolingShape {
  return untilItFits(seed, (random) => {
    const dilation = [random.pick([1, 1, 2]), random.pick([1, 1, 3])] as const;
    const ties = random.pick(['first', 'all', 'split'] as const);
    const options = { ...drawWindows(random, dilation), dilation, ties };
    return drawn({ x: drawImages(random), options, seed });
  });
}

/** Average pooling, fixed or adaptive. */
export function drawAvgPooling(seed: number): AvgPoolingShape {
  return untilItFits<AvgPoolingShape>(seed, (random) => {
    const x = drawImages(random);
    if (random.next() < 0.4) {
      const outputSize = [random.integer(1, 9), random.integer(1, 9)] as const;
      return drawn({ x, options: { outputSize }, seed });
    }
    const countIncludePad = random.next() < 0.5;
    return drawn({ x, options: { ...drawWindows(random, [1, 1]), countIncludePad }, seed });
  });
}
