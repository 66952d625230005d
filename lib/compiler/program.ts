import type { GraphVariable, Node } from '../graph/graph.ts';
import type { Attributes, Spec } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import { type DType, elementBytes, type Tensor } from '../tensor.ts';

/** Where a buffer's memory comes from; see docs/architecture.md, "Feeds, fetches, states". */
export type BufferKind = 'feed' | 'fetch' | 'state' | 'constant' | 'kept' | 'temporary' | 'view';

/** Memory that instructions read and write; `shape` is as it is stored. */
export interface Buffer {
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly batched: boolean;
  readonly kind: BufferKind;
  /** For a view: the buffer whose memory it is. */
  readonly of?: number;
  /** For a temporary: bytes into the arena. */
  offset?: number;
}

/** A call over buffers; −1 stands for an operand that is absent. */
export interface Instruction {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly attributes: Attributes;
  /** Pairs [output, input] that may share memory. */
  readonly inPlace: readonly (readonly [number, number])[];
  /** The node it was lowered from, for messages and profiles; null for copies and reformats. */
  readonly node: Node | null;
  readonly scratchBytes: number;
  /** Bytes into the arena, when scratchBytes > 0. */
  scratch?: number;
}

/** What the addon runs: instructions over planned memory. */
export interface Program {
  readonly batch: number;
  readonly buffers: readonly Buffer[];
  readonly instructions: readonly Instruction[];
  /** The first so many instructions run once after the states and constants were written. */
  readonly prologue: number;
  readonly arenaBytes: number;
  /** Buffer ids in the order of the graph's feeds, states and outputs. */
  readonly feeds: readonly number[];
  readonly states: readonly number[];
  readonly fetches: readonly number[];
  readonly constants: readonly { readonly buffer: number; readonly tensor: Tensor }[];
  /** The buffer of each variable, for profiles and tests. */
  readonly bufferOf: ReadonlyMap<GraphVariable, number>;
}

/** Bytes of a buffer at the bound of the batch. */
export function bufferBytes(buffer: Spec): number {
  return elementCount(buffer.shape) * elementBytes(buffer.dtype);
}
