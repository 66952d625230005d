import { describe, expect, it } from 'vitest';
import { augmentations, losses, optimizers, StridenetError, schedules } from '../lib/index.ts';
import { wrongValues } from './wrong/corruptions.ts';
import {
  choice,
  counts,
  flag,
  numeric,
  required,
  sizes,
  type ValueRule,
  value,
} from './wrong/rules.ts';

type Options = Readonly<Record<string, ValueRule>>;
type Makers = Readonly<Record<string, (options: unknown) => unknown>>;

const inf = Number.POSITIVE_INFINITY;
const common: Options = {
  learningRate: numeric(0.1, -0.1, inf),
  weightDecay: numeric(0.1, -0.1, inf),
  noDecay: value(['bias'], ['bias', 5, [5], {}]),
};
const epsilon = numeric(1e-8, -1, inf);
const adam: Options = {
  ...common,
  beta1: numeric(0.9, -0.1, 1, 1.5),
  beta2: numeric(0.999, -0.1, 1, 1.5),
  epsilon,
};

/** Every option of every optimizer. */
const ofOptimizers: Readonly<Record<string, Options>> = {
  sgd: {
    ...common,
    momentum: numeric(0.9, -0.1, inf),
    dampening: numeric(0, -0.1, inf),
    nesterov: flag(true),
  },
  adam,
  adamW: adam,
  rmsprop: {
    ...common,
    alpha: numeric(0.99, -0.1, 1),
    epsilon,
    momentum: numeric(0.9, -0.1, inf),
    centered: flag(true),
  },
  adagrad: {
    ...common,
    learningRateDecay: numeric(0.1, -0.1, inf),
    initialAccumulatorValue: numeric(0.1, -0.1, inf),
    epsilon,
  },
};

/** Every option of every loss. */
const ofLosses: Readonly<Record<string, Options>> = {
  softmaxCrossEntropy: {
    labelSmoothing: numeric(0.1, -0.1, 1.1),
    classWeights: value([1, 2], [5, 'balanced', {}, [Number.NaN], ['1']]),
  },
  squaredError: {},
  absoluteError: {},
  huber: { delta: numeric(1, 0, -1) },
  binaryCrossEntropy: {},
};

const epochs = required(numeric(4, 0, -1, inf));
const ending: Options = { epochs: numeric(4, 0, -1, inf), minimum: numeric(0.1, -0.1, 1) };
const points = required(value([1, 5], [5, [], [-1, 2], [5, 1], [1, 1], ['1'], [1, Number.NaN]]));
const patience = value(3, [-1, 1.5, Number.NaN, '2', {}, true]);

/** Every option of every schedule, in one of its units. */
const ofSchedules: Readonly<Record<string, Options>> = {
  constant: { factor: numeric(0.5, -1, inf) },
  step: { epochs, factor: numeric(0.5, -1, inf) },
  multiStep: { epochs: points, factor: numeric(0.5, -1, inf) },
  exponential: { epochs: numeric(4, 0, -1, inf), factor: required(numeric(0.5, -1, inf)) },
  polynomial: { ...ending, power: numeric(2, -1, inf) },
  cosine: ending,
  warmUp: {
    ...{ epochs, from: numeric(0.1, -0.1, 1) },
    next: value(schedules.cosine(), [5, 'cosine', {}, true, { kind: 'cosine', options: {} }]),
  },
  oneCycle: {
    ...{ epochs: numeric(4, 0, -1, inf), rise: numeric(0.2, -0.1, 1) },
    ...{ from: numeric(0.1, -1, inf), to: numeric(0.1, -1, inf), shape: choice('linear') },
    threePhases: flag(true),
  },
  piecewise: {
    epochs: points,
    factors: required(value([1, 0.5], [1, [], [1], [1, 2, 3], [1, -1], ['1', '2']])),
    interpolation: choice('linear'),
  },
  plateau: {
    ...{ monitor: value('loss', [5, '', {}, true]), mode: choice('min') },
    ...{ factor: numeric(0.5, -1, 1), patience, cooldown: patience },
    ...{ minDelta: numeric(0.1, -1, inf), minimum: numeric(0.1, -1, 1), relative: flag(true) },
  },
};

const probability = numeric(0.5, -0.1, 1.1);
const notRanges = [-1, inf, '1', {}, true, [1], [2, 1], [0, inf], [Number.NaN, 1], ['0', 1]];
const range = (valid: unknown, ...wrong: unknown[]): ValueRule =>
  value(valid, [...notRanges, ...wrong]);
const filled: Options = { probability, fill: numeric(0.5, inf) };
const interpolation = choice('nearest');
const amount = { amount: required(range([0.5, 1.5])), probability };

/** Every option of every augmentation. */
const ofAugmentations: Readonly<Record<string, Options>> = {
  flipHorizontal: { probability },
  flipVertical: { probability },
  padCrop: { padding: required(sizes(2)), ...filled },
  shift: {
    ...{ x: range(3, [0.25, 0.5], 2 ** 31), y: range([-1, 2], [0.25, 0.5], 2 ** 31) },
    ...{ interpolation, ...filled },
  },
  rotate: { degrees: required(range(10)), interpolation, ...filled },
  affine: {
    ...{ degrees: range([5, 10]), scale: range([0.5, 2], 1, [0, 1]), shear: range(20, 90) },
    translate: value(0.1, [-1, inf, '1', {}, [0.1], [0.1, -0.1]]),
    ...{ interpolation, ...filled },
  },
  brightness: amount,
  contrast: amount,
  cutout: {
    ...{ size: required(counts([4, 5])), value: numeric(0.5, inf), probability },
  },
  mixup: { alpha: numeric(0.3, 0, -1, inf), probability },
};
const { apply: _, ...augmentationMakers } = augmentations;

describe.each([
  ['augmentations', augmentationMakers as unknown as Makers, ofAugmentations],
  ['optimizers', optimizers as unknown as Makers, ofOptimizers],
  ['losses', losses as unknown as Makers, ofLosses],
  ['schedules', schedules as unknown as Makers, ofSchedules],
] as const)('sn.%s', (_, makers, table) => {
  it('are all tried', () => {
    expect(Object.keys(table).sort()).toEqual(Object.keys(makers).sort());
  });

  describe.each(Object.entries(table))('%s', (kind, rules) => {
    const make = makers[kind] as (options: unknown) => unknown;
    const options = Object.fromEntries(
      Object.entries(rules).map(([key, rule]) => [key, rule.value]),
    );

    function expectRefused(given: unknown, named: string): void {
      let thrown: unknown = null;
      try {
        make(given);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(StridenetError);
      const { code, message } = thrown as StridenetError;
      expect(code, message).toBe('ERR_ARGUMENT');
      expect(message).toContain(`[${kind}`);
      expect(message).toContain(named);
    }

    it('takes what is right', () => {
      expect(() => make(options)).not.toThrow();
    });

    for (const [key, rule] of Object.entries(rules)) {
      for (const [title, wrong] of wrongValues(key, rule)) {
        it(`refuses ${title}`, () => expectRefused({ ...options, [key]: wrong }, key));
      }
    }

    it('refuses an unknown option, and options that are none', () => {
      expectRefused({ ...options, unheardOf: 1 }, 'unheardOf');
      for (const wrong of ['fast', null, [], true]) expectRefused(wrong, 'options');
    });
  });
});
