import type { Attributes, Loops } from '../ops/operator.ts';

/** The loops of an operator. Sums run in float64 and are rounded once, when they are stored. */
export type ReferenceKernel<A extends Attributes = Attributes> = Loops<A>;
