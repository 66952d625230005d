import { need } from '../ops/operator.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y = x. */
export const stopGradient: ReferenceKernel = (inputs, outputs) => {
  need(outputs[0]).data.set(need(inputs[0]).data);
};
