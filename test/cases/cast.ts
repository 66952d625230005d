import { type DType, tensor, zeros } from '../../lib/tensor.ts';
import { type Case, type Family, type Input, literal, sizes, uniform } from './case.ts';
import { checkedWhenSmall, hasRows, shapes } from './elements.ts';

const dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'uint8'];

/** Around every bound of the integer dtypes and beyond them, halves, ties, and what is no number. */
const bounds = [0, 127, 128, 255, 256, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 53, 2 ** 63, 1e30]
  .flatMap((value) => [-0.5, 0, 0.5, 1].map((more) => value + more))
  .flatMap((value) => [value, -value]);
const hard = [
  ...bounds,
  ...[Number.NaN, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, 1 / 3],
  ...[1e300, -1e300, 3.4028235677973366e38, 1 + 2 ** -24, 1 + 3 * 2 ** -24, 4294967295.9],
];

/** Integers of the whole range. */
function wide(shape: readonly number[], dtype: 'int32' | 'uint8'): Input {
  return ({ random }) => {
    const x = zeros(shape, dtype);
    for (let i = 0; i < x.size; i++) x.data[i] = random.integer(-(2 ** 31), 2 ** 31 - 1);
    return x;
  };
}

const edges = [
  -(2 ** 31),
  -(2 ** 24) - 1,
  -257,
  -256,
  -1,
  0,
  1,
  255,
  256,
  2 ** 24 + 1,
  2 ** 31 - 1,
];

function caseOf(title: string, input: Input, dtype: DType, shape: readonly number[]): Case {
  return {
    operator: 'cast',
    title: `${title} to ${dtype}`,
    seed: 1,
    inputs: [input],
    attributes: { dtype },
    model: { kind: 'exact' },
    ...(hasRows(shape) ? { perSample: [0] } : {}),
  };
}

function casesTo(dtype: DType): Case[] {
  const whole = ['int32', 'uint8'] as const;
  return [
    ...shapes.map(
      (shape): Case => ({
        ...caseOf(sizes(shape) || 'a scalar', uniform(shape, -300, 300), dtype, shape),
        ...(dtype === 'float64' ? checkedWhenSmall(shape, 0) : {}),
      }),
    ),
    ...whole.flatMap((from) =>
      [[67], [5, 13], [70_001]].map((shape) =>
        caseOf(`${from} ${sizes(shape)}`, wide(shape, from), dtype, shape),
      ),
    ),
    caseOf('hard values', literal(hard, [hard.length]), dtype, []),
    caseOf('int32 edges', () => tensor(edges, [edges.length], 'int32'), dtype, []),
  ];
}

/** Values in another dtype. */
export const castCases: Family = {
  cases: dtypes.flatMap(casesTo),
  wrongCalls: [
    {
      operator: 'cast',
      title: 'no dtype',
      call: (ops) => ops.cast(zeros([2]), 'float' as never),
      code: 'ERR_ARGUMENT',
      message: ['[cast]', "'float'", "'float32'"],
    },
  ],
  wrongData: [],
};
