import type { Attributes } from '../../lib/ops/operator.ts';
import { elementCount } from '../../lib/shape.ts';
import { type FloatDType, type Tensor, zeros } from '../../lib/tensor.ts';
import {
  type Case,
  type ErrorModel,
  type Family,
  type Input,
  literal,
  sizes,
  spread,
  uniform,
  type WrongCall,
} from './case.ts';
import { checkedWhenSmall, hasRows, shapes, specials } from './elements.ts';
import { tiny } from './rows.ts';

/** A function of one element, or its gradient, and where it is tried. */
interface Tried {
  readonly operator: string;
  /** Of x; of gradients: of what they save. */
  readonly range: readonly [number, number];
  readonly model: ErrorModel;
  readonly attributes?: (dtype: FloatDType) => Attributes;
  /** The values are distinct and keep away from 0, where the function has a kink. */
  readonly kink?: boolean;
}

const exact: ErrorModel = { kind: 'exact' };
const within = (ulps: number): ErrorModel => ({ kind: 'ulp', ulps });

/** |e| ≤ u · size(x, y), of functions of x; of gradients, x is what they save and size is times |dy|. */
function relativeTo(
  derivation: string,
  size: (x: number, y: number, attributes: Attributes) => number,
): ErrorModel {
  return {
    kind: 'composed',
    derivation,
    bounds: (inputs, [y], u, attributes) => {
      const saved = inputs.at(-1) as Tensor;
      const dy = inputs.length > 1 ? (inputs[0] as Tensor) : null;
      const bounds = Array.from((y as Tensor).data, (value, i) => {
        const factor = dy === null ? 1 : Math.abs(dy.data[i] as number);
        return factor * u * size(saved.data[i] as number, value, attributes) + tiny;
      });
      return [bounds];
    },
  };
}

/** 2 ULP of native, 2 of the reference where it computes in float64 too. */
const twice = within(4);

const rounded = (attributes: Readonly<Record<string, number>>) => (dtype: FloatDType) =>
  dtype === 'float64'
    ? attributes
    : Object.fromEntries(
        Object.entries(attributes).map(([key, value]) => [key, Math.fround(value)]),
      );

const limits = rounded({ min: -0.512, max: 0.307 });
const slope = rounded({ negativeSlope: 0.01 });
const alpha = rounded({ alpha: 0.75 });
const sharp = rounded({ beta: 1.5, threshold: 6 });

const scaled = (x: number, { beta }: Attributes): number => Math.abs(x * (beta as number));

const functions: readonly Tried[] = [
  { operator: 'neg', range: [-1, 1], model: exact },
  { operator: 'abs', range: [-1, 1], model: exact, kink: true },
  { operator: 'square', range: [-2, 2], model: exact },
  { operator: 'sqrt', range: [0.1, 4], model: exact },
  { operator: 'exp', range: [-4, 4], model: twice },
  { operator: 'log', range: [0.1, 4], model: twice },
  { operator: 'sin', range: [-20, 20], model: twice },
  { operator: 'cos', range: [-20, 20], model: twice },
  { operator: 'erf', range: [-6.5, 6.5], model: twice },
  { operator: 'tanh', range: [-10, 10], model: twice },
  { operator: 'sigmoid', range: [-20, 20], model: twice },
  { operator: 'clip', range: [-1, 1], model: exact, attributes: limits, kink: true },
  { operator: 'relu6', range: [-8, 8], model: exact, kink: true },
  { operator: 'leakyRelu', range: [-1, 1], model: within(1), attributes: slope, kink: true },
  { operator: 'elu', range: [-4, 4], model: twice, attributes: alpha, kink: true },
  { operator: 'selu', range: [-4, 4], model: twice, kink: true },
  {
    operator: 'gelu',
    range: [-6, 6],
    model: relativeTo(
      'Φ = ½ + ½·erf errs by half of what erf does, 4u, and by 1.5u of its argument times 0.48',
      (x) => 10 * Math.abs(x),
    ),
  },
  {
    operator: 'geluTanh',
    range: [-6, 6],
    model: relativeTo(
      'the argument w errs by 5u·w, σ by |w|·σ·(1 − σ) ≤ 0.23 times as much and 4u·σ',
      (x) => 12 * Math.abs(x),
    ),
  },
  {
    operator: 'softplus',
    range: [-6, 6],
    attributes: sharp,
    model: relativeTo(
      'βx rounds once, which moves its exponential by |βx|·u; exp, log1p, sum and quotient round on',
      (x, y, attributes) => (12 + 2 * scaled(x, attributes)) * Math.abs(y),
    ),
    kink: true,
  },
  {
    operator: 'mish',
    range: [-6, 6],
    model: relativeTo(
      'n = e·(e + 2) errs by 3 times the error of e, 2u; native and reference round 4 times more',
      (_, y) => 20 * Math.abs(y),
    ),
  },
  { operator: 'swish', range: [-6, 6], model: within(6) },
  { operator: 'hardSwish', range: [-4, 4], model: twice, kink: true },
];

const oneUnit = (count: number, why: string): ErrorModel =>
  relativeTo(`${why}: terms of size 1 at most err by ${count}u together`, () => count);

