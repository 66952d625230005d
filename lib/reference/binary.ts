import { need } from '../ops/operator.ts';
import { broadcastPlace } from './broadcast.ts';
import type { ReferenceKernel } from './kernel.ts';

function elementwise(f: (a: number, b: number) => number): ReferenceKernel {
  return (inputs, outputs) => {
    const [a, b, y] = [need(inputs[0]), need(inputs[1]), need(outputs[0])];
    for (let i = 0; i < y.size; i++) {
      const left = a.data[broadcastPlace(i, y.shape, a.shape)] as number;
      const right = b.data[broadcastPlace(i, y.shape, b.shape)] as number;
      y.data[i] = f(left, right);
    }
  };
}

/** Functions of two numbers. */
export const binary = {
  add: elementwise((a, b) => a + b),
  sub: elementwise((a, b) => a - b),
  mul: elementwise((a, b) => a * b),
  div: elementwise((a, b) => a / b),
};
