import { trace } from '../../lib/computation/trace.ts';
import { elementCount } from '../../lib/shape.ts';
import { type Tensor, tensor, zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type ErrorModel,
  type Family,
  type Input,
  lengths,
  literal,
  sizes,
  uniform,
  type WrongCall,
} from './case.ts';
import { extremeLogits, logSumOf, matrices, sum, sumError, tiny } from './rows.ts';

/** For every element of a value of that shape the elements along `axis` that it is one of. */
function lineOf(x: Tensor, axis: number, i: number): number[] {
  const inner = elementCount(x.shape.slice(axis + 1));
  const count = x.shape[axis] as number;
  const first = i - (Math.floor(i / inner) % count) * inner;
  return Array.from({ length: count }, (_, c) => x.data[first + c * inner] as number);
}

type Bound = (line: readonly number[], value: number, result: number) => number;

function alongAxis(derivation: string, bound: Bound): ErrorModel {
  return {
    kind: 'composed',
    derivation,
    bounds: ([input], [output], u, { axis }) => {
      const [x, y] = [input as Tensor, output as Tensor];
      const bounds = Array.from(y.data, (result, i) => {
        const value = x.data[i] as number;
        return bound(lineOf(x, axis as number, i), value, result as number) * u + tiny;
      });
      return [bounds];
    },
  };
}

const softmaxModel = alongAxis(
  'x − max rounds once, which moves exp by (max − x)·u; exp is good to 8 u; the sum of C of them ' +
    'to 4·√C·u plus the mean of (max − x) under p, at most log C; one division',
  (line, value, p) => (Math.max(...line) - value + sumError(line.length)) * p,
);

const logSoftmaxModel = alongAxis(
  'x − max rounds once, log Σ takes the relative error of the sum (as for softmax) and rounds once, ' +
    'the difference rounds once',
  (line, value, y) => 2 * (Math.max(...line) - value) + sumError(line.length) + 2 * Math.abs(y),
);

type GradientBound = (
  dys: readonly number[],
  ys: readonly number[],
  dy: number,
  y: number,
) => number;

function gradientAlongAxis(derivation: string, bound: GradientBound): ErrorModel {
  return {
    kind: 'composed',
    derivation,
    bounds: ([first, second], _, u, { axis }) => {
      const [dy, y] = [first as Tensor, second as Tensor];
      const bounds = Array.from(y.data, (value, i) => {
        const [dys, ys] = [lineOf(dy, axis as number, i), lineOf(y, axis as number, i)];
        return bound(dys, ys, dy.data[i] as number, value as number) * u + tiny;
      });
      return [bounds];
    },
  };
}

const softmaxGradientModel = gradientAlongAxis(
  'the dot product errs by (4·√C + 1)·u·Σ|dy·y|; difference and product round once each',
  (dys, ys, dy, y) => {
    const magnitude = sum(dys.map((value, i) => Math.abs(value * (ys[i] as number))));
    const error = (4 * Math.sqrt(dys.length) + 1) * magnitude;
    return Math.abs(y) * (error + 4 * (Math.abs(dy) + magnitude));
  },
);

const logSoftmaxGradientModel = gradientAlongAxis(
  'the sum errs by (4·√C + 1)·u·Σ|dy|; exp by 8 u; product and difference round once each',
  (dys, _, dy, y) => {
    const magnitude = sum(dys.map(Math.abs));
    const product = Math.exp(y) * magnitude;
    return (4 * Math.sqrt(dys.length) + 12) * product + 2 * (Math.abs(dy) + product);
  },
);

/** What `operator` gives along an axis of random numbers. */
function resultOf(operator: string, shape: readonly number[], axis: number): Input {
  return (making) => {
    const z = uniform(shape, -4, 4)(making) as Tensor;
    const values = Array.from(z.data, (value, i) => value - logSumOf(lineOf(z, axis, i)));
    return tensor(operator === 'softmax' ? values.map(Math.exp) : values, shape, making.dtype);
  };
}

