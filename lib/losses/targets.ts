import {
  argumentError,
  dtypeError,
  ownFunction,
  StridenetError,
  shapeError,
  within,
} from '../errors.ts';
import { GraphVariable } from '../graph/graph.ts';
import { countCorrect } from '../ops/countCorrect.ts';
import type { FinalActivation } from '../ops/loss.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { formatShape, sameShape } from '../shape.ts';
import { describe, type Tensor } from '../tensor.ts';
import type { Counter, Loss, SampleOutput } from './loss.ts';

/** "(M, 3)": any number of samples. */
function rows({ shape }: SampleOutput): string {
  return `(M, ${shape.join(', ')})`;
}

function isInteger({ dtype }: Tensor): boolean {
  return dtype === 'int32' || dtype === 'uint8';
}

/** How to make targets of `y` where only its dtype or an axis of 1 is missing, or what it is for. */
function cure({ shape, dtype }: SampleOutput, y: Tensor): string {
  const wanted = [y.shape[0] as number, ...shape];
  const converted = y.dtype === dtype ? 'y' : `y.to('${dtype}')`;
  const scaled =
    y.dtype === 'uint8' ? `, divided by 255 (sn.ops.div) where they are pixels of images` : '';
  if (sameShape(y.shape, wanted)) return `: convert them by ${converted}${scaled}`;
  const [samples, ...rest] = y.shape;
  if (isInteger(y) && rest.length === 0 && shape.length === 1 && (shape[0] as number) > 1) {
    return '; class numbers are for softmaxCrossEntropy';
  }
  if (samples !== wanted[0] || rest.length > 0 || shape.some((size) => size !== 1)) return '';
  return `: sn.ops.reshape(${converted}, [${wanted.join(', ')}])`;
}

/**
 * Throws ERR_SHAPE, ERR_DTYPE unless `y` are targets (M, …) of the output's shape and dtype.
 * @param kind what needs them
 */
export function checkTargets(where: string, kind: string, output: SampleOutput, y: Tensor): void {
  const fits = sameShape(y.shape.slice(1), output.shape);
  if (fits && y.dtype === output.dtype) return;
  const needs = `${kind} needs ${output.dtype} targets ${rows(output)}`;
  const message = `${needs}, of the shape of the network's output, but y is ${describe(y)}`;
  throw (fits ? dtypeError : shapeError)(where, `${message}${cure(output, y)}`);
}

/** Throws ERR_ARGUMENT that names the first sample with a target outside of [0, 1]. */
export function checkTargetRange(where: string, kind: string, { shape, data }: Tensor): void {
  // A plain loop: targets may be as many as the pixels of all images.
  let wrong = 0;
  for (; wrong < data.length; wrong++) {
    const value = data[wrong] as number;
    if (!(value >= 0 && value <= 1)) break;
  }
  if (wrong === data.length) return;
  const sample = Math.floor((wrong * (shape[0] as number)) / data.length);
  const expected = `the targets of sample ${sample} to be from 0 to 1 for ${kind}`;
  throw argumentError(where, expected, data[wrong]);
}

/** How far the targets of a sample may be from a sum of 1. */
const sumTolerance = 1e-3;

/**
 * Throws ERR_ARGUMENT that names the first row of `y` (M, C) which is no distribution: entries of at
 * least 0 with a sum of 1.
 */
export function checkDistributions(where: string, kind: string, { shape, data }: Tensor): void {
  const [samples = 0, classes = 0] = shape;
  for (let sample = 0; sample < samples; sample++) {
    const row = data.subarray(sample * classes, (sample + 1) * classes);
    let sum = 0;
    for (let c = 0; c < classes; c++) sum += (row[c] as number) >= 0 ? (row[c] as number) : NaN;
    if (Math.abs(sum - 1) <= sumTolerance) continue;
    const expected = `the targets of sample ${sample} to be probabilities, not negative and with a sum of 1, for ${kind} (the default loss; squaredError is for numbers)`;
    throw argumentError(where, expected, [...row]);
  }
}

