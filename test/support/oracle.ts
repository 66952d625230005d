import { operators } from '../../lib/ops/index.ts';
import { type Attributes, need, type Operator } from '../../lib/ops/operator.ts';
import { referenceKernels } from '../../lib/reference/index.ts';
import { Tensor, zeros } from '../../lib/tensor.ts';

/** The operator of that name. */
export function operatorNamed(name: string): Operator {
  return need(operators.get(name));
}

/** Computes an operator with its reference kernel alone, without any backend. */
export function oracle(
  name: string,
  inputs: readonly (Tensor | null)[],
  attributes: Attributes,
): Tensor[] {
  const outputs = operatorNamed(name)
    .infer(inputs, attributes)
    .map(({ shape, dtype }) => zeros(shape, dtype));
  need(referenceKernels.get(name))(inputs, outputs, attributes);
  return outputs;
}

function isFloating(tensor: Tensor): boolean {
  return tensor.dtype === 'float32' || tensor.dtype === 'float64';
}

/** The same values in float64; integers stay what they are. */
export function widened(inputs: readonly (Tensor | null)[]): (Tensor | null)[] {
  return inputs.map((input) => (input && isFloating(input) ? input.to('float64') : input));
}

/** The inputs with the floating ones among `which` (default: all) made absolute. */
export function absolute(
  inputs: readonly (Tensor | null)[],
  which?: readonly number[],
): (Tensor | null)[] {
  return inputs.map((input, i) => {
    if (input === null || !isFloating(input) || (which && !which.includes(i))) return input;
    return new Tensor(input.data.map(Math.abs), input.shape, input.dtype);
  });
}
