import type {
  AdagradAttributes,
  AdamAttributes,
  RmspropAttributes,
  SgdAttributes,
} from '../../lib/ops/optimizer.ts';
import { type DType, type Tensor, tensor, zeros as zerosOf } from '../../lib/tensor.ts';
import { absolute, oracle } from '../support/oracle.ts';
import {
  absent,
  type Case,
  type ErrorModel,
  type Family,
  integers,
  lengths,
  literal,
  scalar64,
  sizes,
  uniform,
  type WrongCall,
  type WrongData,
} from './case.ts';
import { tiny } from './rows.ts';

/** Zeros of any dtype under one type: the operands of a step share no dtype. */
const zeros = (shape: readonly number[], dtype?: DType): Tensor => zerosOf(shape, dtype);

const sgdModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'every result is a sum of at most four products of four factors: at most 12 roundings of parts ' +
    'whose sum of magnitudes is the step on absolute values with the learning rate negated',
  bounds: (inputs, _, u, attributes) => {
    const magnitudes = absolute(inputs);
    magnitudes[3] = tensor(-(inputs[3] as Tensor).item(), [], 'float64');
    return oracle('sgdUpdate', magnitudes, attributes).map(({ data }) =>
      Array.from(data, (value) => 12 * u * value + 2 ** -126),
    );
  },
};

const adamModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'm and v are sums of two products: 8u of the step on absolute values (v is positive). With ' +
    'root = √v/√(1−β₂ᵗ) + ε the new p errs by 8u·|p|, by the error of m times rate/root, and by ' +
    'the step times 12u and the relative error of √v, half of v’s',
  bounds: (inputs, outputs, u, attributes) => {
    const { beta1, beta2, epsilon } = attributes as AdamAttributes;
    const t = (inputs[4] as Tensor).item();
    const rate = (inputs[5] as Tensor).item() / (1 - beta1 ** t);
    const [, m, v] = oracle('adamUpdate', absolute(inputs), attributes) as [Tensor, Tensor, Tensor];
    const [, newM, newV] = outputs as [Tensor, Tensor, Tensor];
    const [boundM, boundV] = [m, v].map(({ data }) =>
      Array.from(data, (value) => 8 * u * value + 2 ** -126),
    ) as [number[], number[]];
    const boundP = Array.from((inputs[0] as Tensor).data, (p, i) => {
      const second = newV.data[i] as number;
      const root = Math.sqrt(second / (1 - beta2 ** t)) + epsilon;
      const step = Math.abs((rate * (newM.data[i] as number)) / root);
      const relative = second === 0 ? 0 : (boundV[i] as number) / (2 * second);
      return (
        8 * u * Math.abs(p) +
        (rate * (boundM[i] as number)) / root +
        step * (12 * u + relative) +
        2 ** -126
      );
    });
    return [boundP, boundM, boundV];
  },
};

const rmspropModel: ErrorModel = {
  kind: 'composed',
  derivation:
    's is a sum of two positive products: 8u of it; the mean gradient a errs by 8u of its parts A, ' +
    'so that the variance errs by 8u·s + 20u·A², and its root (plus ε) by half of that over itself. ' +
    'g errs by 2u·G of its parts G; quotient, velocity and step round once or twice each',
  bounds: (inputs, outputs, u, attributes) => {
    const { alpha, epsilon, momentum, weightDecay, centered } = attributes as RmspropAttributes;
    const [p, gradient, rate, , ...more] = inputs as Tensor[];
    const [, square, ...newMore] = outputs as Tensor[];
    const size = (tensor: Tensor | undefined, i: number) => Math.abs(tensor?.data[i] ?? 0);
    const velocity = momentum === 0 ? undefined : more.at(-1);
    const [bounds, moments]: [number[], number[][]] = [[], newMore.map(() => [])];
    (p as Tensor).data.forEach((value, i) => {
      const G = size(gradient, i) + weightDecay * Math.abs(value);
      const s = size(square, i);
      const A = centered ? alpha * size(more[0], i) + (1 - alpha) * G : 0;
      const variance = s - (centered ? size(newMore[0], i) ** 2 : 0);
      const errorOfVariance = (8 * s + 20 * A * A) * u + tiny;
      const root = Math.sqrt(variance) + epsilon;
      const quotient =
        (G / root) * 8 * u + (G / root) * (errorOfVariance / (2 * Math.sqrt(variance) * root));
      const direction = quotient + 4 * u * momentum * size(velocity, i);
      const rates = (rate as Tensor).item();
      const step = momentum * size(velocity, i) + G / root;
      bounds.push(rates * (direction + 4 * u * step) + 2 * u * Math.abs(value) + tiny);
      if (centered) moments[0]?.push(8 * u * A + tiny);
      if (momentum !== 0) moments.at(-1)?.push(direction + 2 * u * step + tiny);
    });
    const squares = Array.from((square as Tensor).data, (s) => 8 * u * (s as number) + tiny);
    return [bounds, squares, ...moments];
  },
};

