import { afterAll, beforeAll, describe } from 'vitest';
import {
  type BackendName,
  ops,
  setDefaultBackend,
  Tensor,
  tensor,
  valueAndGrad,
} from '../../lib/index.ts';
import type { Conv2dOptions } from '../../lib/ops/conv2d.ts';
import type { Operand } from '../../lib/ops/operator.ts';

/** Describes what must hold whichever backend computes. */
export function describeOnBothBackends(title: string, body: (backend: BackendName) => void): void {
  describe.each(['reference', 'native'] as const)(`${title} on %s`, (backend) => {
    beforeAll(() => setDefaultBackend(backend));
    afterAll(() => setDefaultBackend('native'));
    body(backend);
  });
}

/** The gradients of ⟨fn(inputs), dy⟩: what reverse mode makes of an output's gradient. */
export function pullBack(
  fn: (...inputs: Operand[]) => Operand,
  inputs: readonly Tensor[],
  dy: Tensor,
): Tensor[] {
  const column = new Tensor(dy.data, [dy.size, 1], dy.dtype);
  const scalar = (...variables: Operand[]): Operand =>
    ops.reshape(ops.matmul(ops.reshape(fn(...variables), [1, dy.size]), column), []);
  return valueAndGrad(scalar)(...inputs).grads.map((gradient) => gradient as Tensor);
}

/** An image or a filter of one channel, as (1, 1, H, W). */
export function single(rows: readonly (readonly number[])[]): Tensor {
  return tensor([[rows]]);
}

/** Integers from −range to range that repeat after 31 elements, in the order of a fixed sequence. */
export function someIntegers(shape: readonly number[], range = 3, start = 1): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, (_, i) => {
    return ((((i + start) * 17) % 31) % (2 * range + 1)) - range;
  });
  return new Tensor(data, shape, 'float32');
}

/** A convolution of tensors without bias. */
export function convolve(x: Tensor, weight: Tensor, options: Conv2dOptions = {}): Tensor {
  return ops.conv2d(x, weight, null, options);
}
