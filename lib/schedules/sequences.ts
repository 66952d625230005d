import {
  argumentError,
  checkBoolean,
  checkNumber,
  checkOptions,
  StridenetError,
} from '../errors.ts';
import { constant, type PointOptions, pointsOf } from './decays.ts';
import {
  done,
  type Moment,
  neededSpan,
  placeIn,
  type Schedule,
  type Span,
  type SpanOptions,
  spanOf,
  type Unit,
} from './schedule.ts';

/** `schedule` if it is one; else throws ERR_ARGUMENT. */
export function checkSchedule(where: string, name: string, schedule: unknown): Schedule {
  const { factor, initial, observe } = (schedule ?? {}) as Partial<Schedule>;
  const whole = (initial === undefined) === (observe === undefined);
  if (typeof factor === 'function' && whole) return schedule as Schedule;
  throw argumentError(where, `${name} to be one of sn.schedules`, schedule);
}

/** Schedules that may follow each other. */
const maxSequence = 64;

/** Throws ERR_ARGUMENT for a schedule that is followed by too many others, one after the other. */
function checkSequence(where: string, first: Schedule): void {
  let length = 0;
  for (let each: unknown = first; each; each = (each as Partial<Schedule>).options?.next) {
    if (++length <= maxSequence) continue;
    const message = `more than ${maxSequence} schedules follow each other`;
    throw new StridenetError('ERR_ARGUMENT', `[${where}] ${message}`);
  }
}

/** Settings of `warmUp`: how long it takes, in `steps` or `epochs`. */
export interface WarmUpOptions extends SpanOptions {
  /** The factor of the first step, below 1; default 1/3. */
  from?: number;
  /** What follows, from its own beginning, over what is left of the training; default constant(). */
  next?: Schedule;
}

/** The moment as it is without the span before it. */
function after(moment: Moment, { unit, length }: Span & { unit: Unit }): Moment {
  const { stepsPerEpoch: per } = moment;
  const inSteps = unit === 'steps' ? length : per === null ? null : length * per;
  const inEpochs = unit === 'epochs' ? length : per === null ? null : length / per;
  const less = (whole: number | null, part: number | null): number | null =>
    whole === null || part === null ? null : Math.max(0, whole - part);
  const step = less(moment.step, inSteps) ?? Number.NaN;
  return {
    step,
    // From whole numbers, so that an epoch's end is not missed by rounding.
    epoch: per === null ? (less(moment.epoch, inEpochs) ?? Number.NaN) : step / per,
    steps: less(moment.steps, inSteps),
    epochs: less(moment.epochs, inEpochs),
    stepsPerEpoch: per,
  };
}

/**
 * From `from` to 1 in a line over `steps` or `epochs`, then another schedule; as PyTorch's
 * SequentialLR of LinearLR and that other.
 * @throws ERR_ARGUMENT for a setting out of range, and where more than 64 follow each other
 */
export function warmUp(options: WarmUpOptions): Schedule {
  checkOptions('warmUp', options, ['steps', 'epochs', 'from', 'next']);
  const span = neededSpan('warmUp', options);
  const from = checkNumber('warmUp', 'from', options.from ?? 1 / 3, 0, 1);
  const next = checkSchedule('warmUp', 'next', options.next ?? constant());
  checkSequence('warmUp', next);
  const { initial, observe, monitor } = next;
  return {
    kind: 'warmUp',
    options: { [span.unit]: span.length, from, next },
    factor(moment, state) {
      const share = done(moment, span.unit) / span.length;
      if (share < 1) return from + (1 - from) * share;
      const factor = next.factor(after(moment, span), state);
      if (!Number.isNaN(factor)) return factor;
      throw new StridenetError(
        'ERR_ARGUMENT',
        `[warmUp] as the length of an epoch is not known, '${next.kind}' after it must count in ${span.unit} too`,
      );
    },
    ...(initial === undefined ? {} : { initial }),
    ...(observe === undefined ? {} : { observe }),
    ...(monitor === undefined ? {} : { monitor }),
  };
}