const adagradModel: ErrorModel = {
  kind: 'composed',
  derivation:
    'g errs by 2u·G of its parts G, s by 8u of its parts S; the step rounds five times and takes ' +
    'half of the relative error of s',
  bounds: (inputs, outputs, u, attributes) => {
    const { learningRateDecay, epsilon, weightDecay } = attributes as AdagradAttributes;
    const [p, gradient, sum, step, learningRate] = inputs as Tensor[];
    const [, newSum] = outputs as Tensor[];
    const t = (step as Tensor).item();
    const rate = (learningRate as Tensor).item() / (1 + (t - 1) * learningRateDecay);
    const [bounds, sums]: [number[], number[]] = [[], []];
    (p as Tensor).data.forEach((value, i) => {
      const G = Math.abs(gradient?.data[i] as number) + weightDecay * Math.abs(value);
      const S = (sum?.data[i] as number) + G * G;
      const s = newSum?.data[i] as number;
      const relative = (8 * u * S + tiny) / (2 * s);
      const quotient = (rate * G) / (Math.sqrt(s) + epsilon);
      bounds.push(quotient * (8 * u + relative) + 2 * u * Math.abs(value) + tiny);
      sums.push(8 * u * S + tiny);
    });
    return [bounds, sums];
  },
};

const plain: SgdAttributes = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };
const adam: AdamAttributes = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0,
  decoupled: false,
};

function sgdCase(
  title: string,
  shape: readonly number[],
  attributes: Partial<SgdAttributes>,
  velocity = true,
): Case {
  return {
    operator: 'sgdUpdate',
    title: `${title}, ${sizes(shape)}`,
    seed: 3,
    inputs: [uniform(shape), uniform(shape), velocity ? uniform(shape) : absent, scalar64(0.1)],
    attributes: { ...plain, ...attributes } as SgdAttributes,
    model: sgdModel,
  };
}

function adamCase(
  title: string,
  shape: readonly number[],
  step: number,
  attributes: Partial<AdamAttributes> = {},
): Case {
  return {
    operator: 'adamUpdate',
    title: `${title}, ${sizes(shape)}`,
    seed: 4,
    inputs: [
      uniform(shape),
      uniform(shape, 0.01, 1),
      uniform(shape),
      uniform(shape, 0, 1),
      scalar64(step),
      scalar64(0.001),
    ],
    attributes: { ...adam, ...attributes } as AdamAttributes,
    model: adamModel,
  };
}

const rmsprop: RmspropAttributes = {
  alpha: 0.99,
  epsilon: 1e-8,
  momentum: 0,
  weightDecay: 0,
  centered: false,
};

/** Mean squares that leave the variance at 0.5 or more whatever the mean gradient (below 0.7). */
function rmspropCase(
  title: string,
  shape: readonly number[],
  attributes: Partial<RmspropAttributes>,
): Case {
  const settings = { ...rmsprop, ...attributes } as RmspropAttributes;
  return {
    operator: 'rmspropUpdate',
    title: `${title}, ${sizes(shape)}`,
    seed: 5,
    inputs: [
      uniform(shape),
      uniform(shape),
      scalar64(0.01),
      uniform(shape, 1, 2),
      ...(settings.centered ? [uniform(shape, -0.6, 0.6)] : []),
      ...(settings.momentum === 0 ? [] : [uniform(shape)]),
    ],
    attributes: settings,
    model: rmspropModel,
  };
}

const adagrad: AdagradAttributes = { learningRateDecay: 0, epsilon: 1e-10, weightDecay: 0 };

function adagradCase(
  title: string,
  shape: readonly number[],
  step: number,
  attributes: Partial<AdagradAttributes> = {},
): Case {
  return {
    operator: 'adagradUpdate',
    title: `${title}, ${sizes(shape)}`,
    seed: 6,
    inputs: [
      uniform(shape),
      uniform(shape),
      uniform(shape, 0.01, 3),
      scalar64(step),
      scalar64(0.01),
    ],
    attributes: { ...adagrad, ...attributes } as AdagradAttributes,
    model: adagradModel,
  };
}

const shape = [5, 13];

