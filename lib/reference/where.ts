import { need } from '../ops/operator.ts';
import type { Tensor } from '../tensor.ts';
import { broadcastPlace } from './broadcast.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y = condition ? a : b. */
export const where: ReferenceKernel = (inputs, outputs) => {
  const [condition, a, b] = inputs.map(need);
  const y = need(outputs[0]);
  const at = (x: Tensor, i: number): number =>
    x.data[broadcastPlace(i, y.shape, x.shape)] as number;
  for (let i = 0; i < y.size; i++) {
    y.data[i] = at(need(condition), i) !== 0 ? at(need(a), i) : at(need(b), i);
  }
};
