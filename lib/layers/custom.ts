import { isDeepStrictEqual } from 'node:util';
import {
  argumentError,
  checkBoolean,
  checkOptions,
  dtypeError,
  ownFunction,
  shapeError,
} from '../errors.ts';
import { escaped, GraphVariable, type Tracer, tracerOf } from '../graph/graph.ts';
import { type Fan, heNormal, type Initializer, zeros } from '../initializers/index.ts';
import { maxSettingsNesting, nestingOf } from '../nesting.ts';
import { isBatched, type Operand, type Variable } from '../ops/operator.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { checkShape, formatShape, type Shape, sameShape } from '../shape.ts';
import { describe, Tensor } from '../tensor.ts';
import {
  checkName,
  checkObject,
  type Layer,
  type LayerContext,
  type LearnedOptions,
  learnedOptionNames,
  makeLayer,
  type ParameterSpec,
} from './layer.ts';

/** A parameter or state of a custom layer. */
export interface CustomParameter {
  /**
   * Its sizes, or a function of the shape of a sample.
   * @param input of one sample, without the batch
   */
  shape: Shape | ((input: Shape) => Shape);
  /** Default: heNormal() for a parameter of two axes or more, zeros() for any other. */
  initializer?: Initializer;
  /**
   * What the initializer goes by; default, of a shape (O, I, …): I and O times the sizes that
   * follow, and 1 and 1 for fewer axes.
   */
  fan?: Fan;
  /** False for a value that training leaves as it is; default true. */
  trainable?: boolean;
  /** Takes the place of the layer's and the network's optimizer. */
  optimizer?: Optimizer;
  /** Changed by `context.update` instead of an optimizer; default false. */
  state?: boolean;
}

/** What the function of a custom layer may know of the run that it is part of. */
export type CustomContext = Pick<LayerContext, 'training' | 'step' | 'seed' | 'key' | 'holds'> & {
  /**
   * Says what a state is after this training step. Nothing happens outside of training, or where
   * the state is frozen.
   * @param name of a state, as `parameters` of the options names it
   * @param value of the state's shape and dtype
   * @throws ERR_ARGUMENT for a name that is no state; ERR_SHAPE, ERR_DTYPE for a value that is not
   *   like it
   */
  update(name: string, value: Operand): void;
};

/**
 * A layer's output in operators, from its input (N,…) and its parameters by name.
 * @param x (N, …)
 * @param parameters parameters and states by name
 * @param context the run that the layer is part of
 */
export type CustomForward<P extends string = string> = (
  x: Variable,
  parameters: Readonly<Record<P, Variable>>,
  context: CustomContext,
) => Variable;

/** What a custom layer was made of: plain data, as JSON has it. */
export type LayerSettings = Readonly<Record<string, unknown>>;

/** Settings of a custom layer. */
export interface CustomLayerOptions<P extends string = string> extends LearnedOptions {
  /** What summaries, messages and files call it; default 'custom'. */
  title?: string;
  /**
   * What the layer was made of, such as the arguments of a function that makes such layers: plain
   * data, at most 32 levels deep, which files keep and `load` gives to that function. Layers of one title and the same
   * settings must compute the same. Default: none, and layers of one title are one function.
   */
  settings?: LayerSettings;
  /** What it learns and keeps, by name; default: nothing. */
  parameters?: Readonly<Record<P, CustomParameter>>;
}

/** A layer made of a function; `title` and `definition` are how `load` finds it again. */
export interface CustomLayer extends Layer {
  /** Of all custom layers. */
  readonly kind: 'custom';
  /** What summaries, messages and files call it. */
  readonly title: string;
  /** What `custom` was given. */
  readonly definition: {
    /** The layer's function. */
    readonly forward: CustomForward;
    /** The layer's settings. */
    readonly options: CustomLayerOptions;
  };
}

const parameterOptionNames = ['shape', 'initializer', 'fan', 'trainable', 'optimizer', 'state'];

/** Whether a layer was made by `custom`. */
export function isCustom(layer: unknown): layer is CustomLayer {
  const { kind, definition } = (layer ?? {}) as Partial<CustomLayer>;
  return kind === 'custom' && definition !== undefined;
}

function checkTitle(title: unknown): string {
  if (typeof title === 'string' && /^\S(.*\S)?$/.test(title) && title.length <= 80) return title;
  throw argumentError('custom', 'title to be a text of one line', title);
}

