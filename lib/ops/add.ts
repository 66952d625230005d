import {
  apply,
  checkFloats,
  checkSameShape,
  makeSpec,
  need,
  type Operand,
  type Operator,
  type Result,
} from './operator.ts';

type NoAttributes = Readonly<Record<string, never>>;

/** a + b of one shape. */
export const addOperator: Operator<NoAttributes> = {
  name: 'add',
  inputs: ['a', 'b'],
  outputs: ['y'],
  layout: 'any',
  inPlace: [
    [0, 0],
    [0, 1],
  ],
  infer([aSpec, bSpec]) {
    const [a, b] = [need(aSpec), need(bSpec)];
    checkFloats('add', { a, b });
    checkSameShape('add', ['a', 'b'], a, b);
    return [makeSpec(a.shape, a.dtype, a.batched || b.batched)];
  },
  gradient({ gradients }) {
    const dy = need(gradients[0]);
    return [dy, dy];
  },
};

/**
 * a + b, element by element.
 * @throws ERR_SHAPE when the shapes differ; ERR_DTYPE when dtypes mix
 */
export function add<A extends Operand, B extends Operand>(a: A, b: B): Result<A | B> {
  return apply<A | B, NoAttributes>(addOperator, [a, b], {});
}
