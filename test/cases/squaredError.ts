import type { Reduction } from '../../lib/ops/softmaxCrossEntropy.ts';
import { type Tensor, zeros } from '../../lib/tensor.ts';
import { type Case, type ErrorModel, type Family, sizes, uniform, type WrongCall } from './case.ts';
import { reductions } from './rows.ts';

const squaredErrorModel = (reduction: Reduction): ErrorModel =>
  reduction === 'none'
    ? { kind: 'ulp', ulps: 2 }
    : {
        kind: 'composed',
        derivation:
          'each square has relative error 3u, all are positive; a sum of K terms; a division',
        bounds: ([prediction], [loss], u) => {
          const terms = (prediction as Tensor).size;
          return [[(4 * Math.sqrt(terms) + 4) * u * Math.abs(loss?.data[0] as number)]];
        },
      };

function casesOf(shape: readonly number[]): Case[] {
  const size = shape.reduce((a, b) => a * b, 1);
  return reductions.flatMap((reduction): Case[] => {
    const each = reduction === 'none' && shape.length > 0;
    const common = { title: `${sizes(shape)}, ${reduction}`, seed: 1, attributes: { reduction } };
    return [
      {
        ...common,
        operator: 'squaredError',
        inputs: [uniform(shape), uniform(shape)],
        model: squaredErrorModel(reduction),
        ...(each ? { perSample: [0, 1] } : {}),
        ...(size > 0 && size <= 100 ? { gradient: { inputs: [0, 1], tolerance: 1e-6 } } : {}),
      },
      {
        ...common,
        operator: 'squaredErrorGradient',
        inputs: [
          uniform(shape),
          uniform(shape),
          uniform(reduction === 'none' ? shape : [], 0.5, 2),
        ],
        model: { kind: 'ulp', ulps: 4 },
        ...(each ? { perSample: [0, 1, 2] } : {}),
      },
    ];
  });
}

const wrongCalls: WrongCall[] = [
  {
    operator: 'squaredError',
    title: 'shapes that differ',
    call: (ops) => ops.squaredError(zeros([4, 3]), zeros([4])),
    code: 'ERR_SHAPE',
    message: ['squaredError', '(4, 3)', '(4)'],
  },
];

const shapes = [[1], [5], [3, 4], [0, 3], [2, 3, 4, 5], [1000, 7], []];

/** Squared error and its gradient. */
export const squaredErrorCases: Family = {
  cases: shapes.flatMap(casesOf),
  wrongCalls,
  wrongData: [],
};
