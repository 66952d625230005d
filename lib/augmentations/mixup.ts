import { argumentError, checkOptions, StridenetError, shapeError } from '../errors.ts';
import { add, mul, sub } from '../ops/binary.ts';
import { cast } from '../ops/cast.ts';
import { gatherRows } from '../ops/gatherRows.ts';
import type { Operand } from '../ops/operator.ts';
import { reshape } from '../ops/reshape.ts';
import { type Generator, logarithm } from '../random.ts';
import { zeros } from '../tensor.ts';
import {
  type Augmentation,
  checkFinite,
  checkProbability,
  type SampleSpec,
  type Stage,
} from './augmentation.ts';
import { exponential } from './elementary.ts';

/** Settings of mixup. */
export interface MixupOptions {
  /** Of the shares' distribution Beta(alpha, alpha): near 0 rarely mixed, 1 uniform; default 0.2. */
  alpha?: number;
  /** From 0 to 1; default 1. */
  probability?: number;
}

/**
 * Every sample mixed with another one of its batch, a permutation saying which, λ·x + (1 − λ)·x'
 * with a λ of its own by Beta(alpha, alpha), and the labels likewise (Zhang and others 2018). Class
 * numbers become rows of one 1, mixed; accuracy counts the class with the larger share.
 * @throws ERR_ARGUMENT for a setting out of range
 */
export function mixup(options: MixupOptions = {}): Augmentation {
  checkOptions('mixup', options, ['alpha', 'probability']);
  const alpha = checkFinite('mixup', 'alpha', options.alpha ?? 0.2);
  if (alpha <= 0) throw argumentError('mixup', 'alpha to be above 0', alpha);
  const probability = checkProbability('mixup', options.probability, 1);
  return { kind: 'mixup', options: { alpha, probability } };
}

/** ln of a uniform number above 0. */
function logarithmOfUniform(random: Generator): number {
  return logarithm(1 - random.uniform());
}

/** ln of a number by Gamma(shape): Marsaglia and Tsang 2000, for shapes below 1 by that of shape + 1. */
function logarithmOfGamma(shape: number, random: Generator): number {
  if (shape < 1) {
    const above = logarithmOfGamma(shape + 1, random);
    return above + logarithmOfUniform(random) / shape;
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const root = 1 + c * x;
    if (root <= 0) continue;
    const v = root * root * root;
    const limit = (x * x) / 2 + d - d * v + d * logarithm(v);
    if (logarithmOfUniform(random) < limit) return logarithm(d * v);
  }
}

/** A number by Beta(alpha, alpha), within [0, 1]. */
export function symmetricBeta(alpha: number, random: Generator): number {
  const [a, b] = [logarithmOfGamma(alpha, random), logarithmOfGamma(alpha, random)];
  return 1 / (1 + exponential(Math.max(-700, Math.min(700, b - a))));
}

/** Rows of one 1 for class numbers, which must be below `classes` when it runs. */
function oneHot(y: Operand, classes: number, dtype: SampleSpec['dtype']): Operand {
  const rows = zeros([classes, classes], dtype);
  for (let c = 0; c < classes; c++) rows.data[c * (classes + 1)] = 1;
  return gatherRows(rows as Operand, y.dtype === 'int32' ? y : cast(y, 'int32'));
}

/** share·a + (1 − share)·(the partners' rows of a). */
function mixed(a: Operand, partners: Operand, share: Operand): Operand {
  const [N = 0, ...rest] = a.shape;
  const factor = reshape(share, [N, ...rest.map(() => 1)]);
  return add(mul(a, factor), mul(gatherRows(a, partners), sub(1, factor)));
}

/** The stage of a mixup; null for another augmentation. */
export function mixupStage(
  where: string,
  { kind, options }: Augmentation,
  { dtype, classes }: SampleSpec,
): Stage | null {
  if (kind !== 'mixup') return null;
  const [alpha, probability] = [options.alpha as number, options.probability as number];
  const targets = (y: Operand): Operand => {
    if (y.dtype === dtype) return y;
    if (y.shape.length !== 1 || (y.dtype !== 'int32' && y.dtype !== 'uint8')) {
      const message = `[${where}] mixes class numbers or ${dtype} targets but labels are ${y.dtype}`;
      throw new StridenetError('ERR_DTYPE', message);
    }
    if (classes === null) {
      throw shapeError(where, 'needs an output (classes) to mix class numbers');
    }
    return oneHot(y, classes, dtype);
  };
  return {
    inputs: (batch) => [
      { shape: [batch], dtype: 'int32', batched: true },
      { shape: [batch], dtype, batched: true },
    ],
    draw(stream, samples, [partners, shares]) {
      const random = stream(0);
      for (let n = 0; n < samples; n++) {
        const applied = random.uniform() < probability;
        const share = symmetricBeta(alpha, random);
        (shares as Float32Array)[n] = applied ? share : 1;
      }
      (partners as Int32Array).set(random.permutation(samples));
    },
    trace: ({ x, y }, [partners, share]) => ({
      x: mixed(x, partners as Operand, share as Operand),
      y: y === null ? null : mixed(targets(y), partners as Operand, share as Operand),
    }),
  };
}
