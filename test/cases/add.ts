import { type Tensor, zeros } from '../../lib/tensor.ts';
import { type Case, type Family, literal, sizes, uniform, type WrongCall } from './case.ts';
import { checkedWhenSmall, hasRows, shapes, specials } from './elements.ts';

const sums: Case[] = shapes.map((shape) => ({
  operator: 'add',
  title: sizes(shape) || 'a scalar',
  seed: 1,
  inputs: [uniform(shape), uniform(shape, -1e-3, 1e3)],
  attributes: {},
  model: { kind: 'exact' },
  ...(hasRows(shape) ? { perSample: [0, 1] } : {}),
  ...checkedWhenSmall(shape, 0, 1),
}));

const special: Case = {
  operator: 'add',
  title: 'NaN, infinities, −0',
  seed: 1,
  inputs: [literal(specials, [40]), literal(specials.toReversed(), [40])],
  attributes: {},
  model: { kind: 'exact' },
};

const wrongCalls: WrongCall[] = [
  {
    operator: 'add',
    title: 'shapes that differ',
    call: (ops) => ops.add(zeros([2, 3]), zeros([3, 2])),
    code: 'ERR_SHAPE',
    message: ['add', '(2, 3)', '(3, 2)'],
  },
  {
    operator: 'add',
    title: 'shapes that would broadcast elsewhere',
    call: (ops) => ops.add(zeros([2, 3]), zeros([3])),
    code: 'ERR_SHAPE',
    message: ['add', '(2, 3)', '(3)'],
  },
  {
    operator: 'add',
    title: 'dtypes that mix',
    call: (ops) => ops.add(zeros([2]), zeros([2], 'float64')),
    code: 'ERR_DTYPE',
    message: ['add', 'float32', 'float64'],
  },
  {
    operator: 'add',
    title: 'a number for a tensor',
    call: (ops) => ops.add(zeros([2]), 3 as unknown as Tensor),
    code: 'ERR_ARGUMENT',
    message: ['add', 'b', '3'],
  },
];

/** The sum of two tensors. */
export const addCases: Family = {
  cases: [...sums, special],
  wrongCalls,
  wrongData: [],
};