/** A copy of the settings. Throws ERR_ARGUMENT for what does not come back from JSON as it is. */
function plainSettings(where: string, settings: unknown): LayerSettings {
  let copy: unknown = null;
  try {
    copy = JSON.parse(JSON.stringify(settings));
  } catch {
    // What JSON cannot write is refused below.
  }
  const levels = nestingOf(copy);
  if (levels > maxSettingsNesting) {
    const expected = `settings of at most ${maxSettingsNesting} lists and objects within each other`;
    throw argumentError(where, expected, levels);
  }
  const isObject = typeof copy === 'object' && copy !== null && !Array.isArray(copy);
  if (isObject && isDeepStrictEqual(copy, settings)) return copy as LayerSettings;
  throw argumentError(where, 'settings to be an object of plain data, as JSON has it', settings);
}

function fanOf(shape: Shape): Fan {
  if (shape.length < 2) return { fanIn: 1, fanOut: 1 };
  const [outputs = 0, inputs = 0, ...rest] = shape;
  const taps = rest.reduce((product, size) => product * size, 1);
  return { fanIn: inputs * taps, fanOut: outputs * taps };
}

function checkFan(where: string, fan: unknown): void {
  if (fan === undefined) return;
  const { fanIn, fanOut } = (fan ?? {}) as Partial<Fan>;
  const counts = [fanIn, fanOut].every((value) => typeof value === 'number' && value > 0);
  if (!counts) throw argumentError(where, 'fan to be { fanIn, fanOut }, numbers above 0', fan);
}

/** Throws ERR_ARGUMENT for a parameter that is none, under its name. */
function checkParameter(layer: string, name: string, parameter: CustomParameter): void {
  checkName(`${layer}, parameters`, name);
  const where = `${layer}, parameters.${name}`;
  checkOptions(where, parameter, parameterOptionNames);
  const { shape, initializer, fan, trainable, optimizer, state } = parameter;
  if (typeof shape !== 'function') {
    if (!Array.isArray(shape)) {
      throw argumentError(
        where,
        'shape to be a list of sizes, or a function that gives one',
        shape,
      );
    }
    checkShape(`${where}, shape`, shape);
  }
  checkObject(where, 'initializer', initializer, 'draw');
  checkObject(where, 'optimizer', optimizer, 'update');
  checkFan(where, fan);
  checkBoolean(where, 'trainable', trainable ?? true);
  checkBoolean(where, 'state', state ?? false);
  if (state && optimizer) throw argumentError(where, 'no optimizer, as it is a state', optimizer);
}

function specOf(
  where: string,
  name: string,
  parameter: CustomParameter,
  input: Shape,
): ParameterSpec {
  const { state, trainable, optimizer } = parameter;
  const given = parameter.shape;
  const place = `${where}, parameters.${name}`;
  const shape =
    typeof given === 'function' ? ownFunction(place, 'shape', given)([...input]) : [...given];
  checkShape(`${place}, shape`, shape);
  const drawn = shape.length >= 2 && !state ? heNormal() : zeros();
  return {
    name,
    shape,
    fan: parameter.fan ?? fanOf(shape),
    initializer: parameter.initializer ?? drawn,
    ...(state ? { state } : {}),
    ...(trainable === undefined ? {} : { trainable }),
    ...(optimizer === undefined ? {} : { optimizer }),
  };
}

/**
 * `value` as a value of a trace, or outside of any when `tracer` is null; throws ERR_ARGUMENT for
 * one of another trace, and for no value.
 */
function inTrace(where: string, what: string, tracer: Tracer | null, value: unknown): Operand {
  if (value instanceof Tensor) return tracer?.constant(value) ?? value;
  if (!(value instanceof GraphVariable)) {
    throw argumentError(where, `${what} to be a value of operators`, value);
  }
  if (tracer === null || value.tracer === tracer) return value;
  throw escaped(`${where}, ${what}`, 'another trace');
}

/** Throws unless y has the samples and the dtype of x. */
function checkOutput(where: string, x: Operand, y: Operand): void {
  if (y.dtype !== x.dtype) {
    throw dtypeError(
      where,
      `forward must give ${x.dtype} as its input is, but gives ${describe(y)}`,
    );
  }
  const kept = y.shape.length > 0 && y.shape[0] === x.shape[0];
  if (kept && isBatched(x) === isBatched(y)) return;
  const gives = `${formatShape(y.shape)}${kept ? ', which is not made of it sample by sample' : ''}`;
  throw shapeError(
    where,
    `forward must keep the batch, axis 0 of its input ${formatShape(x.shape)}, but gives ${gives}`,
  );
}

