import type { EluAttributes, LeakyReluAttributes, SoftplusAttributes } from '../ops/activations.ts';
import type { ClipAttributes } from '../ops/math.ts';
import { type Attributes, need } from '../ops/operator.ts';
import { erf } from './erf.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y = f(x). */
function forward<A extends Attributes>(
  f: (x: number, attributes: A) => number,
): ReferenceKernel<A> {
  return (inputs, outputs, attributes) => {
    const [x, y] = [need(inputs[0]), need(outputs[0])];
    for (let i = 0; i < x.size; i++) y.data[i] = f(x.data[i] as number, attributes);
  };
}

/** dx = f(dy, saved), saved being x or y of the function. */
function backward<A extends Attributes>(
  f: (dy: number, saved: number, attributes: A) => number,
): ReferenceKernel<A> {
  return (inputs, outputs, attributes) => {
    const [dy, saved, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
    for (let i = 0; i < dy.size; i++) {
      dx.data[i] = f(dy.data[i] as number, saved.data[i] as number, attributes);
    }
  };
}

// e^−1000 is 0: bounded so, a product whose limit is 0 is not ∞ · 0.
const atLeast = (x: number): number => Math.max(x, -1000);
const bounded = (x: number): number => Math.min(Math.max(x, -1000), 1000);

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const normalDistribution = (x: number): number => (1 + erf(x / Math.SQRT2)) / 2;
const normalDensity = (x: number): number => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

// Klambauer et al. 2017.
const seluScale = 1.0507009873554805;
const seluAlpha = 1.6732632423543772;

const root = Math.sqrt(2 / Math.PI);
const geluTanhArgument = (x: number): number => root * (x + 0.044715 * x ** 3);

/** Functions of one element and their gradients, by operator. */
export const unary = {
  neg: forward((x) => -x),
  abs: forward(Math.abs),
  absGradient: backward((dy, x) => (x > 0 ? dy : x < 0 ? -dy : 0)),
  square: forward((x) => x * x),
  sqrt: forward(Math.sqrt),
  exp: forward(Math.exp),
  log: forward(Math.log),
  sin: forward(Math.sin),
  cos: forward(Math.cos),
  erf: forward(erf),
  tanh: forward(Math.tanh),
  tanhGradient: backward((dy, y) => dy * ((1 - y) * (1 + y))),
  sigmoid: forward(sigmoid),
  sigmoidGradient: backward((dy, y) => dy * (y * (1 - y))),
  clip: forward<ClipAttributes>((x, { min, max }) => (x < min ? min : x > max ? max : x)),
  clipGradient: backward<ClipAttributes>((dy, x, { min, max }) => (min <= x && x <= max ? dy : 0)),
  relu6: forward((x) => Math.min(Math.max(x, 0), 6)),
  relu6Gradient: backward((dy, y) => (y > 0 && y < 6 ? dy : 0)),
  leakyRelu: forward<LeakyReluAttributes>((x, { negativeSlope }) =>
    x < 0 ? negativeSlope * x : x,
  ),
  leakyReluGradient: backward<LeakyReluAttributes>((dy, x, { negativeSlope }) =>
    x > 0 ? dy : negativeSlope * dy,
  ),
  elu: forward<EluAttributes>((x, { alpha }) => (x < 0 ? alpha * Math.expm1(x) : x)),
  eluGradient: backward<EluAttributes>((dy, y, { alpha }) => (y > 0 ? dy : dy * (y + alpha))),
  selu: forward((x) => seluScale * (x < 0 ? seluAlpha * Math.expm1(x) : x)),
  seluGradient: backward((dy, y) => dy * (y > 0 ? seluScale : y + seluScale * seluAlpha)),
  gelu: forward((x) => atLeast(x) * normalDistribution(x)),
  geluGradient: backward(
    (dy, x) => dy * (normalDistribution(x) + bounded(x) * normalDensity(bounded(x))),
  ),
  geluTanh: forward((x) => atLeast(x) * ((1 + Math.tanh(geluTanhArgument(x))) / 2)),
  geluTanhGradient: backward((dy, saved) => {
    const x = bounded(saved);
    const t = Math.tanh(geluTanhArgument(x));
    return dy * ((1 + t) / 2 + (x / 2) * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x));
  }),
  softplus: forward<SoftplusAttributes>((x, { beta, threshold }) =>
    beta * x > threshold ? x : softplus(beta * x) / beta,
  ),
  softplusGradient: backward<SoftplusAttributes>((dy, x, { beta, threshold }) =>
    beta * x > threshold ? dy : dy * sigmoid(beta * x),
  ),
  mish: forward((x) => atLeast(x) * Math.tanh(softplus(x))),
  mishGradient: backward((dy, saved) => {
    const x = bounded(saved);
    const t = Math.tanh(softplus(x));
    return dy * (t + x * sigmoid(x) * (1 - t * t));
  }),
  swish: forward((x) => atLeast(x) * sigmoid(x)),
  swishGradient: backward((dy, saved) => {
    const x = bounded(saved);
    return dy * (sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)));
  }),
  hardSwish: forward((x) => (Math.max(x, -3) * Math.min(Math.max(x + 3, 0), 6)) / 6),
  hardSwishGradient: backward((dy, x) => (x < -3 ? 0 : x > 3 ? dy : (dy * (2 * x + 3)) / 6)),
};
