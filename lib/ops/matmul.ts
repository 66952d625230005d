import { checkBoolean, checkOptions, shapeError } from '../errors.ts';
import { formatShape } from '../shape.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkRank,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';

/** Which operand is used transposed. */
export interface MatmulOptions {
  transposeA?: boolean;
  transposeB?: boolean;
}

export interface MatmulAttributes extends Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** a (M,K), b (K,N), each stored transposed where its attribute says so → y (M,N). */
export const matmulOperator: Operator<MatmulAttributes> = {
  name: 'matmul',
  inputs: ['a', 'b'],
  outputs: ['y'],
  infer([aSpec, bSpec], { transposeA, transposeB }) {
    const [a, b] = [need(aSpec), need(bSpec)];
    checkFloats('matmul', { a, b });
    checkRank('matmul', 'a', a, 2);
    checkRank('matmul', 'b', b, 2);
    const [m, k] = (transposeA ? [...a.shape].reverse() : a.shape) as [number, number];
    const [depth, n] = (transposeB ? [...b.shape].reverse() : b.shape) as [number, number];
    if (k !== depth) {
      throw shapeError(
        'matmul',
        `a ${formatShape(a.shape)}${transposeA ? ' transposed' : ''} has ${k} columns but b ${formatShape(b.shape)}${transposeB ? ' transposed' : ''} has ${depth} rows`,
      );
    }
    return [makeSpec([m, n], a.dtype, (a.batched && !transposeA) || undefined)];
  },
  gradient({ inputs: [a, b], gradients, attributes: { transposeA, transposeB }, wanted }) {
    const dy = need(gradients[0]);
    const [left, right] = [need(a), need(b)];
    return [
      wanted[0]
        ? transposeA
          ? matmul(right, dy, { transposeA: transposeB, transposeB: true })
          : matmul(dy, right, { transposeB: !transposeB })
        : null,
      wanted[1]
        ? transposeB
          ? matmul(dy, left, { transposeA: true, transposeB: transposeA })
          : matmul(left, dy, { transposeA: !transposeA })
        : null,
    ];
  },
  multiplyAdds([a], [y], { transposeA }) {
    const [m = 0, n = 0] = need(y).shape;
    return m * n * (need(a).shape[transposeA ? 0 : 1] as number);
  },
};

/**
 * The matrix product y = a · b.
 *
 * @param a (M,K), or (K,M) with `transposeA`
 * @param b (K,N), or (N,K) with `transposeB`
 * @returns (M,N)
 * @throws ERR_SHAPE when the inner sizes differ; ERR_DTYPE when dtypes mix
 */
export function matmul<A extends Operand, B extends Operand>(
  a: A,
  b: B,
  options: MatmulOptions = {},
): Result<A | B> {
  checkOptions('matmul', options, ['transposeA', 'transposeB']);
  const transposeA = checkBoolean('matmul', 'transposeA', options.transposeA ?? false);
  const transposeB = checkBoolean('matmul', 'transposeB', options.transposeB ?? false);
  return apply<A | B, MatmulAttributes>(matmulOperator, [a, b], { transposeA, transposeB });
}
