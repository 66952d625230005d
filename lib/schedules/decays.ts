import { argumentError, checkNumber, checkOptions } from '../errors.ts';
import {
  done,
  neededSpan,
  placeIn,
  type Schedule,
  type SpanOptions,
  spanOf,
  type Unit,
  unitOf,
} from './schedule.ts';

/**
 * The same factor all the time.
 * @param options.factor 0 or more; default 1
 */
export function constant(options: { factor?: number } = {}): Schedule {
  checkOptions('constant', options, ['factor']);
  const factor = checkNumber('constant', 'factor', options.factor ?? 1);
  return { kind: 'constant', options: { factor }, factor: () => factor };
}

/** Settings of `step`. */
export interface StepScheduleOptions extends SpanOptions {
  /** Of the rate after each period; default 0.1. */
  factor?: number;
}

/**
 * factor^⌊t/period⌋: the rate falls after every period of `steps` or `epochs`, as PyTorch's StepLR.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function step(options: StepScheduleOptions): Schedule {
  checkOptions('step', options, ['steps', 'epochs', 'factor']);
  const { unit, length } = neededSpan('step', options);
  const factor = checkNumber('step', 'factor', options.factor ?? 0.1);
  return {
    kind: 'step',
    options: { [unit]: length, factor },
    factor: (moment) => factor ** Math.floor(done(moment, unit) / length),
  };
}

/** Points of the training, all in one of the units. */
export interface PointOptions {
  /** Counted from the start of training; in place of `epochs`. */
  steps?: readonly number[];
  /** Counted from the start of training; in place of `steps`. */
  epochs?: readonly number[];
}

/**
 * The points that `options` name.
 * @throws ERR_ARGUMENT unless they are numbers of 0 or more that rise, one at least
 */
export function pointsOf(where: string, options: PointOptions): { unit: Unit; points: number[] } {
  const unit = unitOf(where, options);
  const given: unknown = unit === null ? undefined : options[unit];
  if (unit === null || !Array.isArray(given) || given.length === 0) {
    throw argumentError(where, 'a list of numbers as steps or epochs', given);
  }
  const points = given.map((point: unknown, i) => {
    return checkNumber(where, `${unit}[${i}]`, point, i === 0 ? 0 : given[i - 1]);
  });
  const equal = points.find((point, i) => point === points[i - 1]);
  if (equal !== undefined) throw argumentError(where, `${unit} that rise`, given);
  return { unit, points };
}

/** Settings of `multiStep`. */
export interface MultiStepOptions extends PointOptions {
  /** Of the rate at each of the points; default 0.1. */
  factor?: number;
}

/**
 * factor^(points reached): the rate falls at each of `steps` or `epochs`, as PyTorch's MultiStepLR.
 * @throws ERR_ARGUMENT for a setting out of range, or points that do not rise
 */
export function multiStep(options: MultiStepOptions): Schedule {
  checkOptions('multiStep', options, ['steps', 'epochs', 'factor']);
  const { unit, points } = pointsOf('multiStep', options);
  const factor = checkNumber('multiStep', 'factor', options.factor ?? 0.1);
  return {
    kind: 'multiStep',
    options: { [unit]: points, factor },
    factor: (moment) => factor ** points.filter((point) => done(moment, unit) >= point).length,
  };
}

/** Settings of `exponential`. */
export interface ExponentialOptions extends SpanOptions {
  /** Of the rate after each period. */
  factor: number;
}

/**
 * factor^(t/period), falling with every step; as PyTorch's ExponentialLR where a period of `steps`
 * or `epochs` ends. Default: periods of one epoch.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function exponential(options: ExponentialOptions): Schedule {
  checkOptions('exponential', options, ['steps', 'epochs', 'factor']);
  const given = unitOf('exponential', options) === null ? { ...options, epochs: 1 } : options;
  const { unit, length } = neededSpan('exponential', given);
  const factor = checkNumber('exponential', 'factor', options.factor);
  return {
    kind: 'exponential',
    options: { [unit]: length, factor },
    factor: (moment) => factor ** (done(moment, unit) / length),
  };
}

/** Settings of what falls to `minimum` over `steps` or `epochs`, by default the whole training. */
export interface DecayScheduleOptions extends SpanOptions {
  /** The factor at the end and after it, below 1; default 0. */
  minimum?: number;
}

function decay(
  kind: string,
  given: DecayScheduleOptions,
  settings: Readonly<Record<string, number>>,
  shape: (left: number) => number,
): Schedule {
  const span = spanOf(kind, given);
  const minimum = checkNumber(kind, 'minimum', given.minimum ?? 0, 0, 1);
  return {
    kind,
    options: { ...(span.unit === null ? {} : { [span.unit]: span.length }), minimum, ...settings },
    factor(moment) {
      const { at, length } = placeIn(kind, moment, span);
      return minimum + (1 - minimum) * shape(at >= length ? 0 : 1 - at / length);
    },
  };
}

/** Settings of `polynomial`. */
export interface PolynomialOptions extends DecayScheduleOptions {
  /** Default 1: a line. */
  power?: number;
}

/**
 * minimum + (1 − minimum)·(1 − t/T)^power, T the length; as PyTorch's PolynomialLR.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function polynomial(options: PolynomialOptions = {}): Schedule {
  checkOptions('polynomial', options, ['steps', 'epochs', 'minimum', 'power']);
  const power = checkNumber('polynomial', 'power', options.power ?? 1);
  // 0 to the power of 0 is 1, which would be no end.
  const shape = (left: number): number => (left === 0 ? 0 : left ** power);
  return decay('polynomial', options, { power }, shape);
}

/**
 * minimum + (1 − minimum)·(1 + cos(πt/T))/2, T the length (Loshchilov and Hutter 2017); as PyTorch's
 * CosineAnnealingLR up to T, and the minimum after it.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function cosine(options: DecayScheduleOptions = {}): Schedule {
  checkOptions('cosine', options, ['steps', 'epochs', 'minimum']);
  return decay('cosine', options, {}, (left) => (1 - Math.cos(Math.PI * left)) / 2);
}
