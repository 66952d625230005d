import type { RunOptions } from '../backends/options.ts';
import type { Operand, Variable } from '../ops/operator.ts';
import type { Tensor } from '../tensor.ts';
import type { GradientsOf, OperandsOf, Static, TensorsOf } from '../tree.ts';

export type { RunOptions };

/** What a function of operators gives: operands, nested arrays, plain objects and Maps of them; no promise. */
export type Outputs = Static | (object & { readonly then?: never });

/**
 * A function of operators: on Tensors it computes, on Variables it is recorded.
 * @param inputs operands, alone or in trees
 */
export type TensorFunction = (...inputs: Variable[]) => Outputs;

/**
 * What a function to differentiate gives: a floating value of one element, or one such value in a
 * list beside nulls, which is what `grad` of a function of one argument gives.
 */
export type Scalar =
  | Operand
  | readonly (Scalar | null)[]
  | { readonly [key: string]: Scalar | null };

/**
 * A function of operators whose value has one element.
 * @param inputs operands, alone or in trees
 */
export type ScalarFunction = (...inputs: Variable[]) => Scalar;

/** A list of arguments with Tensors in place of its operands. */
export type TensorArguments<A extends readonly unknown[]> = { [I in keyof A]: TensorsOf<A[I]> };

/** A list of arguments with Tensors or traced values in place of its operands. */
export type OperandArguments<A extends readonly unknown[]> = { [I in keyof A]: OperandsOf<A[I]> };

/** The gradients of a list of arguments. */
export type ArgumentGradients<A extends readonly unknown[]> = {
  -readonly [I in keyof A]: GradientsOf<A[I]>;
};

/** `A` with a traced gradient in place of each operand, null for integers, and for what is static. */
type TracedGradientOf<A> = A extends Operand
  ? Variable | null
  : A extends Static
    ? null
    : A extends ReadonlyMap<infer K, infer V>
      ? Map<K, TracedGradientOf<V>>
      : { -readonly [K in keyof A]: TracedGradientOf<A[K]> };

/** The gradients of a list of arguments within a trace. */
export type TracedGradients<A extends readonly unknown[]> = {
  -readonly [I in keyof A]-?: TracedGradientOf<A[I]>;
};

/**
 * The gradients of a function. Called with Tensors it computes; called with a traced value among the
 * arguments it is recorded with them, whatever the options.
 * @param inputs those of the function, Tensors or traced values in place of its operands
 */
export interface GradientFunction<A extends readonly unknown[]> {
  <T extends TensorArguments<A>>(...inputs: T): ArgumentGradients<T>;
  (...inputs: OperandArguments<A>): TracedGradients<A>;
  (...inputs: A): TracedGradients<A>;
  /**
   * The function that is differentiated.
   * @param inputs operands, alone or in trees
   */
  readonly differentiates: (...inputs: A) => Scalar;
}

/** A value with the gradients of the arguments `A`. */
export interface ValueAndGradients<A extends readonly unknown[]> {
  /** What the function gave, of one element. */
  value: Tensor;
  /** Mirror the arguments; null for integers and for what is static. */
  grads: ArgumentGradients<A>;
}

/** A value with the gradients of the arguments `A` of a function, as they are recorded. */
export interface TracedValueAndGradients<A extends readonly unknown[]> {
  value: Variable;
  grads: TracedGradients<A>;
}

/**
 * The value of a function with its gradients, called as a `GradientFunction` is.
 * @param inputs those of the function, Tensors or traced values in place of its operands
 */
export interface ValueAndGradientsFunction<A extends readonly unknown[]> {
  <T extends TensorArguments<A>>(...inputs: T): ValueAndGradients<T>;
  (...inputs: OperandArguments<A>): TracedValueAndGradients<A>;
  (...inputs: A): TracedValueAndGradients<A>;
  /**
   * The function that is differentiated.
   * @param inputs operands, alone or in trees
   */
  readonly differentiates: (...inputs: A) => Scalar;
}
