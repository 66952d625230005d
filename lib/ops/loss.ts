import { argumentError, checkOptions } from '../errors.ts';
import { type Attributes, apply, makeSpec, type Operand, type Spec } from './operator.ts';
import { type SumGradientAttributes, sumGradientOperator } from './reduction.ts';
import { withShape } from './reshape.ts';

/** Activations that a loss may have within. */
export type FinalActivation = 'softmax' | 'sigmoid';

/** What becomes of the single losses: their mean, their sum, or each for itself. */
export type Reduction = 'mean' | 'sum' | 'none';

/** Settings of a loss. */
export interface LossOptions {
  /** Default 'mean'. */
  reduction?: Reduction;
}

export interface LossAttributes extends Attributes {
  readonly reduction: Reduction;
}

/**
 * The reduction that the options name, 'mean' by default. Throws ERR_ARGUMENT.
 * @param more names of further options
 */
export function lossAttributes(
  where: string,
  options: LossOptions,
  more: readonly string[] = [],
): LossAttributes {
  checkOptions(where, options, ['reduction', ...more]);
  const reduction = options.reduction ?? 'mean';
  if (reduction !== 'mean' && reduction !== 'sum' && reduction !== 'none') {
    throw argumentError(where, "reduction to be 'mean', 'sum' or 'none'", reduction);
  }
  return { reduction };
}

/** What a loss whose single losses are `each` gives: those, or (). */
export function reducedSpec(each: Spec, { reduction }: LossAttributes): Spec {
  return reduction === 'none'
    ? makeSpec(each.shape, each.dtype, each.batched)
    : makeSpec([], each.dtype, false);
}

/** A value of one element for each of `like`, for the mean over their number in this step. */
export function spread(value: Operand, like: Operand, mean: boolean): Operand {
  const axes = like.shape.map((_, axis) => axis);
  const one = withShape(
    value,
    axes.map(() => 1),
  );
  return apply<Operand, SumGradientAttributes>(sumGradientOperator, [one, like], { axes, mean });
}
