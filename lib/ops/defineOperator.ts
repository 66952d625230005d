import { argumentError, checkOptions, StridenetError } from '../errors.ts';
import type { Tensor } from '../tensor.ts';
import { operators } from './index.ts';
import {
  type Attributes,
  type AttributeValue,
  applyAll,
  type Loops,
  type Operand,
  type Operator,
  type Result,
  type Variable,
} from './operator.ts';
import {
  type OwnSpec,
  ownComposition,
  ownCost,
  ownGradient,
  ownInfer,
  ownLoops,
} from './ownOperator.ts';

export type { OwnSpec };

/** A T for each name, or null for one that ends in '?'. */
type Each<N extends readonly string[], T> = {
  readonly [K in keyof N]: N[K] extends `${string}?` ? T | null : T;
};

/** The attributes that defaults `A` stand for. */
type Attribute<A extends Attributes> = {
  readonly [K in keyof A]: A[K] extends boolean ? boolean : A[K];
};

/** What the gradient rule of a defined operator is given. */
export interface OwnGradientCall<
  I extends readonly string[],
  O extends readonly string[],
  A extends Attributes,
> {
  /** The operands of the call; null for one that was left out. */
  readonly inputs: Each<I, Variable>;
  /** What the call gave. */
  readonly outputs: Each<O, Variable>;
  /** The adjoint of each output; of several, null where none came. */
  readonly gradients: O extends readonly [string]
    ? readonly [Variable]
    : { readonly [K in keyof O]: Variable | null };
  /** Its settings, defaults filled in. */
  readonly attributes: Attribute<A>;
  /** Whether the gradient of each input is wanted; null may be given where it is not. */
  readonly wanted: { readonly [K in keyof I]: boolean };
}

/**
 * What a composition gives: its value, or a list. A list by itself, not by a condition on `O`, so
 * that `[a, b]` is understood as a tuple while `O` is still being inferred.
 */
type Composed<O extends readonly string[]> =
  | { readonly [K in keyof O]: Operand }
  | (O extends readonly [string] ? Operand : never);

/** What `defineOperator` makes an operator of. */
export interface OperatorDefinition<
  I extends readonly string[],
  O extends readonly string[],
  A extends Attributes,
> {
  /** For messages and drawings; none of the library's own. */
  name: string;
  /** Names of the operands; one that ends in '?' may be null. */
  inputs: I;
  /** Names of the results; default ['y']. */
  outputs?: O;
  /** The settings of a call with their defaults: numbers, booleans, texts, lists of numbers. */
  attributes?: A;
  /**
   * The shape rule: shape and dtype of each output. Operands that do not fit are refused here, by
   * throwing. It goes by the shapes alone and is also asked for other batches.
   * @param inputs shape and dtype of each operand
   * @param attributes settings of the call, defaults filled in
   */
  infer(
    inputs: NoInfer<Each<I, OwnSpec>>,
    attributes: NoInfer<Attribute<A>>,
  ): NoInfer<Each<O, OwnSpec>>;
  /**
   * Writes the outputs, which are zeros, in plain loops over `data`, row-major as users see it.
   * @param inputs not to be written to
   * @param outputs of the shapes and dtypes that `infer` gave
   * @param attributes settings of the call, defaults filled in
   */
  loops(
    inputs: NoInfer<Each<I, Tensor>>,
    outputs: NoInfer<Each<O, Tensor>>,
    attributes: NoInfer<Attribute<A>>,
  ): void;
  /**
   * The message to each input, in operators; null for none. Default: it has no gradient.
   * @param call operands, results, adjoints and settings
   */
  gradient?(
    call: NoInfer<OwnGradientCall<I, O, A>>,
  ): NoInfer<{ readonly [K in keyof I]: Operand | null }>;
  /**
   * Multiplications followed by an addition; default 0.
   * @param inputs shape and dtype of each operand
   * @param outputs shape and dtype of each result
   * @param attributes settings of the call, defaults filled in
   */
  multiplyAdds?(
    inputs: NoInfer<Each<I, OwnSpec>>,
    outputs: NoInfer<Each<O, OwnSpec>>,
    attributes: NoInfer<Attribute<A>>,
  ): number;
  /**
   * The same function in operators, by which it runs on the native backend: its output, or a list
   * of several. Default: it runs on the reference alone.
   * @param inputs the operands as traced values
   * @param attributes settings of the call, defaults filled in
   */
  composition?(
    inputs: NoInfer<Each<I, Variable>>,
    attributes: NoInfer<Attribute<A>>,
  ): NoInfer<Composed<O>>;
}

