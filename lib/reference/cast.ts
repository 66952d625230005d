import { need } from '../ops/operator.ts';
import type { ReferenceKernel } from './kernel.ts';

/** y = x, rounded as typed arrays do: ECMA-262's ToInt32 and ToUint8, or to the nearest. */
export const cast: ReferenceKernel = (inputs, outputs) => {
  const [x, y] = [need(inputs[0]), need(outputs[0])];
  for (let i = 0; i < x.size; i++) y.data[i] = x.data[i] as number;
};
