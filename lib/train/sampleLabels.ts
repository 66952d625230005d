import { StridenetError } from '../errors.ts';
import type { Loss, SampleOutput } from '../losses/index.ts';
import { checkTargetsOf } from '../losses/targets.ts';
import { elementCount } from '../shape.ts';
import { Tensor } from '../tensor.ts';

/** Runs `body`, a check of one sample: what it throws names the sample by its place in its source. */
export function namingSample(index: number, body: () => void): void {
  try {
    body();
  } catch (error) {
    if (!(error instanceof StridenetError)) throw error;
    const message = error.message.replace(/\bsample 0\b/, `sample ${index}`);
    throw new StridenetError(error.code, message, { cause: error });
  }
}

/**
 * Throws what the loss throws of labels `y` (N, …) that it does not take, with the sample.
 * @param indices the places of the samples in their source
 */
export function checkLabels(
  where: string,
  loss: Loss,
  output: SampleOutput,
  y: Tensor,
  indices: readonly number[],
): void {
  try {
    checkTargetsOf(where, loss, output, y);
  } catch (error) {
    const inner = y.shape.slice(1);
    const size = elementCount(inner);
    indices.forEach((index, i) => {
      const own = new Tensor(y.data.slice(i * size, (i + 1) * size), [1, ...inner], y.dtype);
      namingSample(index, () => checkTargetsOf(where, loss, output, own));
    });
    throw error;
  }
}
