import type { AdamAttributes, SgdAttributes } from '../../lib/ops/optimizer.ts';
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

const wrongSteps: WrongData[] = [0, -1, 1.5, Number.NaN].map((step) => ({
  operator: 'adamUpdate',
  title: `step ${step}`,
  inputs: [...[0, 1, 2, 3].map(() => uniform([5], 0, 1)), scalar64(step), scalar64(0.1)],
  attributes: adam,
  code: 'ERR_ARGUMENT',
  message: ['adamUpdate', 'step'],
}));

/** The steps of optimizers. */
export const optimizerCases: Family = { cases, wrongCalls, wrongData: wrongSteps };
