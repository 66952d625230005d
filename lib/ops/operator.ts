import { argumentError, dtypeError, StridenetError, shapeError } from '../errors.ts';
import { formatShape, type Shape, sameShape } from '../shape.ts';
import { checkMemory, type DType, describe, isDType, Tensor } from '../tensor.ts';

/** What is known of a value before it is computed. */
export interface Spec {
  /** Sizes; of a batched value at the bound of the batch. */
  readonly shape: Shape;
  /** Of its elements. */
  readonly dtype: DType;
  /** The first size is the batch: a compiled Program serves any smaller one too. */
  readonly batched?: boolean;
}

/** A value of a graph under construction: calling an operator on it records a node. */
export interface Variable extends Spec {
  /** Tells it from a Tensor. */
  readonly traced: true;
  /** Counted up over all traces of the process. */
  readonly id: number;
}

/** What operators take: a Tensor is computed with at once, a Variable is recorded. */
export type Operand = Tensor | Variable;

/** Whether `value` is a Tensor or a traced value. */
export function isOperand(value: unknown): value is Operand {
  return (
    value instanceof Tensor || (value as Partial<Variable> | null | undefined)?.traced === true
  );
}

/** Whether the first size of a value is the batch. */
export function isBatched(x: Spec | Operand): boolean {
  return 'batched' in x && x.batched === true;
}

/** What an operator gives for operands of type T: a Tensor when all are, of one of their dtypes. */
export type Result<T> = [T] extends [Tensor<infer D>] ? Tensor<D> : Variable;

/** A value of dtype D, whatever the operands' are. */
export type ResultOf<T, D extends DType> = [T] extends [Tensor] ? Tensor<D> : Variable;

/** A value of the dtype of X, where the operands T have others too. */
export type ResultLike<X, T> = ResultOf<T, X extends Tensor<infer D> ? D : never>;

/** A setting of a call. */
export type AttributeValue = number | boolean | string | readonly number[];

/** Settings of a call, complete and canonical: pairs as pairs, defaults filled in. */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** What a gradient rule is given. `gradients[i]` is null when no message came to output i. */
export interface GradientCall<A extends Attributes = Attributes> {
  readonly inputs: readonly (Operand | null)[];
  readonly outputs: readonly Operand[];
  readonly gradients: readonly (Operand | null)[];
  readonly attributes: A;
  /** Whether the gradient of input i is wanted; rules may return null where it is not. */
  readonly wanted: readonly boolean[];
}

/**
 * Which operands of rank 4 a native kernel keeps channels last, by index; 'any': all or none of
 * them, as they happen to be stored.
 */
export type LayoutRule =
  | 'any'
  | { readonly inputs: readonly number[]; readonly outputs: readonly number[] };

/**
 * Computes an operator in plain loops. `inputs` have passed the operator's shape rule, an absent
 * one is null; `outputs` are fresh zeros of the inferred shapes, null where nobody wants one.
 */
export type Loops<A extends Attributes = Attributes> = (
  inputs: readonly (Tensor | null)[],
  outputs: readonly (Tensor | null)[],
  attributes: A,
) => void;

/** What an operator is: everything about it but how the library's own are computed. */
export interface Operator<A extends Attributes = Attributes> {
  /** The name in all four rooms and in Programs. */
  readonly name: string;
  /**
   * Argument names, for messages; a trailing '?' marks one that may be left out, a trailing '…' on
   * the last one that it may be repeated.
   */
  readonly inputs: readonly string[];
  /** Names of results, for messages and drawings. */
  readonly outputs: readonly string[];
  /**
   * The shape rule, and the only place where operands are checked.
   * Throws ERR_SHAPE or ERR_DTYPE that name the operator and the shapes.
   */
  infer(inputs: readonly (Spec | null)[], attributes: A): readonly Spec[];
  /** One message an input, in operators; absent where no gradient exists. */
  gradient?(call: GradientCall<A>): readonly (Operand | null)[];
  /**
   * The inputs whose gradient does not exist: no message is asked for but by a source that they
   * depend on, and then `gradient` throws ERR_NOT_DIFFERENTIABLE.
   */
  readonly fixed?: readonly number[];
  /** Multiplications that are followed by an addition; 0 when absent. */
  multiplyAdds?(inputs: readonly (Spec | null)[], outputs: readonly Spec[], attributes: A): number;
  /** Pairs [output, input] that may share memory. */
  readonly inPlace?: readonly (readonly [number, number])[];
  /** Which operands may be kept channels last; absent: none. */
  readonly layout?: LayoutRule;
  /**
   * The attributes of a native call whose operands of rank 4 are channels last, where they differ:
   * those that name axes (`channelsLastAxis`).
   */
  channelsLast?(attributes: A): Attributes;
  /** The output is the input's memory under another shape. */
  readonly alias?: boolean;
  /** Kept although nobody reads its outputs. */
  readonly effect?: boolean;
  /** The inputs for whose values it may throw, as for an index out of range: before a step's updates. */
  readonly refuses?: readonly number[];
  /** Of an operator that users define: what the reference runs. */
  loops?(...call: Parameters<Loops<A>>): void;
  /** Of such an operator: the same in the library's operators, which native Programs run. */
  composition?(inputs: readonly (Operand | null)[], attributes: A): readonly Operand[];
}