const cases: Case[] = [
  sgdCase('plain', shape, {}, false),
  sgdCase('weight decay', shape, { weightDecay: 0.01 }, false),
  sgdCase('momentum', shape, { momentum: 0.9 }),
  sgdCase('momentum and dampening', shape, { momentum: 0.9, dampening: 0.5 }),
  sgdCase('Nesterov and weight decay', shape, { momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
  ...lengths.map((n) => sgdCase('momentum', [n], { momentum: 0.9 })),
  sgdCase('momentum', [0], { momentum: 0.9 }),
  sgdCase('momentum', [3, 1, 150, 150], { momentum: 0.9 }),
  adamCase('step 1', shape, 1),
  adamCase('step 1000', shape, 1000),
  adamCase('step 10 million', shape, 1e7),
  adamCase('weight decay', shape, 7, { weightDecay: 0.1 }),
  adamCase('decoupled weight decay', shape, 7, { weightDecay: 0.1, decoupled: true }),
  adamCase('a large epsilon', shape, 3, { epsilon: 0.1 }),
  ...lengths.map((n) => adamCase('step 5', [n], 5)),
  adamCase('step 5', [0], 5),
  adamCase('step 5', [3, 1, 150, 150], 5),
  ...[false, true].flatMap((centered) => [
    rmspropCase(`centered ${centered}`, shape, { centered }),
    rmspropCase(`centered ${centered}, weight decay`, shape, { centered, weightDecay: 0.1 }),
    rmspropCase(`centered ${centered}, momentum`, shape, { centered, momentum: 0.9 }),
    rmspropCase(`centered ${centered}, a large epsilon`, shape, { centered, epsilon: 0.1 }),
    rmspropCase(`centered ${centered}, alpha 0.5`, [3, 1, 150, 150], { centered, alpha: 0.5 }),
  ]),
  ...lengths.map((n) => rmspropCase('all', [n], { centered: true, momentum: 0.5 })),
  rmspropCase('all', [0], { centered: true, momentum: 0.5 }),
  adagradCase('step 1', shape, 1),
  adagradCase('decay of the rate', shape, 1000, { learningRateDecay: 0.01 }),
  adagradCase('weight decay', shape, 7, { weightDecay: 0.1 }),
  adagradCase('a large epsilon', shape, 3, { epsilon: 0.1 }),
  ...lengths.map((n) => adagradCase('step 5', [n], 5)),
  adagradCase('step 5', [0], 5),
  adagradCase('step 5', [3, 1, 150, 150], 5),
  {
    operator: 'adamUpdate',
    title: 'a first step with gradient 0 moves nothing',
    seed: 1,
    inputs: [
      integers([33]),
      literal(new Array(33).fill(0), [33]),
      literal(new Array(33).fill(0), [33]),
      literal(new Array(33).fill(0), [33]),
      scalar64(1),
      scalar64(0.001),
    ],
    attributes: adam,
    model: { kind: 'exact' },
  },
];

const wrongCalls: WrongCall[] = [
  {
    operator: 'sgdUpdate',
    title: 'a gradient of another shape',
    call: (ops) => ops.sgdUpdate(zeros([2, 3]), zeros([3, 2]), null, zeros([], 'float64'), plain),
    code: 'ERR_SHAPE',
    message: ['sgdUpdate', '(2, 3)', '(3, 2)'],
  },
  {
    operator: 'sgdUpdate',
    title: 'a float32 learning rate',
    call: (ops) => ops.sgdUpdate(zeros([2]), zeros([2]), null, zeros([]), plain),
    code: 'ERR_SHAPE',
    message: ['sgdUpdate', 'learningRate', 'float32'],
  },
  {
    operator: 'adamUpdate',
    title: 'a moment of another dtype',
    call: (ops) =>
      ops.adamUpdate(
        zeros([2]),
        zeros([2]),
        zeros([2], 'float64'),
        zeros([2]),
        zeros([], 'float64'),
        zeros([], 'float64'),
        adam,
      ),
    code: 'ERR_DTYPE',
    message: ['adamUpdate', 'float32', 'float64'],
  },
];

const moreWrongCalls: WrongCall[] = [
  {
    operator: 'rmspropUpdate',
    title: 'a moment too few',
    call: (ops) =>
      ops.rmspropUpdate(zeros([2]), zeros([2]), zeros([], 'float64'), [zeros([2])], {
        ...rmsprop,
        centered: true,
      }),
    code: 'ERR_ARGUMENT',
    message: ['rmspropUpdate', 'gradientAverage', '1'],
  },
  {
    operator: 'rmspropUpdate',
    title: 'a moment of another shape',
    call: (ops) =>
      ops.rmspropUpdate(zeros([2]), zeros([2]), zeros([], 'float64'), [zeros([3])], rmsprop),
    code: 'ERR_SHAPE',
    message: ['rmspropUpdate', 'squareAverage', '(3)', '(2)'],
  },
  {
    operator: 'adagradUpdate',
    title: 'a float32 step',
    call: (ops) =>
      ops.adagradUpdate(
        zeros([2]),
        zeros([2]),
        zeros([2]),
        zeros([]),
        zeros([], 'float64'),
        adagrad,
      ),
    code: 'ERR_SHAPE',
    message: ['adagradUpdate', 'step', 'float32'],
  },
];

const stepped = [
  { operator: 'adamUpdate', operands: 4, attributes: adam },
  { operator: 'adagradUpdate', operands: 3, attributes: adagrad },
];

const wrongSteps: WrongData[] = stepped.flatMap(({ operator, operands, attributes }) =>
  [0, -1, 1.5, Number.NaN].map((step) => ({
    operator,
    title: `${operator}: step ${step}`,
    inputs: [
      ...Array.from({ length: operands }, () => uniform([5], 0, 1)),
      scalar64(step),
      scalar64(0.1),
    ],
    attributes,
    code: 'ERR_ARGUMENT' as const,
    message: [operator, 'step'],
  })),
);

/** The steps of optimizers. */
export const optimizerCases: Family = {
  cases,
  wrongCalls: [...wrongCalls, ...moreWrongCalls],
  wrongData: wrongSteps,
};