const operators = [
  { operator: 'softmax', model: softmaxModel, gradientModel: softmaxGradientModel },
  { operator: 'logSoftmax', model: logSoftmaxModel, gradientModel: logSoftmaxGradientModel },
];

function casesOf(shape: readonly number[], axis: number): Case[] {
  const size = elementCount(shape);
  const common = { title: `${sizes(shape)}, axis ${axis}`, seed: 1, attributes: { axis } };
  return operators.flatMap(({ operator, model, gradientModel }): Case[] => [
    {
      ...common,
      operator,
      inputs: [uniform(shape, -8, 8)],
      model,
      ...(axis > 0 ? { perSample: [0] } : {}),
      ...(size > 0 && size <= 130 ? { gradient: { inputs: [0], tolerance: 1e-6 } } : {}),
    },
    {
      ...common,
      operator: `${operator}Gradient`,
      inputs: [uniform(shape), resultOf(operator, shape, axis)],
      model: gradientModel,
      ...(axis > 0 ? { perSample: [0, 1] } : {}),
      ...(size > 0 && size <= 60 ? { gradient: { inputs: [0, 1], tolerance: 1e-6 } } : {}),
    },
  ]);
}

const images = [2, 3, 4, 5];
const places: [readonly number[], number][] = [
  ...matrices.map(([N, C]): [number[], number] => [[N, C], 1]),
  ...lengths.map((n): [number[], number] => [[2, 3, n], 1]),
  ...images.map((_, axis): [number[], number] => [images, axis]),
  [[7], 0],
  [[33, 4], 0],
  [[3, 1, 5], 1],
  [[2, 0, 3], 1],
  [[2, 3, 0], 1],
  [[0, 3, 2], 1],
  [[3, 300, 2], 1],
  [[2, 10, 90, 70], 1],
];

const { NaN: none, POSITIVE_INFINITY: infinity } = Number;
const unusual = [none, 1, 2, infinity, 0, 1, -infinity, 0, 1, -infinity, -infinity, -infinity];

const special: Case[] = operators.flatMap(({ operator, model }) =>
  [0, 1].flatMap((axis): Case[] => [
    {
      operator,
      title: `logits far apart, and all equal, axis ${axis}`,
      seed: 1,
      inputs: [literal(extremeLogits, [4, 4])],
      attributes: { axis },
      model,
    },
    {
      operator,
      title: `NaN and infinities, axis ${axis}`,
      seed: 1,
      inputs: [literal(unusual, axis === 0 ? [3, 4] : [4, 3])],
      attributes: { axis },
      model,
    },
  ]),
);

const wrongCalls: WrongCall[] = (['softmax', 'logSoftmax'] as const).flatMap((operator) => [
  ...[3, -4, 0.5].map(
    (axis): WrongCall => ({
      operator,
      title: `axis ${axis} of rank 3`,
      call: (ops) => ops[operator](zeros([2, 3, 4]), { axis }),
      code: 'ERR_ARGUMENT',
      message: [operator, 'axis', String(axis)],
    }),
  ),
  {
    operator,
    title: 'a scalar',
    call: (ops) => ops[operator](zeros([])),
    code: 'ERR_ARGUMENT',
    message: [operator, 'axis'],
  },
  {
    operator,
    title: 'integers',
    call: (ops) => ops[operator](zeros([2, 3], 'int32')),
    code: 'ERR_DTYPE',
    message: [operator, 'int32'],
  },
  {
    operator,
    title: 'the axis of the batch',
    call: (ops) =>
      trace((x) => ops[operator](x, { axis: 0 }), {
        shape: [2, 3],
        dtype: 'float32',
        batched: true,
      }),
    code: 'ERR_SHAPE',
    message: [operator, '(2, 3)', 'batch'],
  },
]);

/** Softmax, its logarithm, and their gradients. */
export const softmaxCases: Family = {
  cases: [...places.flatMap(([shape, axis]) => casesOf(shape, axis)), ...special],
  wrongCalls,
  wrongData: [],
};