/** What an operator of outputs `O` gives for operands of type X. */
type Outcome<O extends readonly string[], X extends Operand> = O extends readonly [string]
  ? Result<X>
  : { readonly [K in keyof O]: Result<X> };

/**
 * A defined operator: operands in their order, then settings that are not the defaults.
 * @param operands one for each of `inputs`
 */
export interface DefinedOperator<
  I extends readonly string[],
  O extends readonly string[] = readonly ['y'],
  A extends Attributes = Readonly<Record<never, never>>,
> {
  <T extends Each<I, Operand>>(...operands: T): Outcome<O, NonNullable<T[number]>>;
  <T extends Each<I, Operand>>(
    ...operands: [...operands: T, settings: Partial<Attribute<A>>]
  ): Outcome<O, NonNullable<T[number]>>;
}

const definitionNames = [
  'name',
  'inputs',
  'outputs',
  'attributes',
  'infer',
  'loops',
  'gradient',
  'multiplyAdds',
  'composition',
];

/** Names that native Programs use for what is no operator of the library. */
const reserved = ['copy', 'reformat'];

function checkNames(where: string, what: string, names: unknown, pattern: RegExp): void {
  const each = Array.isArray(names) ? (names as unknown[]) : [];
  const valid = each.every((name) => typeof name === 'string' && pattern.test(name));
  const bare = new Set(each.map((name) => String(name).replace('?', '')));
  if (each.length > 0 && valid && bare.size === each.length) return;
  throw argumentError(where, `${what} to be a list of different names`, names);
}

/** What sort of attribute a value is; null for none. */
function sortOf(value: unknown): string | null {
  if (Array.isArray(value)) {
    return value.every((entry) => typeof entry === 'number') ? 'a list of numbers' : null;
  }
  const sorts = { number: 'a number', boolean: 'true or false', string: 'a text' };
  return Object.entries(sorts).find(([type]) => typeof value === type)?.[1] ?? null;
}

function checkName(name: unknown): string {
  if (typeof name !== 'string' || !/^[A-Za-z_]\w*$/.test(name)) {
    throw argumentError('defineOperator', 'name to be a name', name);
  }
  if (!operators.has(name) && !reserved.includes(name)) return name;
  throw new StridenetError(
    'ERR_ARGUMENT',
    `[defineOperator] '${name}' is an operator of the library: choose another name`,
  );
}

/** A definition whatever its operands and settings are. */
interface Parts {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: Attributes;
  readonly infer: Parameters<typeof ownInfer>[2];
  readonly loops: Loops;
  readonly gradient?: Parameters<typeof ownGradient>[2];
  readonly multiplyAdds?: Parameters<typeof ownCost>[1];
  readonly composition?: Parameters<typeof ownComposition>[2];
}