const gradients: readonly Tried[] = [
  { operator: 'absGradient', range: [-1, 1], model: exact },
  { operator: 'tanhGradient', range: [-1, 1], model: twice },
  { operator: 'sigmoidGradient', range: [0, 1], model: twice },
  { operator: 'clipGradient', range: [-1, 1], model: exact, attributes: limits, kink: true },
  { operator: 'relu6Gradient', range: [-1, 7], model: exact },
  { operator: 'leakyReluGradient', range: [-1, 1], model: exact, attributes: slope, kink: true },
  {
    operator: 'eluGradient',
    range: [-0.75, 2],
    model: twice,
    attributes: alpha,
  },
  {
    operator: 'seluGradient',
    range: [-1.75, 2],
    model: oneUnit(8, 'λα and y + λα round, each at most 1.76'),
  },
  {
    operator: 'geluGradient',
    range: [-6, 6],
    model: oneUnit(16, 'Φ, and x·φ of at most 0.25 whose exponent x²/2 rounds twice'),
  },
  {
    operator: 'geluTanhGradient',
    range: [-6, 6],
    model: oneUnit(40, 'σ, and x·w′·σ·(1 − σ) of at most 0.6, whose argument w errs by 5u·w'),
  },
  {
    operator: 'softplusGradient',
    range: [-6, 6],
    model: relativeTo(
      'βx rounds once, σ errs by 4u',
      (x, _, attributes) => 10 + scaled(x, attributes),
    ),
    attributes: sharp,
  },
  {
    operator: 'mishGradient',
    range: [-6, 6],
    model: oneUnit(40, 'n/(n + 2), and x times its derivative, at most 0.5, of powers of eˣ'),
  },
  {
    operator: 'swishGradient',
    range: [-6, 6],
    model: oneUnit(24, 'σ, and x·σ·(1 − σ) of at most 0.23'),
  },
  { operator: 'hardSwishGradient', range: [-4, 4], model: twice },
];

function valuesOf({ range: [low, high], kink }: Tried, shape: readonly number[]): Input {
  if (!kink) return uniform(shape, low, high);
  const bound = Math.max(-low, high);
  return (making) => {
    const values = spread(shape)(making) as Tensor;
    values.data.forEach((value, i) => {
      values.data[i] = (value as number) * bound;
    });
    return values;
  };
}

function caseOf(tried: Tried, shape: readonly number[], isGradient: boolean): Case {
  const { operator, model, attributes = {} } = tried;
  const places = isGradient ? [0, 1] : [0];
  return {
    operator,
    title: sizes(shape) || 'a scalar',
    seed: 1,
    attributes,
    model,
    inputs: [...(isGradient ? [uniform(shape)] : []), valuesOf(tried, shape)],
    ...(hasRows(shape) ? { perSample: places } : {}),
    ...checkedWhenSmall(shape, ...places),
  };
}

/** Sizes of most functions; those of one in every group also have all of `shapes`. */
const few = shapes.filter(
  (shape) => shape.length !== 1 || [0, 1, 17, 70_001].includes(elementCount(shape)),
);
const thorough = new Set([
  'exp',
  'log',
  'sin',
  'tanh',
  'erf',
  'elu',
  'sigmoidGradient',
  'geluGradient',
]);

function casesOf(tried: Tried, isGradient: boolean): Case[] {
  const own = thorough.has(tried.operator) ? shapes : few;
  const common = { seed: 1, operator: tried.operator, attributes: tried.attributes ?? {} };
  const special: Case = {
    ...common,
    title: 'NaN, infinities, −0, the smallest normal number of float32',
    model: tried.model,
    inputs: [...(isGradient ? [uniform([40])] : []), literal(specials, [40])],
  };
  return [...own.map((shape) => caseOf(tried, shape, isGradient)), special];
}

const extremes = [88.7, -87.3, -87.4, -700, 1e30, -1e30, 3e38, 1e-30];

const beyond: Case[] = ['exp', 'log', 'sin', 'cos', 'tanh', 'erf', 'sigmoid'].map((operator) => ({
  operator,
  title: 'numbers near overflow and underflow, and very large ones',
  seed: 1,
  attributes: {},
  model: twice,
  inputs: [literal(extremes, [8])],
}));

const wrongOptions: [string, WrongCall['call'], string][] = [
  ['clip', (ops) => ops.clip(zeros([2]), { min: 2, max: 1 }), 'max'],
  ['clip', (ops) => ops.clip(zeros([2]), { min: Number.NaN }), 'min'],
  ['clip', (ops) => ops.clip(zeros([2]), { low: 1 } as never), 'low'],
  [
    'leakyRelu',
    (ops) => ops.leakyRelu(zeros([2]), { negativeSlope: '1' as never }),
    'negativeSlope',
  ],
  ['leakyRelu', (ops) => ops.leakyRelu(zeros([2]), { negativeSlope: Infinity }), 'negativeSlope'],
  ['elu', (ops) => ops.elu(zeros([2]), { alpha: -1 }), 'alpha'],
  ['gelu', (ops) => ops.gelu(zeros([2]), { approximate: 'erf' as never }), 'approximate'],
  ['softplus', (ops) => ops.softplus(zeros([2]), { beta: 0 }), 'beta'],
  ['softplus', (ops) => ops.softplus(zeros([2]), { threshold: Number.NaN }), 'threshold'],
];

const wrongCalls: WrongCall[] = [
  ...wrongOptions.map(
    ([operator, call, option]): WrongCall => ({
      operator,
      title: `a wrong ${option}`,
      call,
      code: 'ERR_ARGUMENT',
      message: [operator, option],
    }),
  ),
  ...(['exp', 'gelu', 'mish'] as const).map(
    (operator): WrongCall => ({
      operator,
      title: 'integers',
      call: (ops) => ops[operator](zeros([2], 'int32')),
      code: 'ERR_DTYPE',
      message: [operator, 'int32 (2)'],
    }),
  ),
];

/** Functions of one element, activations among them, and their gradients. */
export const unaryCases: Family = {
  cases: [
    ...functions.flatMap((tried) => casesOf(tried, false)),
    ...gradients.flatMap((tried) => casesOf(tried, true)),
    ...beyond,
  ],
  wrongCalls,
  wrongData: [],
};
