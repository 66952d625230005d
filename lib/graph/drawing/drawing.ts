import type { Tensor } from '../../tensor.ts';
import type { GraphVariable } from '../graph.ts';

/** Numbers of a graph's values and of their adjoints. */
export interface DrawnValues {
  /** Numbers of values. */
  readonly values: ReadonlyMap<GraphVariable, Tensor>;
  /** Derivatives of the output by values, of their shapes. */
  readonly adjoints: ReadonlyMap<GraphVariable, Tensor>;
}

/** How a graph is drawn. */
export interface DrawingOptions {
  /** From inputs to outputs: top to bottom (default) or left to right. */
  readonly direction?: 'TB' | 'LR';
  /** Layers as frames around their operators, nested as they are; default true. */
  readonly clusters?: boolean;
  /**
   * Shows in each node its value and its adjoint t: what `graph.evaluate` gives, or what
   * `graph.values` gives, then without adjoints. Tensors of more than 3 elements show their Euclidean
   * norm.
   */
  readonly values?: DrawnValues | ReadonlyMap<GraphVariable, Tensor>;
  /** Draws what reverse mode adds, in a frame of its own; default false. */
  readonly gradient?: boolean;
}

/**
 * What a node stands for: a `view` is an operator that gives its operand another shape, `gradient`
 * one that reverse mode adds.
 */
export type DrawnKind =
  | 'input'
  | 'parameter'
  | 'constant'
  | 'operator'
  | 'view'
  | 'gradient'
  | 'output'
  | 'update';

/** One line under a node's title. */
export interface DrawnLine {
  readonly role: 'attributes' | 'shape' | 'value' | 'adjoint';
  readonly text: string;
}

/** A box of the drawing. */
export interface DrawnNode {
  /** 'n0', 'n1', … in the order of the graph. */
  readonly id: string;
  readonly kind: DrawnKind;
  readonly title: string;
  readonly lines: readonly DrawnLine[];
}

/** An arrow of the drawing: an operand, or what an output is. */
export interface DrawnEdge {
  readonly from: string;
  readonly to: string;
  readonly label: string;
  /**
   * 'side': from a parameter or a constant that nothing else reads, which stands beside its reader;
   * 'kept': from a value to what reverse mode needs it for; else 'flow'.
   */
  readonly kind: 'flow' | 'side' | 'kept';
}

/** A layer, or the whole graph. */
export interface Cluster {
  /** 'c0', 'c1', …; '' of the whole graph. */
  readonly id: string;
  readonly label: string;
  readonly nodes: DrawnNode[];
  readonly clusters: Cluster[];
}

/** A drawing without a format: what it has, not how it is written. */
export interface Drawing {
  readonly direction: 'TB' | 'LR';
  readonly root: Cluster;
  readonly edges: readonly DrawnEdge[];
}
