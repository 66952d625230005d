import { zeros } from '../../lib/tensor.ts';
import { Random } from '../support/random.ts';
import { broadcasts, rowsOf } from './binary.ts';
import {
  bytes,
  type Case,
  type Family,
  type Input,
  literal,
  seeds,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, shapes, specials } from './elements.ts';

type Shape = readonly number[];
type Three = readonly [condition: Shape, a: Shape, b: Shape];

/** 0, 1 and now and then another byte. */
function conditions(shape: Shape): Input {
  return (making) => {
    const drawn = bytes(shape)(making);
    if (drawn !== null)
      drawn.data.set(drawn.data.map((value) => (value > 250 ? value : value % 2)));
    return drawn;
  };
}

function caseOf(three: Three, seed = 1, dtype: 'int32' | 'uint8' | null = null): Case {
  const [condition, a, b] = three;
  const values = (shape: Shape): Input => (dtype === null ? uniform(shape) : bytes(shape, dtype));
  const size = Math.max(...three.map((shape) => shape.reduce((x, y) => x * y, 1)));
  return {
    operator: 'where',
    title: `${three.map((shape) => sizes(shape) || 'a scalar').join(', ')}${dtype === null ? '' : `, ${dtype}`}`,
    seed,
    inputs: [conditions(condition), values(a), values(b)],
    attributes: {},
    model: { kind: 'exact' },
    ...rowsOf(...three),
    ...(dtype === null ? checkedWhenSmall([size], 1, 2) : {}),
  };
}

function randomThree(seed: number): Three {
  const random = new Random(seed * 32_452_843);
  const rank = random.integer(1, 5);
  const full = Array.from({ length: rank }, () =>
    random.pick([1, 2, random.integer(1, 9), random.integer(1, rank < 3 ? 140 : 20)]),
  );
  const thin = (): Shape => full.map((size) => (random.next() < 0.35 ? 1 : size));
  return [thin(), thin(), thin()];
}

const special: Case = {
  operator: 'where',
  title: 'NaN, infinities, −0 against each other',
  seed: 1,
  inputs: [conditions([9, 1]), literal(specials, [1, 40]), literal(specials.toReversed(), [1, 40])],
  attributes: {},
  model: { kind: 'exact' },
};

const wrongCalls: WrongCall[] = [
  {
    operator: 'where',
    title: 'a condition of floats',
    call: (ops) => ops.where(zeros([2]), zeros([2]), zeros([2])),
    code: 'ERR_DTYPE',
    message: ['where', 'condition', 'uint8', 'float32 (2)'],
  },
  {
    operator: 'where',
    title: 'dtypes that mix',
    call: (ops) => ops.where(zeros([2], 'uint8'), zeros([2]), zeros([2], 'float64')),
    code: 'ERR_DTYPE',
    message: ['where', 'a is float32', 'b is float64'],
  },
  {
    operator: 'where',
    title: 'two numbers',
    call: (ops) => ops.where(zeros([2], 'uint8'), 1, 0),
    code: 'ERR_ARGUMENT',
    message: ['where', '[1, 0]'],
  },
  {
    operator: 'where',
    title: 'shapes that do not broadcast',
    call: (ops) => ops.where(zeros([2], 'uint8'), zeros([3, 4]), 0),
    code: 'ERR_SHAPE',
    message: ['where', 'condition (2)', 'a (3, 4)'],
  },
];

/** The choice between two tensors. */
export const whereCases: Family = {
  cases: [
    ...shapes.map((shape) => caseOf([shape, shape, shape])),
    ...broadcasts.flatMap(([a, b]) => [
      caseOf([a, b, a.length === 0 || b.length === 0 ? [] : a.map(() => 1)]),
      caseOf([a, a, b]),
    ]),
    ...seeds(20).map((seed) => caseOf(randomThree(seed), seed)),
    ...seeds(8).map((seed) => caseOf(randomThree(seed), seed, 'int32')),
    ...seeds(8).map((seed) => caseOf(randomThree(seed), seed, 'uint8')),
    special,
  ],
  wrongCalls,
  wrongData: [],
};
