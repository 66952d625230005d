import type { Shape } from '../shape.ts';

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