/** Throws ERR_SHAPE, ERR_DTYPE, or ERR_ARGUMENT with the sample, unless `y` are class numbers (M). */
export function checkClassNumbers(
  where: string,
  kind: string,
  { shape }: SampleOutput,
  y: Tensor,
): void {
  const [classes] = shape;
  if (shape.length !== 1 || classes === undefined) {
    throw shapeError(
      where,
      `${kind} with class numbers needs an output (classes) but the network's is ${formatShape(shape)}`,
    );
  }
  if (!isInteger(y)) {
    const message = `class numbers (M) must be int32 or uint8 but y is ${describe(y)}`;
    throw dtypeError(where, `${message}: convert them by y.to('int32')`);
  }
  y.data.forEach((label, sample) => {
    if (label >= 0 && label < classes) return;
    throw argumentError(
      where,
      `the label of sample ${sample} to be from 0 to ${classes - 1}`,
      label,
    );
  });
}

/** Throws unless `y` are class numbers (M), or targets (M, …) for such outputs. */
export function checkClassesOrTargets(
  where: string,
  kind: string,
  output: SampleOutput,
  y: Tensor,
): void {
  if (y.shape.length === 1) {
    checkClassNumbers(where, kind, output, y);
  } else if (sameShape(y.shape.slice(1), output.shape)) {
    checkTargets(where, kind, output, y);
  } else {
    throw shapeError(
      where,
      `${kind} needs class numbers (M) as int32 or uint8, or ${output.dtype} targets ${rows(output)}, but y is ${describe(y)}`,
    );
  }
}

/** Whether every row of `y` (M, C) has one 1 and otherwise zeros. */
function isOneHot({ shape, data }: Tensor): boolean {
  const [samples = 0, classes = 0] = shape;
  for (let n = 0; n < samples; n++) {
    let ones = 0;
    for (let c = 0; c < classes; c++) {
      const value = data[n * classes + c];
      if (value === 1) ones++;
      else if (value !== 0) return false;
    }
    if (ones !== 1) return false;
  }
  return true;
}

const largest: Counter = (output, targets) => countCorrect(output, targets as Variable);

/** The counter of losses that have none of their own. */
export function countOfClasses({ shape, dtype }: SampleOutput, y: Tensor): Counter | null {
  if (shape.length !== 1 || (shape[0] as number) < 2) return null;
  if (y.shape.length === 1) return isInteger(y) ? largest : null;
  const fits = sameShape(y.shape.slice(1), shape) && y.dtype === dtype;
  return fits && isOneHot(y) ? largest : null;
}

/** `loss` if it is one; else throws ERR_ARGUMENT. */
export function checkLoss(where: string, loss: Loss): Loss {
  if (typeof loss?.mean === 'function') return loss;
  throw argumentError(where, 'loss to be one of sn.losses', loss);
}

/** Throws unless `y` are targets that the loss takes for such outputs. */
export function checkTargetsOf(where: string, loss: Loss, output: SampleOutput, y: Tensor): void {
  if (loss.check) loss.check(where, output, y);
  else checkClassesOrTargets(where, `the loss '${loss.kind}'`, output, y);
}

/** What counts the samples that are right, if they can be. */
export function counterOf(loss: Loss, output: SampleOutput, y: Tensor): Counter | null {
  return loss.counter ? loss.counter(output, y) : countOfClasses(output, y);
}

/** The final activation that the loss has within. */
export function foldedBy({ takesLogits }: Loss): FinalActivation | null {
  if (typeof takesLogits === 'string') return takesLogits;
  return takesLogits ? 'softmax' : null;
}

/**
 * The loss of a batch in operators.
 * @throws ERR_ARGUMENT, ERR_SHAPE, ERR_DTYPE when a loss made by hand gives no scalar of the output's
 *   dtype
 */
export function traceLoss(
  where: string,
  loss: Loss,
  output: Variable,
  targets: Operand,
): GraphVariable {
  const name = `the loss '${loss.kind}'`;
  const place = `${where}, loss`;
  const own = ownFunction(place, `mean of ${name}`, () => loss.mean(output, targets));
  const mean: unknown = within(place, own);
  if (!(mean instanceof GraphVariable)) {
    throw argumentError(where, `${name} to give a value computed from the output`, mean);
  }
  if (mean.shape.length === 0 && mean.dtype === output.dtype) return mean;
  throw new StridenetError(
    mean.shape.length === 0 ? 'ERR_DTYPE' : 'ERR_SHAPE',
    `[${where}] ${name} must give ${output.dtype} () but gives ${describe(mean)}`,
  );
}
