import { argumentError, checkOptions, dtypeError, shapeError } from '../errors.ts';
import { checkSeed, hash } from '../random.ts';
import { formatShape } from '../shape.ts';
import { describe, Tensor } from '../tensor.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkOperand,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';

export interface DropoutAttributes extends Attributes {
  /** The probability that an element is dropped, in [0, 1). */
  readonly rate: number;
  /** The seed's low and high word: the generator's key. */
  readonly seed: readonly [number, number];
  /** A word that tells the masks of one seed apart. */
  readonly stream: number;
  /** Natively: the channels are the last axis, the places still those of the public order. */
  readonly channelsLast: boolean;
}

/** Settings of dropout. */
export interface DropoutOptions {
  /** The probability that an element (or a channel) is dropped, in [0, 1); default 0.5. */
  rate?: number;
  /** An integer from 0 to 2^53 − 1. */
  seed: number;
  /** The number of the step: each has a mask of its own. An integer ≥ 0 or a float64 () operand; default 0. */
  step?: number | Operand;
  /** Tells the masks of one seed and step apart; default ''. */
  stream?: string;
}

function dropoutOfRank(name: string, lowest: number): Operator<DropoutAttributes> {
  const operator: Operator<DropoutAttributes> = {
    name,
    refuses: [1],
    inputs: ['x', 'step'],
    outputs: ['y'],
    layout: 'any',
    channelsLast: (attributes) => ({ ...attributes, channelsLast: true }),
    inPlace: [[0, 0]],
    infer([xSpec, stepSpec]) {
      const [x, step] = [need(xSpec), need(stepSpec)];
      checkFloats(name, { x });
      if (x.shape.length < lowest) {
        throw shapeError(name, `x ${formatShape(x.shape)} has no channels: axis 1 is missing`);
      }
      if (step.dtype !== 'float64' || step.shape.length !== 0) {
        throw dtypeError(name, `step must be float64 () but is ${describe(step)}`);
      }
      return [x];
    },
    gradient({ inputs: [, step], gradients, attributes }) {
      return [apply(operator, [need(gradients[0]), need(step)], attributes), null];
    },
  };
  return operator;
}

/** x T(…), step float64 () → y: elements × 1/(1 − rate), or 0 where the mask drops them. */
export const dropoutOperator = dropoutOfRank('dropout', 0);

/** x T(N,C,…), step float64 () → y: the same for whole channels. */
export const spatialDropoutOperator = dropoutOfRank('spatialDropout', 2);

function callDropout<X extends Operand>(
  operator: Operator<DropoutAttributes>,
  x: X,
  options: DropoutOptions,
): Result<X> {
  const { name } = operator;
  checkOperand(name, 'x', x);
  checkOptions(name, options, ['rate', 'seed', 'step', 'stream']);
  const { rate = 0.5, step = 0, stream = '' } = options;
  const seed = checkSeed(name, options.seed);
  if (typeof rate !== 'number' || !(rate >= 0 && rate < 1)) {
    throw argumentError(name, 'rate to be in [0, 1)', rate);
  }
  if (typeof stream !== 'string') throw argumentError(name, 'stream to be a text', stream);
  if (typeof step === 'number' && (!Number.isSafeInteger(step) || step < 0)) {
    throw argumentError(name, 'step to be an integer ≥ 0', step);
  }
  const counted =
    typeof step === 'number' ? new Tensor(Float64Array.of(step), [], 'float64') : step;
  return apply<Operand, DropoutAttributes>(operator, [x, counted], {
    rate,
    seed: [seed % 2 ** 32, Math.floor(seed / 2 ** 32)],
    stream: hash(stream),
    channelsLast: false,
  }) as Result<X>;
}

/**
 * Dropout: each element is 0 with probability `rate`, else x/(1 − rate). The mask is a function of
 * seed, stream, step and the element's place alone, so the gradient has the same, and so has any
 * backend. Rate 0 changes nothing.
 *
 * @param x floating, of any shape
 * @throws ERR_ARGUMENT for an option out of range and, when it runs, for a step that is no integer
 *   in [0, 2^53)
 */
export function dropout<X extends Operand>(x: X, options: DropoutOptions): Result<X> {
  return callDropout(dropoutOperator, x, options);
}

/**
 * Dropout of whole channels: all elements of a sample's channel are dropped or kept together.
 *
 * @param x floating, (N,C,…)
 * @throws as dropout; ERR_SHAPE when there is no axis of channels
 */
export function spatialDropout<X extends Operand>(x: X, options: DropoutOptions): Result<X> {
  return callDropout(spatialDropoutOperator, x, options);
}
