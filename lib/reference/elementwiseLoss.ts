import type { HuberAttributes } from '../ops/huber.ts';
import type { LossAttributes } from '../ops/loss.ts';
import { need } from '../ops/operator.ts';
import type { ReferenceKernel } from './kernel.ts';

/** A function of two elements and the attributes of the loss. */
type Term<A extends LossAttributes> = (a: number, b: number, attributes: A) => number;

/** f(a, b) of every pair of elements: their mean, their sum, or each. */
function lossOf<A extends LossAttributes>(f: Term<A>): ReferenceKernel<A> {
  return (inputs, outputs, attributes) => {
    const [a, b, loss] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
    const { reduction } = attributes;
    let sum = 0;
    for (let i = 0; i < a.size; i++) {
      const value = f(a.data[i], b.data[i], attributes);
      if (reduction === 'none') loss.data[i] = value;
      sum += value;
    }
    if (reduction === 'sum') loss.data[0] = sum;
    if (reduction === 'mean') loss.data[0] = sum / a.size;
  };
}

/** df/da · dloss, over the number of elements for the mean. */
function gradientOf<A extends LossAttributes>(slope: Term<A>): ReferenceKernel<A> {
  return (inputs, outputs, attributes) => {
    const [a, b, dloss] = [need(inputs[0]), need(inputs[1]), need(inputs[2])];
    const da = need(outputs[0]);
    const { reduction } = attributes;
    const divisor = reduction === 'mean' ? a.size : 1;
    for (let i = 0; i < a.size; i++) {
      const scale = dloss.data[reduction === 'none' ? i : 0] / divisor;
      da.data[i] = slope(a.data[i], b.data[i], attributes) * scale;
    }
  };
}

export const squaredError = lossOf((a, b) => (a - b) * (a - b));
export const squaredErrorGradient = gradientOf((a, b) => 2 * (a - b));

export const absoluteError = lossOf((a, b) => Math.abs(a - b));
export const absoluteErrorGradient = gradientOf((a, b) => Math.sign(a - b));

/** d²/2 within ±δ, δ·(|d| − δ/2) beyond. */
export const huber = lossOf<HuberAttributes>((a, b, { delta }) => {
  const distance = Math.abs(a - b);
  return distance <= delta ? 0.5 * distance * distance : delta * (distance - 0.5 * delta);
});
export const huberGradient = gradientOf<HuberAttributes>((a, b, { delta }) =>
  Math.max(-delta, Math.min(delta, a - b)),
);

/** −t·log σ(x) − (1 − t)·log(1 − σ(x)) = max(x, 0) − x·t + log(1 + e^−|x|). */
export const binaryCrossEntropy = lossOf(
  (x, t) => Math.max(x, 0) - x * t + Math.log1p(Math.exp(-Math.abs(x))),
);
export const binaryCrossEntropyGradient = gradientOf((x, t) => 1 / (1 + Math.exp(-x)) - t);
