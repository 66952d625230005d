import { zeros } from '../../lib/tensor.ts';
import { type Case, type Family, sizes, uniform, type WrongCall } from './case.ts';

const exact = { kind: 'exact' } as const;

function caseOf(from: readonly number[], to: readonly number[], keepFirst = false): Case {
  return {
    operator: 'reshape',
    title: `${sizes(from)} to ${sizes(keepFirst ? [from[0] as number, ...to] : to)}`,
    seed: 1,
    inputs: [uniform(from)],
    attributes: { shape: to, keepFirst },
    model: exact,
    ...(from.includes(0) ? {} : { gradient: { inputs: [0], tolerance: 1e-6 } }),
  };
}

const reshapes: Case[] = [
  caseOf([2, 3, 4], [4, 6]),
  caseOf([6], [1, 2, 3, 1]),
  caseOf([1], []),
  caseOf([0, 4], [2, 0]),
  caseOf([2, 3, 2, 2], [12], true),
];

const wrongCalls: WrongCall[] = [
  {
    operator: 'reshape',
    title: 'another number of elements',
    call: (ops) => ops.reshape(zeros([2, 3]), [7]),
    code: 'ERR_SHAPE',
    message: ['reshape', '(2, 3)', '(7)'],
  },
  {
    operator: 'reshape',
    title: 'a size that does not come out',
    call: (ops) => ops.reshape(zeros([2, 3]), [4, -1]),
    code: 'ERR_SHAPE',
    message: ['reshape', '(2, 3)', '(4, -1)'],
  },
  {
    operator: 'reshape',
    title: 'two unknown sizes',
    call: (ops) => ops.reshape(zeros([2, 3]), [-1, -1]),
    code: 'ERR_SHAPE',
    message: ['reshape', '-1'],
  },
  {
    operator: 'reshape',
    title: 'flatten of a scalar',
    call: (ops) => ops.flatten(zeros([])),
    code: 'ERR_SHAPE',
    message: ['flatten', '()'],
  },
];

/** Other shapes of the same elements. */
export const reshapeCases: Family = {
  cases: reshapes,
  wrongCalls,
  wrongData: [],
};
