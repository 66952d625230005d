import { checkBoolean, checkOptions, shapeError } from '../errors.ts';
import { elementCount, formatShape } from '../shape.ts';
import { broadcastSpec, sumTo, withRank } from './broadcast.ts';
import {
  type Attributes,
  apply,
  checkFloats,
  checkOperand,
  isBatched,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
  type Spec,
} from './operator.ts';
import { withShape } from './reshape.ts';

/** Which operand is used transposed. */
export interface MatmulOptions {
  /** Whether the last two axes of a are exchanged; default false. */
  transposeA?: boolean;
  /** Whether the last two axes of b are exchanged; default false. */
  transposeB?: boolean;
}

export interface MatmulAttributes extends Attributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The matrices' sizes as they are used. */
function sizesOf({ shape }: Spec, transposed: boolean): [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** The axes before the last two, which broadcast. */
function batchOf({ shape, dtype, batched }: Spec): Spec {
  return makeSpec(shape.slice(0, -2), dtype, batched);
}

/** Of two matrices, whether the rows of y are the batch; a product may also sum over it. */
function rowsBatched(a: Spec, b: Spec, { transposeA, transposeB }: MatmulAttributes): boolean {
  const [left, right] = [isBatched(a), isBatched(b)];
  if ((right && transposeB) || (left && transposeA) !== right) {
    throw shapeError(
      'matmul',
      `a ${formatShape(a.shape)} and b ${formatShape(b.shape)}: a batch may be the rows of the product, or the inner size of both`,
    );
  }
  return left && !transposeA;
}

/**
 * a (…,M,K), b (…,K,N) of one rank ≥ 2, each stored transposed where its attribute says so →
 * y (…,M,N); the axes before the last two broadcast.
 */
export const matmulOperator: Operator<MatmulAttributes> = {
  name: 'matmul',
  inputs: ['a', 'b'],
  outputs: ['y'],
  infer([aSpec, bSpec], attributes) {
    const [a, b] = [need(aSpec), need(bSpec)];
    const { transposeA, transposeB } = attributes;
    checkFloats('matmul', { a, b });
    checkMatrices('a', a);
    checkMatrices('b', b);
    const [m, k] = sizesOf(a, transposeA);
    const [depth, n] = sizesOf(b, transposeB);
    if (k !== depth) {
      throw shapeError(
        'matmul',
        `a ${formatShape(a.shape)}${transposeA ? ' transposed' : ''} has ${k} columns but b ${formatShape(b.shape)}${transposeB ? ' transposed' : ''} has ${depth} rows`,
      );
    }
    if (a.shape.length !== b.shape.length) {
      throw shapeError(
        'matmul',
        `a ${formatShape(a.shape)} and b ${formatShape(b.shape)} must have the same rank`,
      );
    }
    if (a.shape.length === 2) {
      return [makeSpec([m, n], a.dtype, rowsBatched(a, b, attributes))];
    }
    const batches = { 'the batch of a': batchOf(a), 'the batch of b': batchOf(b) };
    const { shape, batched } = broadcastSpec('matmul', batches, a.dtype);
    return [makeSpec([...shape, m, n], a.dtype, batched)];
  },
  gradient({ inputs, gradients, attributes: { transposeA, transposeB }, wanted }) {
    const dy = need(gradients[0]);
    const [a, b] = [need(inputs[0]), need(inputs[1])];
    const toA = (): Operand =>
      transposeA
        ? matmul(b, dy, { transposeA: transposeB, transposeB: true })
        : matmul(dy, b, { transposeB: !transposeB });
    const toB = (left: Operand, message: Operand): Operand =>
      transposeB
        ? matmul(message, left, { transposeA: true, transposeB: transposeA })
        : matmul(left, message, { transposeA: !transposeA });
    // A b that all products share: their rows follow each other, so one product sums them.
    const shared = !transposeA && !isBatched(dy) && elementCount(b.shape.slice(0, -2)) === 1;
    const gradientOfB = (): Operand =>
      shared ? withShape(toB(flatRows(a), flatRows(dy)), b.shape) : sumTo(toB(a, dy), b);
    return [wanted[0] ? sumTo(toA(), a) : null, wanted[1] ? gradientOfB() : null];
  },
  multiplyAdds([a], [y], { transposeA }) {
    const { shape } = need(a);
    return elementCount(need(y).shape) * (shape.at(transposeA ? -2 : -1) as number);
  },
};

/** Throws ERR_SHAPE unless an operand has rank 2 or more. */
function checkMatrices(name: string, { shape }: Spec): void {
  if (shape.length >= 2) return;
  throw shapeError(
    'matmul',
    `${name} must have rank 2 or more but has shape ${formatShape(shape)}`,
  );
}

/** (…,M,K) → (…·M,K). */
function flatRows(x: Operand): Operand {
  if (x.shape.length === 2) return x;
  const columns = x.shape.at(-1) as number;
  return withShape(x, [elementCount(x.shape.slice(0, -1)), columns]);
}

/**
 * The matrix product y = a · b. Axes before the last two count matrices and broadcast as NumPy's.
 * Of a batched value of rank 2 the rows are the batch, else the first axis counts matrices.
 *
 * @param a (…,M,K), or (…,K,M) with `transposeA`
 * @param b (…,K,N), or (…,N,K) with `transposeB`
 * @returns (…,M,N)
 * @throws ERR_SHAPE when the inner sizes differ or the others do not broadcast; ERR_DTYPE when
 *   dtypes mix
 */
export function matmul<A extends Operand, B extends Operand>(
  a: A,
  b: B,
  options: MatmulOptions = {},
): Result<A | B> {
  checkOptions('matmul', options, ['transposeA', 'transposeB']);
  checkOperand('matmul', 'a', a);
  checkOperand('matmul', 'b', b);
  const transposeA = checkBoolean('matmul', 'transposeA', options.transposeA ?? false);
  const transposeB = checkBoolean('matmul', 'transposeB', options.transposeB ?? false);
  checkMatrices('a', a);
  checkMatrices('b', b);
  const rank = Math.max(a.shape.length, b.shape.length);
  const operands = [withRank('matmul', 'a', a, rank), withRank('matmul', 'b', b, rank)];
  return apply<Operand, MatmulAttributes>(matmulOperator, operands, {
    transposeA,
    transposeB,
  }) as Result<A | B>;
}
