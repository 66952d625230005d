import { argumentError, checkBoolean, checkOptions, StridenetError } from '../errors.ts';
import { type Fan, heNormal, type Initializer, zeros } from '../initializers/index.ts';
import { maxLayerLevels } from '../nesting.ts';
import type { FinalActivation } from '../ops/loss.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { formatShape, type Shape } from '../shape.ts';
import type { FloatDType } from '../tensor.ts';
import { type Activation, activate, checkActivation } from './activations.ts';
import type { Block, PlacedLayer } from './block.ts';

/** A value of a layer that is learned, or kept from step to step. */
export interface ParameterSpec {
  /** Within the layer; of a nested layer with its place: 'body.0.weight'. */
  readonly name: string;
  /** Sizes. */
  readonly shape: Shape;
  /** What the initializer goes by. */
  readonly fan: Fan;
  /** What it holds before the first step. */
  readonly initializer: Initializer;
  /** Saved and restored like a parameter, but changed by the layer, not by an optimizer. */
  readonly state?: true;
  /** Takes the place of the network's optimizer. */
  readonly optimizer?: Optimizer | null;
  /** False for a value that training leaves as it is; default true. */
  readonly trainable?: boolean;
}

/** What a file keeps of a layer: plain data, layers within it, and initializers. */
export type LayerOptions = Readonly<Record<string, unknown>>;

/** The activation that a network's end leaves out: one, whichever of them it has, or none. */
export type LeftOut = FinalActivation | 'any' | null;

/** Whether an activation at the end of the network is left out. */
export function isLeftOut(activation: string, logits: LeftOut): boolean {
  if (logits === 'any') return activation === 'softmax' || activation === 'sigmoid';
  return activation === logits;
}

/** What a layer may know of the run that it is part of. */
export interface LayerContext {
  /** Batch statistics and dropout are for training alone. */
  readonly training: boolean;
  /** float64 (): the number of the training step, from 1; 0 outside of training. */
  readonly step: Operand;
  /** Of the random numbers of this run. */
  readonly seed: number;
  /** The layer's place in the network, '3' or '3.body.0': a stream of random numbers of its own. */
  readonly key: string;
  /** This activation at the very end of the network is left out: the loss has it. */
  readonly logits: LeftOut;
  /**
   * Whether training leaves this state of the layer as it is.
   * @param name of a state, as `parameters` names it
   */
  holds(name: string): boolean;
  /**
   * Says what a state of the layer is after this step.
   * @param name of a state, as `parameters` names it
   * @param value of the state's shape and dtype
   */
  update(name: string, value: Operand): void;
}

/** A function of an input and parameters; shapes of samples are without the batch. */
export interface Layer {
  /** The constructor's name, under which files know it. */
  readonly kind: string;
  /** What tables and messages call it instead of its kind. */
  readonly title?: string;
  /** What a file keeps of it: what the constructor was given, checked. */
  readonly options: LayerOptions;
  /** Replaces the layer's number in the keys of its parameters. */
  readonly name: string | null;
  /** Layers within each other at its deepest place, itself among them; default 1. */
  readonly levels?: number;
  /**
   * The layers that it is made of, for such an input; none for most. `dtype`: default float32.
   * @param input of one sample, without the batch
   * @param dtype of the parameters; default float32
   */
  inner(input: Shape, dtype?: FloatDType): readonly PlacedLayer[];
  /**
   * Throws ERR_SHAPE for an input that it cannot take. `dtype`: default float32.
   * @param input of one sample, without the batch
   * @param dtype of the parameters; default float32
   */
  parameters(input: Shape, dtype?: FloatDType): readonly ParameterSpec[];
  /**
   * The layer's output in operators; `values` has its parameters by name.
   * @param x (N, …)
   * @param values parameters and states by name
   */
  forward(x: Variable, values: Readonly<Record<string, Operand>>, context: LayerContext): Variable;
}

/** Settings of every layer. */
export interface NameOption {
  /** Replaces the layer's number in the keys of its parameters. */
  name?: string;
}

/** Settings of layers that something is learned in. */
export interface LearnedOptions extends NameOption {
  /** Default: the one that `fit` is given. */
  optimizer?: Optimizer;
  /**
   * False: training leaves the layer's parameters and states as they are, and batch normalization
   * goes by its running statistics; default true.
   */
  trainable?: boolean;
}

/** Settings that layers with a weight share. */
export interface CommonOptions extends LearnedOptions {
  /** Default 'linear': none. */
  activation?: Activation;
  /** Of the weight; default heNormal(). */
  initializer?: Initializer;
  /** Of the bias; default zeros(). */
  biasInitializer?: Initializer;
}

/** The keys of LearnedOptions. */
export const learnedOptionNames = ['optimizer', 'trainable', 'name'] as const;

