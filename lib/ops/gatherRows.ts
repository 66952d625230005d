import { argumentError, checkOptions, dtypeError, shapeError } from '../errors.ts';
import { checkDType, type DType, describe } from '../tensor.ts';
import {
  type Attributes,
  apply,
  checkOperand,
  checkRank,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type ResultOf,
} from './operator.ts';

export interface GatherRowsAttributes extends Attributes {
  /** The dtype of the result: floating, or that of the data. */
  readonly dtype: DType;
  /** Floating results are value·scale + offset, computed in float64, then rounded. */
  readonly scale: number;
  readonly offset: number;
}

/** Settings of gatherRows. */
export interface GatherRowsOptions {
  /** Default: the data's dtype. */
  dtype?: DType;
  /** Default 1. */
  scale?: number;
  /** Default 0. */
  offset?: number;
}

/** data (M,…), indices int32 (N) → (N,…). */
export const gatherRowsOperator: Operator<GatherRowsAttributes> = {
  name: 'gatherRows',
  refuses: [1],
  inputs: ['data', 'indices'],
  outputs: ['rows'],
  infer([dataSpec, indicesSpec], { dtype, scale, offset }) {
    const [data, indices] = [need(dataSpec), need(indicesSpec)];
    if (data.shape.length === 0)
      throw shapeError('gatherRows', 'data must have rows but has shape ()');
    checkRank('gatherRows', 'indices', indices, 1);
    if (indices.dtype !== 'int32') {
      throw dtypeError('gatherRows', `indices must be int32 (N) but are ${describe(indices)}`);
    }
    const floating = dtype === 'float32' || dtype === 'float64';
    if (!floating && (dtype !== data.dtype || scale !== 1 || offset !== 0)) {
      throw dtypeError('gatherRows', `rows of ${data.dtype} cannot be scaled or become ${dtype}`);
    }
    return [makeSpec([indices.shape[0] as number, ...data.shape.slice(1)], dtype, indices.batched)];
  },
};

/**
 * The rows of `data` that `indices` names, scaled on the way: how a shuffled batch is made from a
 * data set that stays where it is. It has no gradient.
 *
 * @param data (M,…)
 * @param indices int32 (N), each in [0, M)
 * @returns (N,…)
 * @throws ERR_DTYPE when the indices are not int32; ERR_ARGUMENT for an index out of range
 */
export function gatherRows<X extends Operand, I extends Operand>(
  data: X,
  indices: I,
  options: GatherRowsOptions = {},
): ResultOf<X | I, DType> {
  checkOperand('gatherRows', 'data', data);
  checkOptions('gatherRows', options, ['dtype', 'scale', 'offset']);
  const { dtype = data.dtype, scale = 1, offset = 0 } = options;
  checkDType('gatherRows', dtype);
  for (const [name, value] of Object.entries({ scale, offset })) {
    if (!Number.isFinite(value)) throw argumentError('gatherRows', `${name} to be finite`, value);
  }
  const attributes = { dtype, scale, offset };
  return apply<Operand, GatherRowsAttributes>(
    gatherRowsOperator,
    [data, indices],
    attributes,
  ) as ResultOf<X | I, DType>;
}
