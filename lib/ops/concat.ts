import { argumentError, checkOptions, dtypeError, shapeError } from '../errors.ts';
import { checkAxis, formatShape } from '../shape.ts';
import { describe } from '../tensor.ts';
import {
  type Attributes,
  apply,
  channelsLastAxis,
  checkOperand,
  checkSamplesStay,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';
import { sliceOperator } from './slice.ts';

export interface ConcatAttributes extends Attributes {
  readonly axis: number;
}

/** Settings of concat. */
export interface ConcatOptions {
  /** The axis along which the values follow each other; negative counts from the end. Default 0. */
  axis?: number;
}

/** The most operands of one native call; more are put together in several. */
const mostOperands = 32;

function checkAlike(first: Spec, x: Spec, i: number, axis: number): void {
  if (x.dtype !== first.dtype) {
    throw dtypeError('concat', `x[0] is ${describe(first)} but x[${i}] is ${describe(x)}`);
  }
  const alike =
    x.shape.length === first.shape.length &&
    x.shape.every((size, a) => a === axis || size === first.shape[a]);
  if (!alike || (x.batched ?? false) !== (first.batched ?? false)) {
    const batches = [first, x].map(({ batched }) => (batched ? ' batched' : ''));
    throw shapeError(
      'concat',
      `x[0]${batches[0]} ${formatShape(first.shape)} and x[${i}]${batches[1]} ${formatShape(x.shape)} must agree but along axis ${axis}`,
    );
  }
}

/** x[0], x[1], … of any dtype, sizes equal but along `axis` → y, one after the other along it. */
export const concatOperator: Operator<ConcatAttributes> = {
  name: 'concat',
  inputs: ['x…'],
  outputs: ['y'],
  layout: 'any',
  channelsLast: ({ axis }) => ({ axis: channelsLastAxis(axis) }),
  infer(specs, { axis }) {
    const inputs = specs.map(need);
    const first = need(inputs[0]);
    if (first.shape.length === 0) throw shapeError('concat', 'x[0] of shape () has no axis');
    for (const [i, x] of inputs.entries()) {
      checkAlike(first, x, i, axis);
      checkSamplesStay('concat', `x[${i}]`, x, [axis]);
    }
    const shape = [...first.shape];
    shape[axis] = inputs.reduce((sum, x) => sum + (x.shape[axis] as number), 0);
    return [makeSpec(shape, first.dtype, first.batched)];
  },
  gradient({ inputs, gradients, attributes: { axis }, wanted }) {
    const dy = need(gradients[0]);
    let end = 0;
    return inputs.map((input, i) => {
      const start = end;
      end += need(input).shape[axis] as number;
      if (!wanted[i]) return null;
      return apply(sliceOperator, [dy], { axes: [axis], starts: [start], ends: [end], steps: [1] });
    });
  },
};

/**
 * Values one after the other along an axis.
 *
 * @param xs at least one value; all of one dtype, their sizes equal but along the axis
 * @throws ERR_SHAPE when other sizes differ or the axis is the batch, ERR_DTYPE when dtypes do,
 *   ERR_ARGUMENT when the axis does not exist
 */
export function concat<X extends Operand>(
  xs: readonly X[],
  options: ConcatOptions = {},
): Result<X> {
  if (!Array.isArray(xs) || xs.length === 0) {
    throw argumentError(
      'concat',
      'xs to be a list of at least one value, as in concat([a, b]),',
      xs,
    );
  }
  for (const [i, x] of xs.entries()) checkOperand('concat', `xs[${i}]`, x);
  checkOptions('concat', options, ['axis']);
  const rank = need(xs[0]).shape.length;
  if (rank === 0) throw shapeError('concat', 'x[0] of shape () has no axis');
  const axis = checkAxis('concat', 'axis', options.axis ?? 0, rank);
  let parts: readonly Operand[] = xs;
  while (parts.length > mostOperands) {
    const groups = Array.from({ length: Math.ceil(parts.length / mostOperands) }, (_, i) =>
      parts.slice(i * mostOperands, (i + 1) * mostOperands),
    );
    parts = groups.map((group) => apply(concatOperator, group, { axis }));
  }
  return apply(concatOperator, parts, { axis }) as Result<X>;
}
