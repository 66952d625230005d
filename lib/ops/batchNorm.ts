import { argumentError, checkOptions, StridenetError, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import { add, mul } from './binary.ts';
import {
  givenStatisticsMessages,
  ownStatisticsMessages,
  withStatisticsMessages,
} from './normGradient.ts';
import { toImages, toSignals } from './oneDimension.ts';
import {
  type Attributes,
  applyAll,
  checkFloats,
  checkRank,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';
import { withShape } from './reshape.ts';

/** Settings of a normalization. */
export interface NormOptions {
  /** Added to the variance; default 1e-5. */
  epsilon?: number;
}

/** Settings of batch normalization in training. */
export interface BatchNormTrainingOptions extends NormOptions {
  /** What a step's statistics weigh in the running ones, within [0, 1]; default 0.1. */
  momentum?: number;
}

export interface NormAttributes extends Attributes {
  readonly epsilon: number;
}

export interface BatchNormTrainingAttributes extends NormAttributes {
  readonly momentum: number;
}

export interface BatchNormGradientAttributes extends Attributes {
  /** Mean and deviation are those of x itself, so that they move with it. */
  readonly training: boolean;
}

/** Throws unless x is (N,C) or (N,C,H,W) and the others are (C) of its dtype. Returns (C). */
function checkChannels(
  where: string,
  x: Spec,
  others: Readonly<Record<string, Spec | null | undefined>>,
): Spec {
  checkRank(where, 'x', x, 2, 4);
  const like = makeSpec([x.shape[1] as number], x.dtype, false);
  for (const [name, spec] of Object.entries(others)) {
    if (!spec) continue;
    checkFloats(where, { x, [name]: spec });
    if (spec.shape.length !== 1 || spec.shape[0] !== like.shape[0] || spec.batched) {
      throw shapeError(
        where,
        `${name} ${formatShape(spec.shape)} must have one element for each channel of x ${formatShape(x.shape)}`,
      );
    }
  }
  checkFloats(where, { x });
  return like;
}

/** Throws ERR_NOT_DIFFERENTIABLE when a message came to the running statistics. */
function checkNotRunning(where: string, gradients: readonly (Operand | null)[]): void {
  if (gradients.slice(3).every((message) => message === null)) return;
  throw new StridenetError(
    'ERR_NOT_DIFFERENTIABLE',
    `[${where}] runningMean and runningVariance have no gradient, only y has`,
  );
}

function allButChannels({ shape }: Spec): number[] {
  return shape.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
}

/**
 * dy, x (N,C) or (N,C,H,W), mean, inverseDeviation, weight (C) → dx, dweight, dbias: with
 * x̂ = (x − mean)·inverseDeviation, dbias = Σ dy, dweight = Σ dy·x̂ and
 * dx = weight·inverseDeviation·dy, in training ·(dy − dbias/M − x̂·dweight/M), M elements a channel.
 * In training its own gradient to x is whole, mean and deviation being functions of x.
 */
export const batchNormGradientOperator: Operator<BatchNormGradientAttributes> = {
  name: 'batchNormGradient',
  inputs: ['dy', 'x', 'mean', 'inverseDeviation', 'weight?'],
  outputs: ['dx?', 'dweight?', 'dbias?'],
  layout: { inputs: [0, 1], outputs: [0] },
  inPlace: [
    [0, 0],
    [0, 1],
  ],
  infer([dySpec, xSpec, mean, inverseDeviation, weight]) {
    const where = 'batchNormGradient';
    const [dy, x] = [need(dySpec), need(xSpec)];
    checkFloats(where, { dy, x });
    checkSameShape(where, ['dy', 'x'], dy, x);
    const statistics = { mean: need(mean), inverseDeviation: need(inverseDeviation) };
    const channels = checkChannels(where, x, { ...statistics, weight });
    return [dy, channels, channels];
  },
  gradient({ inputs, gradients, attributes: { training } }) {
    const [dy, x] = [need(inputs[0]), need(inputs[1])];
    const ofChannels = x.shape.map((size, axis) => (axis === 1 ? size : 1));
    const wide = (value: Operand | null | undefined): Operand | null =>
      value ? withShape(value, ofChannels) : null;
    const [center, inverseDeviation] = [need(wide(inputs[2])), need(wide(inputs[3]))];
    const call = { dy, x, center, inverseDeviation, weight: wide(inputs[4]) };
    const [dx = null, dweight, dbias] = gradients;
    const messages = { dx, dweight: wide(dweight), dbias: wide(dbias) };
    const found = training
      ? {
          center: null,
          inverseDeviation: null,
          ...ownStatisticsMessages(call, messages, allButChannels(x)),
        }
      : givenStatisticsMessages(call, messages);
    const narrow = (value: Operand | null): Operand | null =>
      value && withShape(value, [x.shape[1] as number]);
    const statistics = [found.center, found.inverseDeviation, found.weight].map(narrow);
    return [found.dy, found.x, ...statistics];
  },
};

/** x (N,C) or (N,C,H,W), mean, variance, weight, bias (C) → y, inverseDeviation (C). */
export const batchNormOperator: Operator<NormAttributes> = {
  name: 'batchNorm',
  inputs: ['x', 'runningMean', 'runningVariance', 'weight?', 'bias?'],
  outputs: ['y', 'inverseDeviation?'],
  layout: { inputs: [0], outputs: [0] },
  inPlace: [[0, 0]],
  infer([xSpec, mean, variance, weight, bias]) {
    const x = need(xSpec);
    const statistics = { runningMean: need(mean), runningVariance: need(variance) };
    const channels = checkChannels('batchNorm', x, { ...statistics, weight, bias });
    return [x, channels];
  },
  gradient({ inputs: [x, mean, , weight], outputs, gradients, wanted }) {
    const [dy = null, toInverse = null] = gradients;
    const inverse = need(outputs[1]);
    const squared = mul(inverse, inverse);
    const toVariance = toInverse && mul(mul(toInverse, mul(squared, inverse)), -0.5);
    if (dy === null) return [null, null, toVariance, null, null];
    const [dx, dweight, dbias] = applyAll(
      batchNormGradientOperator,
      [dy, need(x), need(mean), inverse, weight ?? null],
      { training: false },
    );
    const scaled = (message: Operand) => (weight ? mul(message, weight) : message);
    const dmean = () => mul(scaled(mul(need(dbias), inverse)), -1);
    const dvariance = () => {
      const own = mul(scaled(mul(need(dweight), squared)), -0.5);
      return toVariance ? add(own, toVariance) : own;
    };
    return [
      need(dx),
      wanted[1] ? dmean() : null,
      wanted[2] ? dvariance() : null,
      need(dweight),
      need(dbias),
    ];
  },
};

/**
 * x (N,C) or (N,C,H,W), runningMean, runningVariance (both or neither), weight, bias (C) → y, mean,
 * inverseDeviation, runningMean', runningVariance' (C). The running ones have no gradient.
 */
export const batchNormTrainingOperator: Operator<BatchNormTrainingAttributes> = {
  name: 'batchNormTraining',
  inputs: ['x', 'runningMean?', 'runningVariance?', 'weight?', 'bias?'],
  outputs: ['y', 'mean?', 'inverseDeviation?', 'runningMean?', 'runningVariance?'],
  layout: { inputs: [0], outputs: [0] },
  inPlace: [[0, 0]],
  infer([xSpec, runningMean, runningVariance, weight, bias]) {
    const where = 'batchNormTraining';
    const x = need(xSpec);
    const running = { runningMean, runningVariance };
    const channels = checkChannels(where, x, { ...running, weight, bias });
    if (Boolean(runningMean) !== Boolean(runningVariance)) {
      throw argumentError(where, 'both runningMean and runningVariance, or neither', 'one');
    }
    return [x, channels, channels, ...(runningMean ? [channels, channels] : [])];
  },
  gradient({ inputs: [input, , , weight = null], outputs, gradients }) {
    checkNotRunning('batchNormTraining', gradients);
    const [x, [dy = null]] = [need(input), gradients];
    const [dx = null, dweight = null, dbias = null] =
      dy === null
        ? []
        : applyAll(batchNormGradientOperator, [dy, x, need(outputs[1]), need(outputs[2]), weight], {
            training: true,
          });
    const toX = withStatisticsMessages(dx, x, { outputs, gradients }, allButChannels(x));
    return [toX, null, null, dweight, dbias];
  },
};

/** `epsilon` if it is a finite number ≥ 0, 1e-5 by default; else throws ERR_ARGUMENT. */
export function checkEpsilon(where: string, epsilon: unknown = 1e-5): number {
  if (typeof epsilon !== 'number' || !(epsilon >= 0 && Number.isFinite(epsilon))) {
    throw argumentError(where, 'epsilon to be a finite number ≥ 0', epsilon);
  }
  return epsilon;
}

/** `momentum` if it is a number within [0, 1], 0.1 by default; else throws ERR_ARGUMENT. */
export function checkMomentum(where: string, momentum: unknown = 0.1): number {
  if (typeof momentum !== 'number' || !(momentum >= 0 && momentum <= 1)) {
    throw argumentError(where, 'momentum to be a number from 0 to 1', momentum);
  }
  return momentum;
}

/** Calls an operator on images of height 1 when x is (N,C,L). */
function onImages<A extends Attributes>(
  operator: Operator<A>,
  [x, ...rest]: readonly [Operand, ...(Operand | null)[]],
  attributes: A,
): readonly Operand[] {
  checkRank(operator.name, 'x', x, 2, 3, 4);
  if (x.shape.length !== 3) return applyAll(operator, [x, ...rest], attributes);
  const [y, ...more] = applyAll(operator, [toImages(x), ...rest], attributes);
  return [toSignals(need(y)), ...more];
}

/**
 * Batch normalization by known statistics, channel by channel:
 * y = (x − runningMean)/√(runningVariance + epsilon) · weight + bias (Ioffe and Szegedy 2015).
 *
 * @param x (N,C), (N,C,L) or (N,C,H,W)
 * @param runningMean (C); so are all that follow
 * @param runningVariance (C), 0 or more
 * @param weight 1 when left out or null
 * @param bias 0 when left out or null
 * @throws ERR_SHAPE, ERR_DTYPE when they do not fit; ERR_ARGUMENT for an option out of range
 */
export function batchNorm<X extends Operand, P extends Operand>(
  x: X,
  runningMean: P,
  runningVariance: P,
  weight: P | null = null,
  bias: P | null = null,
  options: NormOptions = {},
): Result<X | P> {
  checkOptions('batchNorm', options, ['epsilon']);
  const operands = [x, runningMean, runningVariance, weight, bias] as const;
  const epsilon = checkEpsilon('batchNorm', options.epsilon);
  return onImages(batchNormOperator, operands, { epsilon })[0] as Result<X | P>;
}

/** What batchNormTraining gives; the running statistics are null when none went in. */
export interface BatchNormTrainingResult<T> {
  /** Of x's shape. */
  readonly y: T;
  /** (C), after the step. */
  readonly runningMean: T | null;
  /** (C), after the step. */
  readonly runningVariance: T | null;
}

/**
 * Batch normalization by the statistics of x itself: the mean and the biased variance of the M
 * elements of each channel. The running statistics become (1 − momentum)·running + momentum·that of
 * x, with the unbiased variance (over M − 1) as PyTorch has it; with M = 1, which has none, the
 * running variance stays, and with M = 0 both stay. They carry no gradient.
 *
 * @param x (N,C), (N,C,L) or (N,C,H,W); in a smaller step of a compiled batch M counts its samples
 * @param runningMean (C) or null, like runningVariance
 * @param runningVariance (C), or null like the mean
 * @param weight (C); 1 when left out or null
 * @param bias (C); 0 when left out or null
 * @throws ERR_SHAPE, ERR_DTYPE when they do not fit; ERR_ARGUMENT for an option out of range or one
 *   running statistic without the other
 */
export function batchNormTraining<X extends Operand, P extends Operand>(
  x: X,
  runningMean: P | null,
  runningVariance: P | null,
  weight: P | null = null,
  bias: P | null = null,
  options: BatchNormTrainingOptions = {},
): BatchNormTrainingResult<Result<X | P>> {
  const where = 'batchNormTraining';
  checkOptions(where, options, ['momentum', 'epsilon']);
  const operands = [x, runningMean, runningVariance, weight, bias] as const;
  const [y, , , newMean = null, newVariance = null] = onImages(
    batchNormTrainingOperator,
    operands,
    {
      momentum: checkMomentum(where, options.momentum),
      epsilon: checkEpsilon(where, options.epsilon),
    },
  ) as Result<X | P>[];
  return { y: need(y), runningMean: newMean, runningVariance: newVariance };
}
