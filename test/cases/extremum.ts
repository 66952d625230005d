import { zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type Family,
  integers,
  literal,
  seeds,
  spread,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, specials } from './elements.ts';
import {
  type Reduction,
  randomReduction,
  reductions,
  rowsOf,
  terms,
  titleOf,
} from './reduction.ts';

const names = ['max', 'min', 'argmax', 'argmin'] as const;
type Name = (typeof names)[number];

function isArg(operator: Name): boolean {
  return operator.startsWith('arg');
}

function fits(operator: Name, reduction: Reduction): boolean {
  const [shape, axes] = reduction;
  return (
    terms(reduction) > 0 && (!isArg(operator) || axes.length < 2 || axes.length === shape.length)
  );
}

/** With distinct numbers, and with many that are equal. */
function casesOf(operator: Name, reduction: Reduction, seed = 1): Case[] {
  const [shape, axes] = reduction;
  if (!fits(operator, reduction)) return [];
  const common = {
    operator,
    seed,
    attributes: { axes },
    model: { kind: 'exact' },
    ...rowsOf(reduction, 0),
  } as const;
  const checked = isArg(operator) ? {} : checkedWhenSmall(shape, 0);
  return [
    { ...common, title: titleOf(reduction), inputs: [spread(shape)], ...checked },
    { ...common, title: `${titleOf(reduction)}, with ties`, inputs: [integers(shape, -4, 4)] },
  ];
}

function special(operator: Name): Case[] {
  const common = { operator, seed: 1, model: { kind: 'exact' } } as const;
  const values = Array.from({ length: 60 }, (_, i) => specials[(i * 7) % 9] as number);
  return [
    ...[0, 1].map((axis) => ({
      ...common,
      title: `NaN, infinities, −0 along axis ${axis}`,
      inputs: [literal(values, [20, 3])],
      attributes: { axes: [axis] },
    })),
    ...[0, 17, 40, 69].map((at) => ({
      ...common,
      title: `one NaN at ${at} of 70`,
      inputs: [
        literal(
          Array.from({ length: 70 }, (_, i) => (i === at ? Number.NaN : i % 5)),
          [70],
        ),
      ],
      attributes: { axes: [0] },
    })),
    {
      ...common,
      title: 'infinities alone',
      inputs: [
        literal(
          [-1, 1, -1, -1, 1, 1].map((sign) => sign * Number.POSITIVE_INFINITY),
          [3, 2],
        ),
      ],
      attributes: { axes: [1] },
    },
  ];
}

function wrongCallsOf(operator: Name): WrongCall[] {
  return [
    {
      operator,
      title: 'no element to choose from',
      call: (ops) => ops[operator](zeros([2, 0]), { axis: 1 }),
      code: 'ERR_SHAPE',
      message: [operator, '(2, 0)', 'no element'],
    },
    {
      operator,
      title: 'an axis beyond the last',
      call: (ops) => ops[operator](zeros([2, 3]), { axis: 2 }),
      code: 'ERR_ARGUMENT',
      message: [operator, 'axis', '2'],
    },
    {
      operator,
      title: 'integers',
      call: (ops) => ops[operator](zeros([2], 'int32')),
      code: 'ERR_DTYPE',
      message: [operator, 'int32 (2)'],
    },
    ...(isArg(operator)
      ? [
          {
            operator,
            title: 'some of several axes',
            call: (ops) => ops[operator](zeros([2, 3, 4]), { axis: [0, 1] }),
            code: 'ERR_SHAPE',
            message: [operator, '(0,1)', '(2, 3, 4)'],
          } satisfies WrongCall,
        ]
      : []),
  ];
}

/** Extremes over axes and where they are. */
export const extremumCases: Family = {
  cases: names.flatMap((operator) => [
    ...reductions.flatMap((reduction) => casesOf(operator, reduction)),
    ...seeds(20).flatMap((seed) => casesOf(operator, randomReduction(seed), seed)),
    ...special(operator),
  ]),
  wrongCalls: names.flatMap(wrongCallsOf),
  wrongData: [],
};
