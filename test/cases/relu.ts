import { zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type Family,
  integers,
  literal,
  sizes,
  spread,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, hasRows, shapes, specials } from './elements.ts';

function casesOf(shape: readonly number[]): Case[] {
  const common = {
    title: sizes(shape) || 'a scalar',
    seed: 1,
    attributes: {},
    model: { kind: 'exact' },
  } as const;
  return [
    {
      ...common,
      operator: 'relu',
      inputs: [spread(shape)],
      ...(hasRows(shape) ? { perSample: [0] } : {}),
      ...checkedWhenSmall(shape, 0),
    },
    {
      ...common,
      operator: 'reluGradient',
      inputs: [uniform(shape), integers(shape, -1, 1)],
      ...(hasRows(shape) ? { perSample: [0, 1] } : {}),
      ...checkedWhenSmall(shape, 0),
    },
  ];
}

const special: Case[] = [
  {
    operator: 'relu',
    title: 'NaN, infinities, −0, the smallest normal number of float32',
    seed: 1,
    inputs: [literal(specials, [40])],
    attributes: {},
    model: { kind: 'exact' },
  },
  {
    operator: 'reluGradient',
    title: 'where y is NaN, infinite, −0',
    seed: 1,
    inputs: [uniform([40]), literal(specials, [40])],
    attributes: {},
    model: { kind: 'exact' },
  },
];

const wrongCalls: WrongCall[] = [
  {
    operator: 'relu',
    title: 'integers',
    call: (ops) => ops.relu(zeros([2], 'int32')),
    code: 'ERR_DTYPE',
    message: ['relu', 'int32 (2)'],
  },
];

/** The rectified linear unit and its gradient. */
export const reluCases: Family = {
  cases: [...shapes.flatMap(casesOf), ...special],
  wrongCalls,
  wrongData: [],
};