/** Throws ERR_ARGUMENT unless every part of a definition is of its kind. */
function checkDefinition(definition: object): void {
  checkOptions('defineOperator', definition, definitionNames);
  const parts = definition as Readonly<Record<string, unknown>>;
  const where = `defineOperator '${checkName(parts.name)}'`;
  checkNames(where, 'inputs', parts.inputs, /^[A-Za-z_]\w*\??$/);
  checkNames(where, 'outputs', parts.outputs ?? ['y'], /^[A-Za-z_]\w*$/);
  for (const part of ['infer', 'loops', 'gradient', 'multiplyAdds', 'composition']) {
    const needed = part === 'infer' || part === 'loops';
    if (typeof parts[part] === 'function' || (!needed && parts[part] === undefined)) continue;
    throw argumentError(where, `${part} to be a function`, parts[part]);
  }
  const { attributes = {} } = parts;
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    throw argumentError(where, 'attributes to be an object of defaults', attributes);
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (sortOf(value) !== null) continue;
    const kinds = 'a number, true or false, a text or a list of numbers';
    throw argumentError(where, `the default of attribute ${name} to be ${kinds}`, value);
  }
}

/** The settings of a call, complete. Throws ERR_ARGUMENT for one that is not like its default. */
function attributesOf(where: string, defaults: Attributes, given: unknown): Attributes {
  checkOptions(where, given, Object.keys(defaults));
  const set = Object.entries(given as Attributes).filter(([, value]) => value !== undefined);
  const all = { ...defaults, ...Object.fromEntries(set) };
  const copies = Object.entries(all).map(([name, value]): [string, AttributeValue] => {
    const expected = sortOf(defaults[name]);
    if (sortOf(value) !== expected) throw argumentError(where, `${name} to be ${expected}`, value);
    return [name, Array.isArray(value) ? Object.freeze([...value]) : value];
  });
  return Object.freeze(Object.fromEntries(copies));
}

/**
 * An operator of the user's own, from its shape rule and plain loops, as a function of operands and
 * settings. On Tensors it computes at once, on traced values it is recorded, like the library's
 * operators, and its own gradient rule is what differentiation goes by. The loops run on the
 * reference backend; the native backend runs the `composition`, and refuses an operator without one
 * with ERR_ARGUMENT when a graph is compiled, which a call on Tensors is too.
 *
 * @param definition its name, operands, shape rule and loops; the rest may be left out
 * @throws ERR_ARGUMENT for a definition that is none, or that has the name of an operator of the
 *   library. The operator throws what its functions throw, what is no StridenetError as
 *   ERR_ARGUMENT; ERR_ARGUMENT, ERR_SHAPE or ERR_DTYPE for functions that do not keep to each other
 *   and for those that call themselves; ERR_NOT_DIFFERENTIABLE where there is no gradient
 */
export function defineOperator<
  const I extends readonly string[],
  const O extends readonly string[] = readonly ['y'],
  A extends Attributes = Readonly<Record<never, never>>,
>(definition: OperatorDefinition<I, O, A>): DefinedOperator<I, O, A> {
  checkDefinition(definition);
  const { name, inputs, outputs = ['y'], attributes = {}, ...own } = definition as unknown as Parts;
  const operands = inputs.map((input) => input.replace('?', ''));
  const operator: Operator = {
    name,
    inputs: [...inputs],
    outputs: [...outputs],
    infer: ownInfer(name, outputs, own.infer),
    loops: ownLoops(name, outputs, own.loops),
    ...(own.gradient && { gradient: ownGradient(name, operands, own.gradient) }),
    ...(own.multiplyAdds && { multiplyAdds: ownCost(name, own.multiplyAdds) }),
    ...(own.composition && { composition: ownComposition(name, outputs, own.composition) }),
  };
  const count = inputs.length;
  const single = outputs.length === 1;
  const defaults = attributesOf(name, attributes, {});
  const call = (...given: unknown[]): unknown => {
    if (given.length > count + 1) {
      throw argumentError(name, `${count} operands and an object of settings`, given);
    }
    const values = operator.inputs.map((_, i) => (given[i] ?? null) as Operand | null);
    const results = applyAll(operator, values, attributesOf(name, defaults, given[count] ?? {}));
    return single ? results[0] : results;
  };
  return call as DefinedOperator<I, O, A>;
}
