import { expect } from 'vitest';
import * as sn from '../../lib/index.ts';

const { ops, defineOperator } = sn;

/** x/(1 + |x|), by loops alone. */
export const softsignParts = {
  name: 'softsign',
  inputs: ['x'],
  infer: ([x]: readonly [sn.OwnSpec]): readonly [sn.OwnSpec] => [x],
  loops([x]: readonly [sn.Tensor], [y]: readonly [sn.Tensor]): void {
    x.data.forEach((value, i) => {
      y.data[i] = value / (1 + Math.abs(value));
    });
  },
} as const;

export const derivative = (x: sn.Variable): sn.Variable =>
  ops.div(1, ops.square(ops.add(ops.abs(x), 1)) as sn.Variable);

/** With its derivative, and in operators. */
export const softsign = defineOperator({
  ...softsignParts,
  gradient: ({ inputs: [x], gradients: [dy] }) => [ops.mul(dy, derivative(x))],
  composition: ([x]) => ops.div(x, ops.add(ops.abs(x), 1)),
});

/** By loops alone. */
export const looped = defineOperator({
  ...softsignParts,
  gradient: ({ inputs: [x], gradients: [dy] }) => [ops.mul(dy, derivative(x))],
});

/** x·factor + offset and its square root's place: several operands, outputs and settings. */
export const scaled = defineOperator({
  name: 'scaled',
  inputs: ['x', 'factor', 'offset?'],
  outputs: ['y', 'total'],
  attributes: { power: 1, absolute: false, mode: 'plain', taps: [1, 2] },
  infer([x, factor, offset], { power, taps }) {
    if (factor.shape.join() !== x.shape.slice(1).join()) {
      throw new sn.StridenetError('ERR_SHAPE', `factor ${factor.shape} does not fit x ${x.shape}`);
    }
    if (power < 0 || taps.length !== 2) throw new RangeError('power below 0');
    void offset?.dtype;
    return [x, { shape: factor.shape, dtype: factor.dtype }];
  },
  loops([x, factor, offset], [y, total], { power, absolute }) {
    for (let i = 0; i < x.size; i++) {
      const j = i % factor.size;
      const value = (x.data[i] as number) * (factor.data[j] as number) ** power;
      const moved = value + (offset?.data[j] ?? 0);
      y.data[i] = absolute ? Math.abs(moved) : moved;
      (total.data[j] as number) += x.data[i] as number;
    }
  },
  multiplyAdds: ([x]) => x.shape.reduce((product, size) => product * size, 1),
});

/** What `body` throws. */
export function thrownBy(body: () => unknown): sn.StridenetError {
  try {
    body();
  } catch (error) {
    expect(error).toBeInstanceOf(sn.StridenetError);
    return error as sn.StridenetError;
  }
  throw new Error('nothing was thrown');
}

/** An operand of all of them. */
export const x = sn.tensor([-2, -0.5, 0.25, 3, 1, -1], [3, 2], 'float64');

const over = sn.trace((v) => v as sn.Variable, { shape: [3, 2], dtype: 'float64' });

/** A value of a trace that is over, like x. */
export const foreign = over.outputs[0] as sn.Variable;
