export { type CompareBackendsOptions, compareBackends } from './compareBackends.ts';
export { type GradientCheckOptions, gradientCheck } from './gradientCheck.ts';
export type { Checkable } from './subject.ts';
export type { CheckResult, WorstEntry } from './worst.ts';