/** The keys of CommonOptions. */
export const commonOptionNames = [
  'activation',
  'initializer',
  'biasInitializer',
  ...learnedOptionNames,
] as const;

/**
 * Throws ERR_ARGUMENT unless a layer's name can be part of a parameter's key.
 * @param what the option, for the message
 */
export function checkName(where: string, name: unknown, what = 'a name'): string | null {
  if (name === undefined || name === null) return null;
  if (typeof name !== 'string' || !/^[A-Za-z_][\w-]*$/.test(name)) {
    throw argumentError(
      where,
      `${what} of letters, digits, _ and - that starts with a letter`,
      name,
    );
  }
  return name;
}

/** The options with what the constructors of layers have in common checked. */
interface Definition {
  readonly kind: string;
  readonly options: CommonOptions;
  readonly parameters?: (input: Shape, dtype: FloatDType) => readonly ParameterSpec[];
  /** The layers that it is made of; default: none. */
  readonly blocks?: readonly Block[];
  /** Everything but the activation of the options. */
  readonly forward: Layer['forward'];
  /** The activation where it is no option. */
  readonly activation?: Activation;
}

/** Throws ERR_ARGUMENT for an option that is there and has no method of that name. */
export function checkObject(where: string, name: string, value: unknown, method: string): void {
  if (value === undefined) return;
  if (typeof (value as Record<string, unknown> | null)?.[method] === 'function') return;
  const table = method === 'draw' ? 'initializers' : 'optimizers';
  throw argumentError(where, `${name} to be one of sn.${table}`, value);
}

/** The options with lists of their own, lists of lists too: files tell the layer as it was made. */
function ownOptions(options: object): LayerOptions {
  const own = (value: unknown): unknown =>
    Array.isArray(value) ? value.map((each) => (Array.isArray(each) ? [...each] : each)) : value;
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, own(value)]));
}

/** Throws ERR_ARGUMENT for more layers within each other than a walk through them can take. */
function levelsOf(kind: string, blocks: readonly Block[]): number {
  const levels = 1 + Math.max(0, ...blocks.map((block) => block.levels));
  if (levels <= maxLayerLevels) return levels;
  throw argumentError(kind, `at most ${maxLayerLevels} layers within each other`, levels);
}

/**
 * A layer from its constructor's options and what it computes; ends with the activation that the
 * options name, and passes its optimizer and `trainable` on to its parameters.
 * @throws ERR_ARGUMENT for an option that every layer has and that is none, and for more than 64
 *   layers within each other
 */
export function makeLayer(definition: Definition): Layer {
  const { kind, options, parameters, blocks = [], forward } = definition;
  const { optimizer, trainable = true } = options;
  const activation = checkActivation(kind, definition.activation ?? options.activation ?? 'linear');
  checkObject(kind, 'optimizer', optimizer, 'update');
  checkObject(kind, 'initializer', options.initializer, 'draw');
  checkObject(kind, 'biasInitializer', options.biasInitializer, 'draw');
  checkBoolean(kind, 'trainable', trainable);
  return {
    kind,
    options: ownOptions(options),
    name: checkName(kind, options.name),
    levels: levelsOf(kind, blocks),
    inner: (input, dtype = 'float32') => blocks.flatMap((block) => block.place(input, dtype)),
    parameters: (input, dtype = 'float32') =>
      (parameters?.(input, dtype) ?? []).map((parameter) => ({
        ...parameter,
        ...(optimizer === undefined || parameter.optimizer ? {} : { optimizer }),
        ...(trainable ? {} : { trainable }),
      })),
    forward(x, values, context) {
      const skipped = isLeftOut(activation, context.logits);
      return activate(skipped ? 'linear' : activation, forward(x, values, context));
    },
  };
}

/**
 * A layer that is one operator: `forward` gets the options but the name.
 * @param known the operator's options
 * @throws ERR_ARGUMENT for another option
 */
export function operatorLayer<O extends object>(
  kind: string,
  options: O & NameOption,
  known: readonly string[],
  forward: (x: Variable, options: Omit<O & NameOption, 'name'>) => Variable,
): Layer {
  checkOptions(kind, options, [...known, 'name']);
  const { name: _, ...settings } = options;
  return makeLayer({ kind, options, forward: (x) => forward(x, settings) });
}

/** The weight and, unless bias is false, the bias of a layer. */
export function weightAndBias(
  shape: Shape,
  fan: Fan,
  options: { initializer?: Initializer; biasInitializer?: Initializer; bias?: boolean },
  outputs: number = shape[0] as number,
): ParameterSpec[] {
  const weight = { name: 'weight', shape, fan, initializer: options.initializer ?? heNormal() };
  if (options.bias === false) return [weight];
  const initializer = options.biasInitializer ?? zeros();
  return [weight, { name: 'bias', shape: [outputs], fan, initializer }];
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
