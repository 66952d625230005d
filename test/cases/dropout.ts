import type { DropoutAttributes } from '../../lib/ops/dropout.ts';
import { tensor, zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type Family,
  literal,
  scalar64,
  sizes,
  uniform,
  type WrongCall,
  type WrongData,
} from './case.ts';
import { checkedWhenSmall, shapes, specials } from './elements.ts';

const usual: DropoutAttributes = {
  rate: 0.5,
  seed: [1234, 0],
  stream: 77,
  channelsLast: false,
};

interface Dropping {
  readonly operator?: string;
  readonly shape: readonly number[];
  readonly step?: number;
  readonly attributes?: Partial<DropoutAttributes>;
}

function dropoutCase({ operator = 'dropout', shape, step = 3, attributes = {} }: Dropping): Case {
  return {
    operator,
    title: `${sizes(shape) || 'a scalar'} in step ${step}, ${JSON.stringify(attributes)}`,
    seed: 1,
    inputs: [uniform(shape), scalar64(step)],
    attributes: { ...usual, ...attributes } as DropoutAttributes,
    model: { kind: 'exact' },
    ...checkedWhenSmall(shape, 0),
  };
}

const spatial = 'spatialDropout';
const largest = Number.MAX_SAFE_INTEGER;

const cases: Case[] = [
  ...[...shapes, [2, 2, 1, 3, 2, 1, 2, 3]].map((shape) => dropoutCase({ shape })),
  ...[0, 1, 2 ** 32 - 1, 2 ** 32, largest].map((step) => dropoutCase({ shape: [150], step })),
  ...[0, 0.1, 1 / 3, 0.9, 1 - 2 ** -53, 2 ** -40].map((rate) =>
    dropoutCase({ shape: [150], attributes: { rate } }),
  ),
  dropoutCase({ shape: [150], attributes: { seed: [2 ** 32 - 1, 2 ** 21 - 1] } }),
  dropoutCase({ shape: [150], attributes: { stream: 2 ** 32 - 1 } }),
  ...[
    [3, 0],
    [2, 3, 0],
    [4, 5],
    [2, 3, 7],
    [2, 3, 4, 5],
    [2, 130, 5, 3],
    [2, 3, 1, 2, 2, 1, 1, 3],
    [3, 5, 70, 65],
  ].map((shape) => dropoutCase({ operator: spatial, shape })),
  ...[0, 0.25].map((rate) =>
    dropoutCase({ operator: spatial, shape: [2, 9, 4], attributes: { rate } }),
  ),
  ...['dropout', spatial].map(
    (operator): Case => ({
      operator,
      title: 'NaN, −0 and infinities',
      seed: 1,
      inputs: [literal(specials, [8, 5]), scalar64(0)],
      attributes: usual,
      model: { kind: 'exact' },
    }),
  ),
];

const wrongOptions: readonly [string, object, string][] = [
  ['no seed', {}, 'seed'],
  ['a negative seed', { seed: -1 }, 'seed'],
  ['a fractional seed', { seed: 0.5 }, 'seed'],
  ['rate 1', { seed: 1, rate: 1 }, 'rate'],
  ['a negative rate', { seed: 1, rate: -0.1 }, 'rate'],
  ['rate NaN', { seed: 1, rate: Number.NaN }, 'rate'],
  ['a negative step', { seed: 1, step: -1 }, 'step'],
  ['a fractional step', { seed: 1, step: 0.5 }, 'step'],
  ['a stream that is a number', { seed: 1, stream: 4 }, 'stream'],
  ['an unknown option', { seed: 1, p: 0.5 }, "'p'"],
];

const wrongCalls: WrongCall[] = (['dropout', spatial] as const).flatMap((operator): WrongCall[] => [
  ...wrongOptions.map(
    ([title, options, part]): WrongCall => ({
      operator,
      title,
      call: (ops) => ops[operator](zeros([2, 3]), options as never),
      code: 'ERR_ARGUMENT',
      message: [operator, part],
    }),
  ),
  {
    operator,
    title: 'integers',
    call: (ops) => ops[operator](zeros([2, 3], 'int32'), { seed: 1 }),
    code: 'ERR_DTYPE',
    message: [operator, 'int32 (2, 3)'],
  },
  {
    operator,
    title: 'a step that is a vector',
    call: (ops) => ops[operator](zeros([2, 3]), { seed: 1, step: tensor([1], [1], 'float64') }),
    code: 'ERR_DTYPE',
    message: [operator, 'float64 (1)'],
  },
]);

const wrongSteps: WrongData[] = ['dropout', spatial].flatMap((operator) =>
  [-1, 0.5, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY].map(
    (step): WrongData => ({
      operator,
      title: `${operator}: step ${step}`,
      inputs: [uniform([2, 3]), scalar64(step)],
      attributes: usual,
      code: 'ERR_ARGUMENT',
      message: [`[${operator}] expected step to be an integer in [0, 2^53) but received`],
    }),
  ),
);

/** Masks of random zeros. */
export const dropoutCases: Family = {
  cases,
  wrongCalls: [
    ...wrongCalls,
    {
      operator: spatial,
      title: 'a vector',
      call: (ops) => ops.spatialDropout(zeros([3]), { seed: 1 }),
      code: 'ERR_SHAPE',
      message: [spatial, '(3)'],
    },
  ],
  wrongData: wrongSteps,
};
