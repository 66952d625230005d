import { type Case, type Family, literal, sizes, uniform, type WrongData } from './case.ts';

const finite: Case[] = [[], [1], [67], [3, 5, 7], [0]].map((shape) => ({
  operator: 'checkFinite',
  title: `${sizes(shape) || 'a scalar'} of numbers`,
  seed: 1,
  inputs: [uniform(shape, -1e30, 1e30)],
  attributes: {},
  model: { kind: 'exact' },
}));

const notFinite: WrongData[] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
].flatMap((value) =>
  [0, 16, 66].map((place) => ({
    operator: 'checkFinite',
    title: `checkFinite: ${value} at ${place} of 67`,
    inputs: [
      literal(
        Array.from({ length: 67 }, (_, i) => (i === place ? value : i)),
        [67],
      ),
    ],
    attributes: {},
    code: 'ERR_NON_FINITE' as const,
    message: ['checkFinite'],
  })),
);

/** The check that ends a step whose loss is no number. */
export const checkFiniteCases: Family = { cases: finite, wrongCalls: [], wrongData: notFinite };
