import { argumentError } from '../errors.ts';
import { Tracer } from '../graph/graph.ts';
import {
  type EluOptions,
  elu,
  type GeluOptions,
  gelu,
  hardSwish,
  type LeakyReluOptions,
  leakyRelu,
  mish,
  relu6,
  type SoftplusOptions,
  selu,
  softplus,
  swish,
} from '../ops/activations.ts';
import { sigmoid, tanh } from '../ops/math.ts';
import type { Variable } from '../ops/operator.ts';
import { relu } from '../ops/relu.ts';
import { logSoftmax, type SoftmaxOptions, softmax } from '../ops/softmax.ts';

/** Every function that a layer may end with: on a batch, with the operator's options. */
const activations = {
  linear: (x: Variable): Variable => x,
  relu: (x: Variable): Variable => relu(x),
  relu6: (x: Variable): Variable => relu6(x),
  leakyRelu: (x: Variable, options?: LeakyReluOptions): Variable => leakyRelu(x, options),
  elu: (x: Variable, options?: EluOptions): Variable => elu(x, options),
  selu: (x: Variable): Variable => selu(x),
  gelu: (x: Variable, options?: GeluOptions): Variable => gelu(x, options),
  sigmoid: (x: Variable): Variable => sigmoid(x),
  tanh: (x: Variable): Variable => tanh(x),
  softplus: (x: Variable, options?: SoftplusOptions): Variable => softplus(x, options),
  mish: (x: Variable): Variable => mish(x),
  swish: (x: Variable): Variable => swish(x),
  hardSwish: (x: Variable): Variable => hardSwish(x),
  softmax: (x: Variable, options?: SoftmaxOptions): Variable => softmax(x, options),
  logSoftmax: (x: Variable, options?: SoftmaxOptions): Variable => logSoftmax(x, options),
} as const;

/** Functions that a layer may end with. */
export type Activation = keyof typeof activations;

/** The options of the operator of that name. */
export type ActivationOptions<A extends Activation> = (typeof activations)[A] extends (
  x: Variable,
  options?: infer O,
) => Variable
  ? NonNullable<O>
  : never;

type Apply = (x: Variable, options?: object) => Variable;

/** `name` if it is an activation; else throws ERR_ARGUMENT. */
export function checkActivation(where: string, name: unknown): Activation {
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return name as Activation;
  throw argumentError(where, `an activation of ${Object.keys(activations).join(', ')}`, name);
}

/** The activation of that name, in operators. */
export function activate(name: Activation, x: Variable, options?: object): Variable {
  return (activations[name] as Apply)(x, options);
}

/** Throws what the operator of that name throws for options that it does not have or take. */
export function checkActivationOptions(name: Activation, options: object): void {
  if (Object.keys(options).length === 0) return;
  if (activations[name].length < 2) {
    throw argumentError('activation', `no options of '${name}'`, Object.keys(options));
  }
  activate(name, new Tracer().input({ shape: [1, 1, 1, 1], dtype: 'float32' }), options);
}
