import type { Attributes } from '../ops/operator.ts';
import type { Tensor } from '../tensor.ts';

/**
 * Computes an operator in plain loops. `inputs` have passed the operator's shape rule, an absent
 * one is null; `outputs` are fresh zeros of the inferred shapes, null where nobody wants one.
 * Sums run in float64 and are rounded once, when they are stored.
 */
export type ReferenceKernel<A extends Attributes = Attributes> = (
  inputs: readonly (Tensor | null)[],
  outputs: readonly (Tensor | null)[],
  attributes: A,
) => void;
