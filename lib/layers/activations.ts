import { argumentError } from '../errors.ts';
import type { Variable } from '../ops/operator.ts';
import { relu } from '../ops/relu.ts';
import { softmax } from '../ops/softmax.ts';

/** Every function that a layer may end with. */
const activations = {
  linear: (x: Variable): Variable => x,
  relu: (x: Variable): Variable => relu(x),
  softmax: (x: Variable): Variable => softmax(x),
} as const;

/** Functions that a layer may end with. */
export type Activation = keyof typeof activations;

/** `name` if it is an activation; else throws ERR_ARGUMENT. */
export function checkActivation(where: string, name: unknown): Activation {
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return name as Activation;
  throw argumentError(where, `an activation of ${Object.keys(activations).join(', ')}`, name);
}

/** The activation of that name, in operators. */
export function activate(name: Activation, x: Variable): Variable {
  return activations[name](x);
}
