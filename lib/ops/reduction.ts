import { checkBoolean, checkOptions } from '../errors.ts';
import { resolveAxes, type Shape } from '../shape.ts';
import {
  type Attributes,
  apply,
  channelsLastAxis,
  checkFloats,
  checkOperand,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';
import { withShape } from './reshape.ts';

/** Over what a reduction goes. */
export interface ReductionOptions {
  /** An axis or several; negative ones count from the end. Default: all. */
  axis?: number | readonly number[];
  /** The reduced axes stay, with size 1; default false. */
  keepDims?: boolean;
}

/** Rising axes; those of a reduction stay with size 1. */
export interface ReductionAttributes extends Attributes {
  readonly axes: readonly number[];
}

export interface SumGradientAttributes extends ReductionAttributes {
  /** The gradient of the mean: over the number of elements. */
  readonly mean: boolean;
}

/** `axes` for operands that are stored channels last. */
export function channelsLastAxes<A extends ReductionAttributes>(attributes: A): A {
  const axes = attributes.axes.map(channelsLastAxis).sort((a, b) => a - b);
  return { ...attributes, axes };
}

/** The shape rule of reductions. */
export function reducedSpec(x: Spec, axes: readonly number[], dtype = x.dtype): Spec {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return makeSpec(shape, dtype, x.batched && !axes.includes(0));
}

function reduction(name: string, mean: boolean): Operator<ReductionAttributes> {
  return {
    name,
    inputs: ['x'],
    outputs: ['y'],
    layout: 'any',
    channelsLast: channelsLastAxes,
    infer([x], { axes }) {
      checkFloats(name, { x: need(x) });
      return [reducedSpec(need(x), axes)];
    },
    gradient({ inputs: [x], gradients, attributes: { axes } }) {
      return [apply(sumGradientOperator, [need(gradients[0]), need(x)], { axes, mean })];
    },
  };
}

/** x → Σ x over the axes; 0 for no element. */
export const sumOperator = reduction('sum', false);

/** x → Σ x over the axes, over the number of elements in this step; NaN for no element. */
export const meanOperator = reduction('mean', true);

/** dy, x → dx: dy along the axes of x, for the mean over the number of elements; x gives the shape. */
export const sumGradientOperator: Operator<SumGradientAttributes> = {
  name: 'sumGradient',
  inputs: ['dy', 'x'],
  outputs: ['dx'],
  layout: 'any',
  channelsLast: channelsLastAxes,
  inPlace: [
    [0, 0],
    [0, 1],
  ],
  infer([dySpec, xSpec], { axes }) {
    const [dy, x] = [need(dySpec), need(xSpec)];
    checkFloats('sumGradient', { dy, x });
    checkSameShape('sumGradient', ['dy', 'reduced x'], dy, reducedSpec(x, axes));
    return [x];
  },
  gradient({ gradients, attributes: { axes, mean }, wanted }) {
    const operator = mean ? meanOperator : sumOperator;
    return [wanted[0] ? apply(operator, [need(gradients[0])], { axes }) : null, null];
  },
};

/** `shape` without these axes. */
function without(shape: Shape, axes: readonly number[]): number[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

/**
 * The public function of a reduction: its options checked, the reduced axes left out.
 * @param advice what to do where a second value stands in the place of the options
 */
export function reduce<X extends Operand>(
  operator: Operator<ReductionAttributes>,
  x: X,
  options: ReductionOptions,
  advice?: string,
): Result<X> {
  checkOperand(operator.name, 'x', x);
  checkOptions(operator.name, options, ['axis', 'keepDims'], advice);
  const axes = resolveAxes(operator.name, 'axis', options.axis, x.shape.length);
  const keepDims = checkBoolean(operator.name, 'keepDims', options.keepDims ?? false);
  const y: Operand = apply<Operand, ReductionAttributes>(operator, [x], { axes });
  const kept = keepDims || axes.length === 0;
  return (kept ? y : withShape(y, without(y.shape, axes))) as Result<X>;
}

/**
 * The sum over axes, accurate for millions of elements: parts of some thousand elements are summed
 * in vectors, the parts in float64.
 *
 * @param x float32 or float64, of any shape
 * @param options.axis an axis or several, negative ones from the end; default: all
 * @param options.keepDims the reduced axes stay with size 1; default false
 * @throws ERR_ARGUMENT for an axis that x does not have
 */
export function sum<X extends Operand>(x: X, options: ReductionOptions = {}): Result<X> {
  return reduce(sumOperator, x, options);
}

/**
 * The mean over axes; options as `sum`. Over a batch, of the samples that a step has.
 * @param x float32 or float64, of any shape
 */
export function mean<X extends Operand>(x: X, options: ReductionOptions = {}): Result<X> {
  return reduce(meanOperator, x, options);
}
