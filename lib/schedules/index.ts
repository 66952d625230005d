/**
 * Learning rates over time, for the option `schedule` of `fit`: factors of the optimizer's rate.
 * @module
 */
export {
  constant,
  cosine,
  type DecayScheduleOptions,
  type ExponentialOptions,
  exponential,
  type MultiStepOptions,
  multiStep,
  type PointOptions,
  type PolynomialOptions,
  polynomial,
  type StepScheduleOptions,
  step,
} from './decays.ts';
export type { MonitorOptions } from './monitor.ts';
export { type PlateauOptions, plateau } from './plateau.ts';
export type { Measures, Moment, Schedule, ScheduleState, SpanOptions } from './schedule.ts';
export {
  type OneCycleOptions,
  oneCycle,
  type PiecewiseOptions,
  piecewise,
  type WarmUpOptions,
  warmUp,
} from './sequences.ts';
