import { checkOptions } from '../errors.ts';
import { add, mul, sub } from '../ops/binary.ts';
import type { Operand } from '../ops/operator.ts';
import { mean } from '../ops/reduction.ts';
import {
  type Augmentation,
  checkProbability,
  checkRange,
  type Range,
  type SampleSpec,
  type Stage,
  within,
} from './augmentation.ts';

/** Settings of brightness and contrast. */
export interface AmountOptions {
  /** A range, or how far it reaches to both sides of what changes nothing. */
  amount: number | Range;
  /** From 0 to 1; default 1. */
  probability?: number;
}

/**
 * A number added to all values of a sample: uniform in ±`amount`, or in the range, in the units that
 * the network gets.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function brightness(options: AmountOptions): Augmentation {
  checkOptions('brightness', options, ['amount', 'probability']);
  const amount = checkRange('brightness', 'amount', options.amount, 0);
  const probability = checkProbability('brightness', options.probability, 1);
  return { kind: 'brightness', options: { amount, probability } };
}

/**
 * The distance of a sample's values from their mean, times a number: uniform in 1 ± `amount`, or in
 * the range. 0 leaves the mean alone.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function contrast(options: AmountOptions): Augmentation {
  checkOptions('contrast', options, ['amount', 'probability']);
  const amount = checkRange('contrast', 'amount', options.amount, 1);
  const probability = checkProbability('contrast', options.probability, 1);
  return { kind: 'contrast', options: { amount, probability } };
}

/** A number a sample, 1 along its axes, that `change` combines with x. */
function numberStage(
  { options }: Augmentation,
  neutral: number,
  { shape, dtype }: SampleSpec,
  change: (x: Operand, amount: Operand) => Operand,
): Stage {
  const [range, probability] = [options.amount as Range, options.probability as number];
  return {
    inputs: (batch) => [{ shape: [batch, ...shape.map(() => 1)], dtype, batched: true }],
    draw(stream, samples, [amounts]) {
      const random = stream(0);
      for (let n = 0; n < samples; n++) {
        const applied = random.uniform() < probability;
        const drawn = within(range, random);
        (amounts as Float32Array)[n] = applied ? drawn : neutral;
      }
    },
    trace: ({ x, y }, [amount]) => ({ x: change(x, amount as Operand), y }),
  };
}

/** The stage of an augmentation that changes values; null for another. */
export function colourStage(augmentation: Augmentation, samples: SampleSpec): Stage | null {
  if (augmentation.kind === 'brightness') return numberStage(augmentation, 0, samples, add);
  if (augmentation.kind !== 'contrast') return null;
  const axis = samples.shape.map((_, i) => i + 1);
  return numberStage(augmentation, 1, samples, (x, gain) => {
    const middle = mean(x, { axis, keepDims: true });
    return add(mul(x, gain), sub(middle, mul(middle, gain)));
  });
}
