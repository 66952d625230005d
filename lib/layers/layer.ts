import { argumentError, StridenetError } from '../errors.ts';
import { type Fan, heNormal, type Initializer, zeros } from '../initializers/index.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import { relu } from '../ops/relu.ts';
import { softmax } from '../ops/softmax.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { formatShape, type Shape } from '../shape.ts';

/** Functions that a layer may end with. */
export type Activation = 'relu' | 'softmax' | 'linear';

/** A value of a layer that is learned. */
export interface ParameterSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly fan: Fan;
  readonly initializer: Initializer;
}

/** What a file keeps of a layer: plain data. */
export type LayerOptions = Readonly<Record<string, unknown>>;

/** A function of an input and parameters; shapes of samples are without the batch. */
export interface Layer {
  /** The constructor's name, under which files know it. */
  readonly kind: string;
  readonly options: LayerOptions;
  /** Replaces the layer's number in the keys of its parameters. */
  readonly name: string | null;
  /** Takes the place of the network's optimizer for this layer. */
  readonly optimizer: Optimizer | null;
  readonly activation: Activation;
  /** Throws ERR_SHAPE for an input that it cannot take. */
  parameters(input: Shape): readonly ParameterSpec[];
  /** Everything but the activation. */
  forward(x: Variable, parameters: Readonly<Record<string, Operand>>): Variable;
}

/** Settings that layers with parameters share. */
export interface CommonOptions {
  /** Default 'linear': none. */
  activation?: Activation;
  /** Of the weight; default heNormal(). Biases start at zero. */
  initializer?: Initializer;
  /** Default: the one that `fit` is given. */
  optimizer?: Optimizer;
  name?: string;
}

const activations: Readonly<Record<Activation, (x: Variable) => Variable>> = {
  relu: (x) => relu(x),
  softmax: (x) => softmax(x),
  linear: (x) => x,
};

/** `name` if it is an activation; else throws ERR_ARGUMENT. */
export function checkActivation(where: string, name: unknown): Activation {
  if (typeof name === 'string' && Object.hasOwn(activations, name)) return name as Activation;
  throw argumentError(where, `an activation of ${Object.keys(activations).join(', ')}`, name);
}

/** The keys of CommonOptions. */
export const commonOptionNames = ['activation', 'initializer', 'optimizer', 'name'] as const;

/** The activation of that name, in operators. */
export function activate(name: Activation, x: Variable): Variable {
  return activations[name](x);
}

/** Throws ERR_ARGUMENT unless a layer's name can be part of a parameter's key. */
export function checkName(where: string, name: unknown): string | null {
  if (name === undefined || name === null) return null;
  if (typeof name !== 'string' || !/^[A-Za-z_][\w-]*$/.test(name)) {
    throw argumentError(
      where,
      'a name of letters, digits, _ and - that starts with a letter',
      name,
    );
  }
  return name;
}

/** A layer without parameters. */
export function plainLayer(
  kind: string,
  options: LayerOptions & { name?: string },
  forward: (x: Variable) => Variable,
  activation: Activation = 'linear',
): Layer {
  return {
    kind,
    options,
    name: checkName(kind, options.name),
    optimizer: null,
    activation,
    parameters: () => [],
    forward,
  };
}

/** The weight and, unless bias is false, the zero bias of a layer. */
export function weightAndBias(
  shape: Shape,
  fan: Fan,
  options: { initializer?: Initializer; bias?: boolean },
): ParameterSpec[] {
  const weight = { name: 'weight', shape, fan, initializer: options.initializer ?? heNormal() };
  if (options.bias === false) return [weight];
  return [weight, { name: 'bias', shape: [shape[0] as number], fan, initializer: zeros() }];
}

/** Runs `body`; an error that it throws names the layer. */
export function inLayer<T>(label: string, input: Shape, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof StridenetError)) throw error;
    throw new StridenetError(
      error.code,
      `layer ${label}, whose input is ${formatShape(input)}: ${error.message}`,
      { cause: error },
    );
  }
}