/** Runs or records a call of an operator: absent operands are null. */
export type Executor = (
  operator: Operator,
  inputs: readonly (Operand | null)[],
  attributes: Attributes,
) => readonly Operand[];

let executor: Executor | null = null;

/** Installs what `apply` does; called once, by dispatch. */
export function setExecutor(execute: Executor): void {
  executor = execute;
}

/** Calls an operator that returns several values. */
export function applyAll<A extends Attributes>(
  operator: Operator<A>,
  inputs: readonly (Operand | null)[],
  attributes: A,
): readonly Operand[] {
  if (executor === null)
    throw new StridenetError('ERR_ARGUMENT', '[apply] no executor is installed');
  return executor(operator as unknown as Operator, inputs, attributes);
}

/** Calls an operator that returns one value. */
export function apply<T extends Operand, A extends Attributes>(
  operator: Operator<A>,
  inputs: readonly (T | null)[],
  attributes: A,
): Result<T> {
  return applyAll(operator, inputs, attributes)[0] as Result<T>;
}

/** Throws ERR_ARGUMENT unless operand `name` has a shape and a dtype at all, and a Tensor its memory. */
export function checkOperand(where: string, name: string, operand: unknown): void {
  const { shape, dtype } = (operand ?? {}) as Partial<Spec>;
  if (!Array.isArray(shape) || !isDType(dtype)) {
    throw argumentError(where, `${name} to be a Tensor (or a traced value)`, operand);
  }
  if (operand instanceof Tensor) checkMemory(where, name, operand);
}

/** Throws ERR_ARGUMENT for a bias that is no operand, such as the options, which come after it. */
export function checkBias(where: string, bias: unknown): void {
  if (bias === undefined || bias === null) return;
  const { shape, dtype } = bias as Partial<Spec>;
  if (Array.isArray(shape) && isDType(dtype)) return;
  const expected = 'bias to be a Tensor, a traced value, or null for none; options come after it,';
  throw argumentError(where, expected, bias);
}

/** Throws ERR_SHAPE unless operand `name` has one of the ranks. */
export function checkRank(where: string, name: string, spec: Spec, ...ranks: number[]): void {
  checkOperand(where, name, spec);
  if (!ranks.includes(spec.shape.length)) {
    throw shapeError(
      where,
      `${name} must have rank ${ranks.join(' or ')} but has shape ${formatShape(spec.shape)}`,
    );
  }
}

/** Throws ERR_DTYPE unless all operands that are there are of one floating dtype. */
export function checkFloats(where: string, operands: Readonly<Record<string, Spec | null>>): void {
  let first: [string, Spec] | null = null;
  for (const [name, spec] of Object.entries(operands)) {
    if (spec === null) continue;
    checkOperand(where, name, spec);
    if (spec.dtype !== 'float32' && spec.dtype !== 'float64') {
      throw dtypeError(where, `${name} must be float32 or float64 but is ${describe(spec)}`);
    }
    first ??= [name, spec];
    if (spec.dtype !== first[1].dtype) {
      throw dtypeError(
        where,
        `${first[0]} is ${first[1].dtype} but ${name} is ${spec.dtype}: dtypes do not mix, convert one with .to()`,
      );
    }
  }
}

/** Whether a tensor of `dtype` can hold the number; floating ones round it. */
export function holds(dtype: DType, value: number): boolean {
  if (dtype === 'uint8') return Number.isInteger(value) && value >= 0 && value <= 255;
  return dtype !== 'int32' || (value | 0) === value;
}

/** Throws ERR_SHAPE unless two operands have the same shape. */
export function checkSameShape(
  where: string,
  names: readonly [string, string],
  a: Spec,
  b: Spec,
): void {
  if (!sameShape(a.shape, b.shape)) {
    throw shapeError(
      where,
      `${names[0]} ${formatShape(a.shape)} and ${names[1]} ${formatShape(b.shape)} must have the same shape`,
    );
  }
}

/**
 * Throws ERR_SHAPE when an operator would move axis 0 of a batched value: samples stay where they
 * are.
 */
export function checkSamplesStay(
  where: string,
  name: string,
  spec: Spec,
  axes: readonly number[],
): void {
  if (spec.batched && axes.includes(0)) {
    throw shapeError(
      where,
      `axis 0 of ${name} ${formatShape(spec.shape)} is the batch, along which nothing may be moved`,
    );
  }
}

/** The operand, which the operator's rule has already required to be there. */
export function need<T>(operand: T | null | undefined): T {
  if (operand === null || operand === undefined) {
    throw new StridenetError('ERR_ARGUMENT', '[operator] a required operand is absent');
  }
  return operand;
}

/** Where axis 0 … 3 of (N,C,H,W) lies in (N,H,W,C). */
export function channelsLastAxis(axis: number): number {
  return [0, 3, 1, 2][axis] as number;
}

/** {shape, dtype, batched} as one spec, batched left out when false. */
export function makeSpec(shape: Shape, dtype: DType, batched: boolean | undefined): Spec {
  return batched ? { shape, dtype, batched } : { shape, dtype };
}
