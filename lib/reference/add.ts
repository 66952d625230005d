import { need } from '../ops/operator.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y = a + b. */
export const add: ReferenceKernel = (inputs, outputs) => {
  const [a, b, y] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  for (let i = 0; i < y.size; i++) y.data[i] = a.data[i] + b.data[i];
};
