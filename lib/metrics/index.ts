/**
 * What is measured besides the loss, for the option `metrics` of `fit` and `evaluate`.
 * @module
 */
export { accuracy, topK } from './accuracy.ts';
export { type ClassMetricOptions, f1, precision, recall } from './classes.ts';
export { confusionMatrix } from './confusionMatrix.ts';
export { absoluteError, mean, squaredError } from './means.ts';
export type { Accumulator, Metric, MetricOptions, MetricValue } from './metric.ts';
