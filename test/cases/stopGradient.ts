import { type Case, type Family, sizes, uniform } from './case.ts';

/** Values that differentiation takes for constants. */
export const stopGradientCases: Family = {
  cases: [[2, 3, 4, 5], [7], [], [0, 3]].map(
    (shape): Case => ({
      operator: 'stopGradient',
      title: sizes(shape) || 'a scalar',
      seed: 1,
      inputs: [uniform(shape)],
      attributes: {},
      model: { kind: 'exact' },
      ...(shape.length > 0 && shape[0] !== 0 ? { perSample: [0] } : {}),
    }),
  ),
  wrongCalls: [
    {
      operator: 'stopGradient',
      title: 'a number',
      call: (ops) => ops.stopGradient(1 as never),
      code: 'ERR_ARGUMENT',
      message: ['stopGradient', '1'],
    },
  ],
  wrongData: [],
};
