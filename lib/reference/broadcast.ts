import { need } from '../ops/operator.ts';
import type { Shape } from '../shape.ts';
import type { ReferenceKernel } from './kernel.ts';

/**
 * The place in an operand of the element that is broadcast to element `flat` of a result: along
 * axes where the operand has one element, that one. Ranks are equal, or the operand's is 0.
 */
export function broadcastPlace(flat: number, result: Shape, operand: Shape): number {
  let [place, stride, rest] = [0, 1, flat];
  for (let axis = result.length - 1; axis >= 0; axis--) {
    const index = rest % (result[axis] as number);
    rest = Math.floor(rest / (result[axis] as number));
    const size = operand[axis] ?? 1;
    if (size !== 1) place += index * stride;
    stride *= size;
  }
  return place;
}

/** y = f(a, b), element by element. */
export function elementwise(f: (a: number, b: number) => number | boolean): ReferenceKernel {
  return (inputs, outputs) => {
    const [a, b, y] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
    for (let i = 0; i < y.size; i++) {
      const left = a.data[broadcastPlace(i, y.shape, a.shape)] as number;
      const right = b.data[broadcastPlace(i, y.shape, b.shape)] as number;
      y.data[i] = Number(f(left, right));
    }
  };
}