/** Takes what states are after the step, by the parameters as they are. */
function updates(
  where: string,
  tracer: Tracer | null,
  values: Readonly<Record<string, Operand>>,
  states: readonly string[],
  context: LayerContext,
): CustomContext['update'] {
  return (name, given) => {
    const state = values[name];
    if (state === undefined || !states.includes(name)) {
      const known = states.length === 0 ? 'which the layer has none of' : states.join(', ');
      throw argumentError(where, `update to name a state, ${known},`, name);
    }
    const value = inTrace(where, `the update of ${name}`, tracer, given);
    if (value.dtype !== state.dtype) {
      throw dtypeError(
        where,
        `state ${name} is ${describe(state)} but its update ${describe(value)}`,
      );
    }
    if (!sameShape(value.shape, state.shape) || isBatched(value)) {
      const update = `${formatShape(value.shape)}${isBatched(value) ? ', of which the batch is a part' : ''}`;
      throw shapeError(
        where,
        `state ${name} is ${formatShape(state.shape)} but its update is ${update}`,
      );
    }
    if (!context.holds(name)) context.update(name, value);
  };
}

/**
 * A layer that is a function of operators. `forward` is called whenever a network is placed, traced
 * or applied, so it should be a function of its arguments alone; it keeps the batch, the first axis
 * of x, and the dtype. Such a layer is saved with its title, and `load` is given the layer again,
 * since a file holds no functions.
 *
 * @param forward `(x, parameters, context) => y` in operators, x (N,…)
 * @throws ERR_ARGUMENT for an option that is none; a network throws ERR_ARGUMENT, ERR_SHAPE or
 *   ERR_DTYPE that names the layer when the function throws or gives something else
 */
export function custom<P extends string = never>(
  forward: CustomForward<P>,
  options: CustomLayerOptions<P> = {},
): CustomLayer {
  if (typeof forward !== 'function') {
    throw argumentError('custom', 'forward to be a function of operators', forward);
  }
  checkOptions('custom', options, ['title', 'settings', 'parameters', ...learnedOptionNames]);
  const title = checkTitle(options.title ?? 'custom');
  const where = title === 'custom' ? title : `custom '${title}'`;
  const { parameters = {}, settings, ...learned } = options;
  const plain =
    settings === undefined ? learned : { ...learned, settings: plainSettings(where, settings) };
  if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) {
    throw argumentError(where, 'parameters to be an object', parameters);
  }
  const specs = Object.entries(parameters as Readonly<Record<string, CustomParameter>>).map(
    ([name, parameter]) => {
      checkParameter(where, name, parameter);
      return [name, { ...parameter }] as const;
    },
  );
  const states = specs.filter(([, { state }]) => state).map(([name]) => name);
  const run = ownFunction(where, 'forward', forward as CustomForward);
  const outputs = new Map<string, Shape>();
  const layer = makeLayer({
    kind: 'custom',
    options: { ...plain, title } as CustomLayerOptions,
    parameters: (input) => specs.map(([name, spec]) => specOf(where, name, spec, input)),
    forward(x, values, context) {
      const { training, step, seed, key } = context;
      const tracer = tracerOf([x, ...Object.values(values)]);
      const holds = (name: string): boolean => context.holds(name);
      const update = updates(where, tracer, values, states, context);
      const own = { training, step, seed, key, holds, update };
      const given = run(x, { ...values } as Record<string, Variable>, own);
      const y = inTrace(where, 'the result of forward', tracer, given);
      checkOutput(where, x, y);
      const [input, output] = [String(x.shape.slice(1)), y.shape.slice(1)];
      const before = outputs.get(input) ?? output;
      if (!sameShape(before, output)) {
        throw shapeError(
          where,
          `forward gives samples of ${formatShape(output)} but gave ${formatShape(before)} for the same input`,
        );
      }
      outputs.set(input, output);
      return y as Variable;
    },
  });
  const definition = {
    forward: forward as CustomForward,
    options: { ...plain, parameters: Object.fromEntries(specs) },
  };
  return { ...layer, kind: 'custom', title, definition };
}
