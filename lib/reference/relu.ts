import { need } from '../ops/operator.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y = max(x, 0); NaN stays, −0 becomes 0. */
export const relu: ReferenceKernel = (inputs, outputs) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (let i = 0; i < x.size; i++) y.data[i] = Math.max(x.data[i], 0);
};

/** dx = dy where y > 0, else 0. */
export const reluGradient: ReferenceKernel = (inputs, outputs) => {
  const [dy, y, dx] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
  for (let i = 0; i < dy.size; i++) dx.data[i] = y.data[i] > 0 ? dy.data[i] : 0;
};