/** Settings of `oneCycle`, whose length is by default the whole training. */
export interface OneCycleOptions extends SpanOptions {
  /** The part of all steps in which the rate rises; default 0.3. */
  rise?: number;
  /** The factor of the first step; default 1/25. */
  from?: number;
  /** The factor of the last step; default 1/250,000. */
  to?: number;
  /** How it goes between them; default 'cosine'. */
  shape?: 'cosine' | 'linear';
  /** Back to `from` as fast as it rose, and from there to `to`; default false. */
  threePhases?: boolean;
}

const shapes = {
  linear: (share: number): number => share,
  cosine: (share: number): number => (1 - Math.cos(Math.PI * share)) / 2,
};

/**
 * Up from `from` to 1 and down to `to` (Smith and Topin 2018); as PyTorch's OneCycleLR, whose
 * max_lr is here the optimizer's own rate. Momentum stays as it is.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function oneCycle(options: OneCycleOptions = {}): Schedule {
  const kind = 'oneCycle';
  checkOptions(kind, options, ['steps', 'epochs', 'rise', 'from', 'to', 'shape', 'threePhases']);
  const span = spanOf(kind, options);
  const threePhases = checkBoolean(kind, 'threePhases', options.threePhases ?? false);
  const rise = checkNumber(kind, 'rise', options.rise ?? 0.3, 0, threePhases ? 0.5 : 1);
  const from = checkNumber(kind, 'from', options.from ?? 1 / 25);
  const to = checkNumber(kind, 'to', options.to ?? 1 / 250_000);
  const { shape = 'cosine' } = options;
  if (shape !== 'cosine' && shape !== 'linear') {
    throw argumentError(kind, "shape to be 'cosine' or 'linear'", shape);
  }
  const settings = { rise, from, to, shape, threePhases };
  return {
    kind,
    options: { ...(span.unit === null ? {} : { [span.unit]: span.length }), ...settings },
    factor(moment) {
      const { at, length } = placeIn(kind, moment, span);
      // The last step, not the end after it, has the last factor.
      const unit = span.unit ?? (moment.steps === null ? 'epochs' : 'steps');
      const last = unit === 'steps' ? 1 : 1 / (moment.stepsPerEpoch ?? 1);
      const ends = threePhases
        ? [rise * length - last, 2 * (rise * length - last), length - last]
        : [rise * length - last, length - last];
      const factors = threePhases ? [from, 1, from, to] : [from, 1, to];
      return between([0, ...ends], factors, at, shapes[shape]);
    },
  };
}

/** The value at `at` of what goes through `values` at `points`, flat before and behind them. */
function between(
  points: readonly number[],
  values: readonly number[],
  at: number,
  shape: (share: number) => number,
): number {
  const next = points.findIndex((point) => point > at);
  if (next === 0) return values[0] as number;
  if (next < 0) return values.at(-1) as number;
  const [low, high] = [points[next - 1] as number, points[next] as number];
  const [start, end] = [values[next - 1] as number, values[next] as number];
  return start + (end - start) * shape((at - low) / (high - low));
}

/** Settings of `piecewise`: points in `steps` or `epochs`. */
export interface PiecewiseOptions extends PointOptions {
  /** The factor from each of the points on. */
  factors: readonly number[];
  /** 'linear': lines from point to point; default 'constant'. */
  interpolation?: 'constant' | 'linear';
}

/**
 * A factor for each of some points, which holds until the next, or goes to the next one's in a line.
 * Before the first point the first factor holds, after the last the last.
 * @throws ERR_ARGUMENT unless there are as many factors as points, which rise
 */
export function piecewise(options: PiecewiseOptions): Schedule {
  const kind = 'piecewise';
  checkOptions(kind, options, ['steps', 'epochs', 'factors', 'interpolation']);
  const { unit, points } = pointsOf(kind, options);
  const { factors: given, interpolation = 'constant' } = options;
  if (!Array.isArray(given) || given.length !== points.length) {
    throw argumentError(kind, `factors to be a list of ${points.length} numbers`, given);
  }
  const factors = given.map((each: unknown, i) => checkNumber(kind, `factors[${i}]`, each));
  if (interpolation !== 'constant' && interpolation !== 'linear') {
    throw argumentError(kind, "interpolation to be 'constant' or 'linear'", interpolation);
  }
  const shape = interpolation === 'linear' ? shapes.linear : () => 0;
  return {
    kind,
    options: { [unit]: points, factors, interpolation },
    factor: (moment) => between(points, factors, done(moment, unit), shape),
  };
}
