import { checkBoolean, checkOptions, dtypeError, shapeError } from '../errors.ts';
import { unknownName } from '../nearest.ts';
import { checkOperand, type Operand, type Variable } from '../ops/operator.ts';
import { checkSeed } from '../random.ts';
import { formatShape, sameShape } from '../shape.ts';
import { describe, full } from '../tensor.ts';
import type { Architecture } from './architecture.ts';

/** Settings of `apply`. */
export interface ApplyOptions {
  /**
   * Without the softmax or sigmoid that the network ends in, as `ops.softmaxCrossEntropy` and
   * `ops.binaryCrossEntropy` take its output. Default false.
   */
  logits?: boolean;
  /** With the batch's own statistics and with dropout; states do not change. Default false. */
  training?: boolean;
  /** Of dropout; default 0. */
  seed?: number;
  /** The number of the training step, of which dropout depends; default 1. */
  step?: number;
}

/** Throws unless a network can be applied to `x` with these parameters in place of its own. */
function checkApplied(
  { inputShape, dtype, parameters: own }: Architecture,
  x: Operand,
  parameters: ReadonlyMap<string, Operand>,
): void {
  checkOperand('apply', 'x', x);
  if (!sameShape(x.shape.slice(1), inputShape) || x.shape.length === 0) {
    const [wanted, given] = [`(N, ${inputShape.join(', ')})`, formatShape(x.shape)];
    throw shapeError('apply', `the network takes ${wanted} but x is ${given}`);
  }
  if (x.dtype !== dtype) {
    throw dtypeError('apply', `the network takes ${dtype} but x is ${describe(x)}`);
  }
  const known = new Map(own.map(({ key, shape }) => [key, shape]));
  for (const [key, value] of parameters) {
    const shape = known.get(key);
    if (shape === undefined) {
      throw unknownName('apply', 'key of this network', key, [...known.keys()]);
    }
    checkOperand('apply', key, value);
    if (sameShape(value.shape, shape)) continue;
    throw shapeError('apply', `${key} must be ${formatShape(shape)} but is ${describe(value)}`);
  }
}

/** What `apply` of a network with parameters `own` gives. Throws what it throws. */
export function applyNetwork(
  architecture: Architecture,
  own: ReadonlyMap<string, Operand>,
  x: Operand,
  parameters: ReadonlyMap<string, Operand>,
  options: ApplyOptions,
): Operand {
  checkOptions('apply', options, ['logits', 'training', 'seed', 'step']);
  const { logits = false, training = false, seed = 0, step = 1 } = options;
  checkBoolean('apply', 'logits', logits);
  checkApplied(architecture, x, parameters);
  const context = {
    ...{ step: full([], step, 'float64'), seed: checkSeed('apply', seed) },
    update: () => undefined,
  };
  const values = new Map<string, Operand>([...own, ...parameters]);
  return architecture.forward(x as Variable, values, {
    logits: logits ? 'any' : null,
    ...(training ? { training: context } : {}),
  });
}
