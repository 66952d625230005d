import { argumentError } from '../errors.ts';
import { need } from '../ops/operator.ts';
import type {
  AdagradAttributes,
  AdamAttributes,
  RmspropAttributes,
  SgdAttributes,
} from '../ops/optimizer.ts';
import type { ReferenceKernel } from './kernel.ts';

/** g ← gradient + weightDecay·p; v ← momentum·v + (1 − dampening)·g; p ← p − learningRate·step. */
export const sgdUpdate: ReferenceKernel<SgdAttributes> = (inputs, outputs, attributes) => {
  const [parameter, gradient, velocity] = [need(inputs[0]), need(inputs[1]), inputs[2]];
  const learningRate = need(inputs[3]).item();
  const [newParameter, newVelocity] = outputs;
  const { momentum, dampening, weightDecay, nesterov } = attributes;
  for (let i = 0; i < parameter.size; i++) {
    const p = parameter.data[i] as number;
    const g = gradient.data[i] + weightDecay * p;
    let step = g;
    if (velocity) {
      const v = momentum * velocity.data[i] + (1 - dampening) * g;
      step = nesterov ? g + momentum * v : v;
      if (newVelocity) newVelocity.data[i] = v;
    }
    if (newParameter) newParameter.data[i] = p - learningRate * step;
  }
};

function checkStep(where: string, t: number): void {
  if (!Number.isInteger(t) || t < 1) {
    throw argumentError(where, 'step to be an integer of 1 or more', t);
  }
}

/**
 * m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; p ← p − learningRate·m̂ / (√v̂ + ε) with m̂ = m/(1−β₁ᵗ)
 * and v̂ = v/(1−β₂ᵗ). The decay goes to the gradient, or (decoupled) to the parameter itself.
 * Throws ERR_ARGUMENT unless t is an integer ≥ 1.
 */
export const adamUpdate: ReferenceKernel<AdamAttributes> = (inputs, outputs, attributes) => {
  const [parameter, gradient, m, v] = inputs.slice(0, 4).map(need);
  const [t, learningRate] = [need(inputs[4]).item(), need(inputs[5]).item()];
  checkStep('adamUpdate', t);
  const [newParameter, newM, newV] = outputs;
  const { beta1, beta2, epsilon, weightDecay, decoupled } = attributes;
  const biasCorrection1 = 1 - beta1 ** t;
  const biasCorrection2 = 1 - beta2 ** t;
  for (let i = 0; i < parameter.size; i++) {
    let p = parameter.data[i] as number;
    let g = gradient.data[i] as number;
    if (decoupled) p *= 1 - learningRate * weightDecay;
    else g += weightDecay * p;
    const first = beta1 * m.data[i] + (1 - beta1) * g;
    const second = beta2 * v.data[i] + (1 - beta2) * g * g;
    const root = Math.sqrt(second) / Math.sqrt(biasCorrection2);
    if (newM) newM.data[i] = first;
    if (newV) newV.data[i] = second;
    if (newParameter) {
      newParameter.data[i] = p - ((learningRate / biasCorrection1) * first) / (root + epsilon);
    }
  }
};

/**
 * g ← gradient + weightDecay·p; s ← αs + (1−α)g²; d = √s + ε, or √(s − a²) + ε with
 * a ← αa + (1−α)g; p ← p − learningRate·g/d, or −learningRate·v with v ← momentum·v + g/d.
 */
export const rmspropUpdate: ReferenceKernel<RmspropAttributes> = (inputs, outputs, attributes) => {
  const { alpha, epsilon, momentum, weightDecay, centered } = attributes;
  const [parameter, gradient] = [need(inputs[0]), need(inputs[1])];
  const learningRate = need(inputs[2]).item();
  const [newParameter, newSquare] = outputs;
  const square = need(inputs[3]);
  const average = centered ? need(inputs[4]) : null;
  const newAverage = centered ? outputs[2] : null;
  const velocity = momentum === 0 ? null : need(inputs[centered ? 5 : 4]);
  const newVelocity = momentum === 0 ? null : outputs[centered ? 3 : 2];
  for (let i = 0; i < parameter.size; i++) {
    const p = parameter.data[i] as number;
    const g = gradient.data[i] + weightDecay * p;
    const s = alpha * square.data[i] + (1 - alpha) * g * g;
    let variance = s;
    if (average) {
      const a = alpha * average.data[i] + (1 - alpha) * g;
      variance = s - a * a;
      if (newAverage) newAverage.data[i] = a;
    }
    let direction = g / (Math.sqrt(variance) + epsilon);
    if (velocity) {
      direction += momentum * velocity.data[i];
      if (newVelocity) newVelocity.data[i] = direction;
    }
    if (newSquare) newSquare.data[i] = s;
    if (newParameter) newParameter.data[i] = p - learningRate * direction;
  }
};

/**
 * g ← gradient + weightDecay·p; s ← s + g²; p ← p − rate·g/(√s + ε), with
 * rate = learningRate/(1 + (t−1)·learningRateDecay).
 * Throws ERR_ARGUMENT unless t is an integer ≥ 1.
 */
export const adagradUpdate: ReferenceKernel<AdagradAttributes> = (inputs, outputs, attributes) => {
  const { learningRateDecay, epsilon, weightDecay } = attributes;
  const [parameter, gradient, sum] = inputs.slice(0, 3).map(need);
  const [t, learningRate] = [need(inputs[3]).item(), need(inputs[4]).item()];
  checkStep('adagradUpdate', t);
  const [newParameter, newSum] = outputs;
  const rate = learningRate / (1 + (t - 1) * learningRateDecay);
  for (let i = 0; i < parameter.size; i++) {
    const p = parameter.data[i] as number;
    const g = gradient.data[i] + weightDecay * p;
    const s = sum.data[i] + g * g;
    if (newSum) newSum.data[i] = s;
    if (newParameter) newParameter.data[i] = p - (rate * g) / (Math.sqrt(s) + epsilon);
  }
};
