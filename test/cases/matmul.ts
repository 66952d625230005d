import { zeros } from '../../lib/tensor.ts';
import { Random } from '../support/random.ts';
import {
  type Case,
  type Family,
  integers,
  lengths,
  seeds,
  uniform,
  type WrongCall,
} from './case.ts';

type Sizes = readonly [M: number, N: number, K: number];

function casesOf([M, N, K]: Sizes, transposeA: boolean, transposeB: boolean, seed = 1): Case[] {
  const a = transposeA ? [K, M] : [M, K];
  const b = transposeB ? [N, K] : [K, N];
  const small = M * N * K > 0 && M * K + K * N <= 60;
  return [true, false].map((exact) => ({
    operator: 'matmul',
    title: `${M}x${K} · ${K}x${N}${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}, ${exact ? 'integers' : 'reals'}`,
    seed,
    inputs: exact ? [integers(a), integers(b)] : [uniform(a), uniform(b)],
    attributes: { transposeA, transposeB },
    model: exact ? { kind: 'exact' } : { kind: 'dot', terms: K },
    ...(transposeA ? {} : { perSample: [0] }),
    ...(small && !exact ? { gradient: { inputs: [0, 1], tolerance: 1e-6 } } : {}),
  }));
}

const ways: readonly (readonly [boolean, boolean])[] = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
];

const chosen: Sizes[] = [
  [1, 1, 1],
  [3, 4, 5],
  [2, 7, 3],
  [0, 5, 3],
  [4, 0, 3],
  [4, 5, 0],
  [6, 16, 1],
  [13, 33, 70],
  [129, 65, 300],
  [3, 5, 16_384],
  [200, 100, 130],
];

function randomSizes(seed: number): { sizes: Sizes; way: readonly [boolean, boolean] } {
  const random = new Random(seed * 7919);
  const size = () =>
    random.pick([random.integer(1, 9), random.pick(lengths), random.integer(1, 140)]);
  return { sizes: [size(), size(), size()], way: random.pick(ways) };
}

const wrongCalls: WrongCall[] = [
  {
    operator: 'matmul',
    title: 'inner sizes that differ',
    call: (ops) => ops.matmul(zeros([2, 3]), zeros([2, 3])),
    code: 'ERR_SHAPE',
    message: ['matmul', '(2, 3)', '3 columns', '2 rows'],
  },
  {
    operator: 'matmul',
    title: 'rank 3',
    call: (ops) => ops.matmul(zeros([1, 2, 3]), zeros([3, 2])),
    code: 'ERR_SHAPE',
    message: ['matmul', '(1, 2, 3)'],
  },
  {
    operator: 'matmul',
    title: 'dtypes that mix',
    call: (ops) => ops.matmul(zeros([2, 3]), zeros([3, 2], 'float64')),
    code: 'ERR_DTYPE',
    message: ['matmul', 'float32', 'float64'],
  },
];

/** The matrix product. */
export const matmulCases: Family = {
  cases: [
    ...chosen.flatMap((sizes) => ways.flatMap(([a, b]) => casesOf(sizes, a, b))),
    ...seeds(40).flatMap((seed) => {
      const { sizes, way } = randomSizes(seed);
      return casesOf(sizes, way[0], way[1], seed);
    }),
  ],
  wrongCalls,
  wrongData: [],
};
