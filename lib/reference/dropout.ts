import { argumentError } from '../errors.ts';
import type { DropoutAttributes } from '../ops/dropout.ts';
import { need } from '../ops/operator.ts';
import { philox4x32 } from '../random.ts';
import { elementCount } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { ReferenceKernel } from './kernel.ts';

/**
 * Whether the mask keeps place i: the word i mod 4 of Philox' block ⌊i/4⌋ is at least rate · 2^32.
 * Counter (block, step low, step high, stream), key the seed.
 */
function keeper(name: string, step: Tensor, attributes: DropoutAttributes): (i: number) => boolean {
  const number = step.item();
  if (!Number.isSafeInteger(number) || number < 0) {
    throw argumentError(name, 'step to be an integer in [0, 2^53)', number);
  }
  const [low, high] = [number % 2 ** 32, Math.floor(number / 2 ** 32)];
  const threshold = attributes.rate * 2 ** 32;
  let [block, words] = [-1, [0, 0, 0, 0]];
  return (i) => {
    if (Math.floor(i / 4) !== block) {
      block = Math.floor(i / 4);
      words = philox4x32([block, low, high, attributes.stream], attributes.seed);
    }
    return need(words[i % 4]) >= threshold;
  };
}

/** y[i] = x[i] / (1 − rate) where the mask keeps place ⌊i/run⌋, else 0; the factor rounded first. */
function drop(
  name: string,
  inputs: readonly (Tensor | null)[],
  outputs: readonly (Tensor | null)[],
  attributes: DropoutAttributes,
  run: number,
): void {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  const keeps = keeper(name, need(inputs[1]), attributes);
  const factor = 1 / (1 - attributes.rate);
  const rounded = x.dtype === 'float32' ? Math.fround(factor) : factor;
  for (let i = 0; i < x.size; i++) {
    y.data[i] = keeps(Math.floor(i / run)) ? (x.data[i] as number) * rounded : 0;
  }
}

/** A place of the mask for every element. */
export const dropout: ReferenceKernel<DropoutAttributes> = (inputs, outputs, attributes) => {
  drop('dropout', inputs, outputs, attributes, 1);
};

/** A place of the mask for every channel of every sample. */
export const spatialDropout: ReferenceKernel<DropoutAttributes> = (inputs, outputs, attributes) => {
  const area = elementCount(need(inputs[0]).shape.slice(2));
  drop('spatialDropout', inputs, outputs, attributes, area);
};
