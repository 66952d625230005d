import type { BackendName } from '../backends/backend.ts';
import { argumentError, checkOptions, shapeError } from '../errors.ts';
import type { Layer } from '../layers/layer.ts';
import type { Loss } from '../losses/index.ts';
import type { Metric } from '../metrics/metric.ts';
import { formatShape, type Shape } from '../shape.ts';
import type { FloatDType } from '../tensor.ts';
import type { BatchingOptions } from './serving/options.ts';

/** Settings of a sequential network. */
export interface SequentialOptions {
  /** The shape of one sample, for images (C,H,W). */
  inputShape: Shape;
  /** Each takes what the one before it gives. */
  layers: readonly Layer[];
  /** Of the initial parameters; default 0. */
  seed?: number;
  /** Default 'float32'. */
  dtype?: FloatDType;
  /** Default 'native'. */
  backend?: BackendName;
  /** Threads of native runs; default: all of the pool. */
  threads?: number;
  /**
   * Whether native 3x3 convolutions may be computed by Winograd's minimal filtering: up to twice as
   * fast, and a little less exact (`PassOptions.winograd`). Default false.
   */
  winograd?: boolean;
  /** How predictions that are asked for at the same time are computed together. */
  batching?: BatchingOptions;
  /** What the outputs stand for, in their order; files keep it. Default: not known. */
  classNames?: readonly string[];
}

/** The keys of SequentialOptions besides those that say what the network is made of. */
export const runtimeOptionNames = [
  ...(['seed', 'dtype', 'backend', 'threads', 'winograd', 'batching', 'classNames'] as const),
] as const;

/** Throws ERR_ARGUMENT for settings that are none, ERR_SHAPE for samples that have no value. */
export function checkSequential(options: SequentialOptions): void {
  const where = 'sequential';
  if (Array.isArray(options) || typeof (options as Partial<Layer> | null)?.forward === 'function') {
    throw argumentError(where, '{ inputShape: […], layers: […] }', options);
  }
  checkOptions(where, options, ['inputShape', 'layers', ...runtimeOptionNames]);
  const { inputShape } = options;
  if (!Array.isArray(inputShape)) {
    throw argumentError(where, 'inputShape to be a list of sizes', inputShape);
  }
  if (inputShape.length === 0 || inputShape.some((size) => size === 0)) {
    throw shapeError(where, `inputShape ${formatShape(inputShape)} has no value`);
  }
}

/** Throws ERR_ARGUMENT unless `names` are different texts, one for each of the outputs. */
export function checkClassNames(
  where: string,
  names: unknown,
  outputShape: Shape,
): readonly string[] {
  const isList = Array.isArray(names) && names.every((name) => typeof name === 'string');
  const [outputs] = outputShape;
  const fits = isList && names.length === outputs && outputShape.length === 1;
  if (fits && new Set(names).size === outputs) return [...names];
  const expected =
    outputShape.length === 1
      ? `classNames to be ${outputs} different names, one for each output,`
      : `no classNames, as outputs are ${formatShape(outputShape)},`;
  throw argumentError(where, expected, names);
}

/** Settings of `evaluate`. */
export interface EvaluateSettings {
  /** Default: that of the last fit of this network, before any softmaxCrossEntropy(). */
  loss?: Loss;
  /**
   * Samples at a time; default 1000, or fewer where these would take much memory. It changes speed
   * and memory, not what is computed.
   */
  batchSize?: number;
  /** What else is told, as `metrics` by name; default: nothing. */
  metrics?: readonly Metric[];
  /** Ends the evaluation with ERR_ABORTED. */
  signal?: AbortSignal;
}

/** Settings of `predict`. */
export interface PredictOptions {
  /** Factor of every value of x; default 1/255 for uint8, else 1. */
  scale?: number;
  /** Ends the wait with ERR_ABORTED, at once; other predictions are not disturbed. */
  signal?: AbortSignal;
}

/** Settings of `snapshot`. */
export interface SnapshotOptions {
  /** Default: those of the network. */
  batching?: BatchingOptions;
}
