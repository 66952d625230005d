import { checkOptions, shapeError } from '../errors.ts';
import {
  checkInteger,
  checkShape,
  elementCount,
  formatShape,
  type Shape,
  sameShape,
} from '../shape.ts';
import { checkEpsilon, type NormAttributes, type NormOptions } from './batchNorm.ts';
import { add, mul } from './binary.ts';
import { ownStatisticsMessages, withStatisticsMessages } from './normGradient.ts';
import {
  type Attributes,
  apply,
  applyAll,
  checkFloats,
  checkOperand,
  checkRank,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';
import { type ReshapeAttributes, reshapeOperator, withShape } from './reshape.ts';

export interface LayerNormAttributes extends NormAttributes {
  /** How many axes, the last ones, are normalized over. */
  readonly axes: number;
}

export interface LayerNormGradientAttributes extends Attributes {
  readonly axes: number;
}

/**
 * The shapes of statistics and parameters of x. Throws unless at least one axis, at most all but
 * that of the batch, is normalized over and the parameters have their shape.
 */
function checkLayer(
  where: string,
  x: Spec,
  axes: number,
  parameters: Readonly<Record<string, Spec | null | undefined>>,
): { statistic: Spec; parameter: Spec } {
  checkFloats(where, { x });
  const outer = x.shape.length - axes;
  if (axes < 1 || outer < 0) {
    throw shapeError(where, `x ${formatShape(x.shape)} has no ${axes} last axes`);
  }
  if (x.batched && outer === 0) {
    throw shapeError(where, `the first axis of the batched x ${formatShape(x.shape)} is the batch`);
  }
  const parameter = makeSpec(x.shape.slice(outer), x.dtype, false);
  for (const [name, spec] of Object.entries(parameters)) {
    if (!spec) continue;
    checkFloats(where, { x, [name]: spec });
    if (!sameShape(spec.shape, parameter.shape) || spec.batched) {
      throw shapeError(
        where,
        `${name} ${formatShape(spec.shape)} must have the shape ${formatShape(parameter.shape)} that x ${formatShape(x.shape)} is normalized over`,
      );
    }
  }
  return { statistic: makeSpec(x.shape.slice(0, outer), x.dtype, x.batched), parameter };
}

/**
 * dy, x, mean, inverseDeviation, weight → dx, dweight, dbias: with x̂ = (x − mean)·inverseDeviation
 * and g = dy·weight, dx = inverseDeviation·(g − (Σ g + x̂·Σ g·x̂)/D) over the D elements of a row,
 * dweight = Σ dy·x̂ and dbias = Σ dy over the rows. Its own gradient to x is whole, mean and deviation
 * being functions of x.
 */
export const layerNormGradientOperator: Operator<LayerNormGradientAttributes> = {
  name: 'layerNormGradient',
  inputs: ['dy', 'x', 'mean', 'inverseDeviation', 'weight?'],
  outputs: ['dx?', 'dweight?', 'dbias?'],
  inPlace: [
    [0, 0],
    [0, 1],
  ],
  infer([dySpec, xSpec, meanSpec, inverseSpec, weight], { axes }) {
    const where = 'layerNormGradient';
    const [dy, x] = [need(dySpec), need(xSpec)];
    const [mean, inverseDeviation] = [need(meanSpec), need(inverseSpec)];
    checkFloats(where, { dy, x, mean, inverseDeviation });
    checkSameShape(where, ['dy', 'x'], dy, x);
    const { statistic, parameter } = checkLayer(where, x, axes, { weight });
    checkSameShape(where, ['mean', 'the rows'], mean, statistic);
    checkSameShape(where, ['inverseDeviation', 'the rows'], inverseDeviation, statistic);
    return [dy, parameter, parameter];
  },
  gradient({ inputs, gradients, attributes: { axes: count } }) {
    const [dy, x] = [need(inputs[0]), need(inputs[1])];
    const outer = x.shape.length - count;
    const ofRows = x.shape.map((size, axis) => (axis < outer ? size : 1));
    const wide = (value: Operand | null | undefined): Operand | null =>
      value
        ? withShape(
            value,
            x.shape.map((size, axis) => (axis < outer ? 1 : size)),
          )
        : null;
    const [center, inverseDeviation] = [need(inputs[2]), need(inputs[3])].map((statistic) =>
      withShape(statistic, ofRows),
    ) as [Operand, Operand];
    const call = { dy, x, center, inverseDeviation, weight: wide(inputs[4]) };
    const [dx = null, dweight, dbias] = gradients;
    const axes = x.shape.flatMap((_, axis) => (axis < outer ? [] : [axis]));
    const messages = { dx, dweight: wide(dweight), dbias: wide(dbias) };
    const found = ownStatisticsMessages(call, messages, axes);
    const toWeight = found.weight && withShape(found.weight, x.shape.slice(outer));
    return [found.dy, found.x, null, null, toWeight];
  },
};

/** x, weight, bias of the shape of its last axes → y, mean and inverseDeviation of the others'. */
export const layerNormOperator: Operator<LayerNormAttributes> = {
  name: 'layerNorm',
  inputs: ['x', 'weight?', 'bias?'],
  outputs: ['y', 'mean?', 'inverseDeviation?'],
  inPlace: [[0, 0]],
  infer([xSpec, weight, bias], { axes }) {
    const x = need(xSpec);
    const { statistic } = checkLayer('layerNorm', x, axes, { weight, bias });
    return [x, statistic, statistic];
  },
  gradient({ inputs: [input, weight = null], outputs, gradients, attributes: { axes: count } }) {
    const [x, [dy = null]] = [need(input), gradients];
    const [dx = null, dweight = null, dbias = null] =
      dy === null
        ? []
        : applyAll(layerNormGradientOperator, [dy, x, need(outputs[1]), need(outputs[2]), weight], {
            axes: count,
          });
    const axes = x.shape.map((_, axis) => axis).slice(-count);
    return [withStatisticsMessages(dx, x, { outputs, gradients }, axes), dweight, dbias];
  },
};

/**
 * Layer normalization (Ba, Kiros and Hinton 2016): every sample by the mean and the biased variance
 * of its own elements over the last axes, y = (x − mean)/√(variance + epsilon) · weight + bias.
 *
 * @param x float32 or float64
 * @param normalizedShape the sizes of the last axes of x, or the last alone
 * @param weight of that shape; 1 when left out or null
 * @param bias of that shape; 0 when left out or null
 * @throws ERR_SHAPE, ERR_DTYPE when they do not fit, and for the axis of the batch; ERR_ARGUMENT for
 *   an option out of range
 */
export function layerNorm<X extends Operand, P extends Operand = never>(
  x: X,
  normalizedShape: number | Shape,
  weight: P | null = null,
  bias: P | null = null,
  options: NormOptions = {},
): Result<X | P> {
  const where = 'layerNorm';
  checkOperand(where, 'x', x);
  checkOptions(where, options, ['epsilon']);
  const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
  checkShape(`${where}, normalizedShape`, shape);
  if (shape.length === 0 || !sameShape(x.shape.slice(-shape.length), shape)) {
    throw shapeError(
      where,
      `the last sizes of x ${formatShape(x.shape)} must be normalizedShape ${formatShape(shape)}`,
    );
  }
  return apply<X | P, LayerNormAttributes>(layerNormOperator, [x, weight, bias], {
    axes: shape.length,
    epsilon: checkEpsilon(where, options.epsilon),
  });
}

function keptFirst(x: Operand, shape: readonly number[]): Operand {
  return apply<Operand, ReshapeAttributes>(reshapeOperator, [x], { keepFirst: true, shape });
}

/**
 * Group normalization (Wu and He 2018): every sample by the mean and the biased variance of each of
 * `groups` parts of its channels, then weight and bias by channel.
 *
 * @param x (N,C,…)
 * @param groups divides C
 * @param weight (C); 1 when left out or null
 * @param bias (C); 0 when left out or null
 * @throws ERR_SHAPE, ERR_DTYPE when they do not fit; ERR_ARGUMENT for an option out of range
 */
export function groupNorm<X extends Operand, P extends Operand = never>(
  x: X,
  groups: number,
  weight: P | null = null,
  bias: P | null = null,
  options: NormOptions = {},
): Result<X | P> {
  const where = 'groupNorm';
  checkOperand(where, 'x', x);
  checkRank(where, 'x', x, 2, 3, 4, 5, 6, 7, 8);
  checkOptions(where, options, ['epsilon']);
  checkInteger(where, 'groups', groups, 1);
  const epsilon = checkEpsilon(where, options.epsilon);
  const [, C = 0, ...rest] = x.shape;
  if (C % groups !== 0) {
    throw shapeError(
      where,
      `groups ${groups} must divide the channels of x ${formatShape(x.shape)}`,
    );
  }
  for (const [name, parameter] of Object.entries({ weight, bias })) {
    if (parameter === null) continue;
    checkOperand(where, name, parameter);
    checkFloats(where, { x, [name]: parameter });
    if (!sameShape(parameter.shape, [C])) {
      throw shapeError(
        where,
        `${name} ${formatShape(parameter.shape)} must have one element for each channel of x ${formatShape(x.shape)}`,
      );
    }
  }
  const grouped = keptFirst(x, [groups, elementCount([C / groups, ...rest])]);
  const normalized = apply<Operand, LayerNormAttributes>(layerNormOperator, [grouped, null, null], {
    axes: 1,
    epsilon,
  });
  let y: Operand = keptFirst(normalized, x.shape.slice(1));
  const byChannel = (parameter: Operand) => withShape(parameter, [C, ...rest.map(() => 1)]);
  if (weight !== null) y = mul(y, byChannel(weight));
  if (bias !== null) y = add(y, byChannel(bias));
  return y as Result<X | P>;
}
