import { type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type ErrorModel,
  type Family,
  type Input,
  literal,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { extremeLogits, logSumOf, matrices, row, sum, sumError, tiny } from './rows.ts';

const softmaxModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'x − max rounds once, which moves exp by (max − x)·u; exp is good to 8 u; the sum of C of them ' +
    'to 4·√C·u plus the mean of (max − x) under p, at most log C; one division',
  bounds: ([logits], [p], u) => {
    const x = logits as Tensor;
    const C = x.shape[1] ?? 1;
    const bounds = Array.from((p as Tensor).data, (value, i) => {
      const depth = Math.max(...row(x, Math.floor(i / C))) - (x.data[i] as number);
      return (depth + sumError(C)) * u * value + tiny;
    });
    return [bounds];
  },
};

const softmaxGradientModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'the dot product errs by (4·√C + 1)·u·Σ|dy·y|; difference and product round once each',
  bounds: ([dy, y], _, u) => {
    const [g, p] = [dy as Tensor, y as Tensor];
    const bounds: number[] = [];
    for (let n = 0; n < (p.shape[0] as number); n++) {
      const [gs, ps] = [row(g, n), row(p, n)];
      const magnitude = sum(gs.map((value, i) => Math.abs(value * (ps[i] as number))));
      const error = (4 * Math.sqrt(gs.length) + 1) * magnitude;
      for (const [i, value] of ps.entries()) {
        bounds.push(
          Math.abs(value) * u * (error + 4 * (Math.abs(gs[i] as number) + magnitude)) + tiny,
        );
      }
    }
    return [bounds];
  },
};

/** The softmax of random logits. */
function softmaxed(N: number, C: number): Input {
  return (making) => {
    const z = uniform([N, C], -4, 4)(making) as Tensor;
    return tensor(
      Array.from(z.data, (value, i) => Math.exp(value - logSumOf(row(z, Math.floor(i / C))))),
      [N, C],
      making.dtype,
    );
  };
}

function casesOf(N: number, C: number): Case[] {
  const common = { title: sizes([N, C]), seed: 1, attributes: {} };
  return [
    {
      ...common,
      operator: 'softmax',
      inputs: [uniform([N, C], -8, 8)],
      model: softmaxModel,
      perSample: [0],
      ...(N * C > 0 && N * C <= 100 ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {}),
    },
    {
      ...common,
      operator: 'softmaxGradient',
      inputs: [uniform([N, C]), softmaxed(N, C)],
      model: softmaxGradientModel,
      perSample: [0, 1],
    },
  ];
}

const special: Case = {
  operator: 'softmax',
  title: 'logits far apart, and all equal',
  seed: 1,
  inputs: [literal(extremeLogits, [4, 4])],
  attributes: {},
  model: softmaxModel,
};

const wrongCalls: WrongCall[] = [
  {
    operator: 'softmax',
    title: 'rank 3',
    call: (ops) => ops.softmax(zeros([2, 3, 4])),
    code: 'ERR_SHAPE',
    message: ['softmax', '(2, 3, 4)'],
  },
];

/** Softmax and its gradient. */
export const softmaxCases: Family = {
  cases: [...matrices.flatMap(([N, C]) => casesOf(N, C)), special],
  wrongCalls,
  wrongData: [],
};
