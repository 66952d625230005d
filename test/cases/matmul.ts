import { elementCount } from '../../lib/shape.ts';
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

type Shape = readonly number[];
type Batches = readonly [a: Shape, b: Shape];

/** What counts matrices: the same for both, one for all, and both broadcast. */
const batches: readonly Batches[] = [
  [[3], [3]],
  [[3], [1]],
  [[1], [3]],
  [
    [2, 3],
    [2, 3],
  ],
  [
    [2, 1],
    [1, 3],
  ],
  [
    [2, 3],
    [1, 1],
  ],
  [[0], [1]],
  [[40], [40]],
];

/** Products of several matrices; a sample is what its first index counts. */
function batchedCase(
  [ofA, ofB]: Batches,
  [M, N, K]: Sizes,
  [transposeA, transposeB]: readonly [boolean, boolean],
  seed = 1,
): Case {
  const a = [...ofA, ...(transposeA ? [K, M] : [M, K])];
  const b = [...ofB, ...(transposeB ? [N, K] : [K, N])];
  const size = elementCount(a) + elementCount(b);
  const samples = Math.max(ofA[0] ?? 0, ofB[0] ?? 0);
  const counted = [ofA, ofB].flatMap(([first], i) => (first === samples ? [i] : []));
  return {
    operator: 'matmul',
    title: `(${a}) · (${b})${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}`,
    seed,
    inputs: [uniform(a), uniform(b)],
    attributes: { transposeA, transposeB },
    model: { kind: 'dot', terms: K },
    ...(ofA[0] === 0 ? {} : { perSample: counted }),
    ...(size > 0 && size <= 90 ? { gradient: { inputs: [0, 1], tolerance: 1e-6 } } : {}),
  };
}

function randomBatches(seed: number): Case {
  const random = new Random(seed * 49_979_687);
  const rank = random.integer(1, 3);
  const full = Array.from({ length: rank }, () => random.integer(1, 4));
  const thin = (): Shape => full.map((size) => (random.next() < 0.35 ? 1 : size));
  const size = () => random.pick([random.integer(1, 5), random.pick(lengths)]);
  return batchedCase([thin(), thin()], [size(), size(), size()], random.pick(ways), seed);
}

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
    title: 'rank 1',
    call: (ops) => ops.matmul(zeros([3]), zeros([3, 2])),
    code: 'ERR_SHAPE',
    message: ['matmul', 'a', '(3)'],
  },
  {
    operator: 'matmul',
    title: 'numbers of matrices that do not broadcast',
    call: (ops) => ops.matmul(zeros([4, 2, 3]), zeros([5, 3, 2])),
    code: 'ERR_SHAPE',
    message: ['matmul', 'the batch of a (4)', 'the batch of b (5)'],
  },
  {
    operator: 'matmul',
    title: 'a number',
    call: (ops) => ops.matmul(zeros([2, 3]), 2 as never),
    code: 'ERR_ARGUMENT',
    message: ['matmul', 'b', '2'],
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
    ...batches.flatMap((both) => ways.map((way) => batchedCase(both, [3, 4, 2], way))),
    ...ways.flatMap((way) => [
      batchedCase([[3], [3]], [33, 40, 70], way),
      batchedCase([[2], [2]], [210, 190, 230], way),
      batchedCase([[700], [1]], [5, 6, 7], way),
      batchedCase([[3], [1]], [1, 33, 64], way),
    ]),
    ...seeds(30).map(randomBatches),
  ],
  wrongCalls,
  wrongData: [],
};
