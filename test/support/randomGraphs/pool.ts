import { need, type Spec } from '../../../lib/ops/operator.ts';
import type { DType, Tensor } from '../../../lib/tensor.ts';
import type { Random } from '../random.ts';

/** Output `output` of item `item` of a graph. */
export type Ref = readonly [item: number, output: number];

/** A value that a graph starts from; 'float' is the dtype under test. */
export interface Leaf {
  readonly kind: 'input' | 'constant';
  readonly shape: readonly number[];
  readonly dtype: 'float' | 'float64' | 'int32' | 'uint8';
  /** The first size is the batch; `shape` has it as it was drawn. */
  readonly batched: boolean;
  readonly seed: number;
  /** Numbers lie in [low, high]. */
  readonly low: number;
  readonly high: number;
}

export type Settings = Readonly<Record<string, unknown>>;

/** A call of a rule on earlier values. */
export interface Step {
  readonly kind: 'step';
  readonly rule: string;
  readonly operands: readonly Ref[];
  readonly settings: Settings;
}

export type Item = Leaf | Step;

/** What is known of a value of a graph that is being drawn. */
export interface Drawn {
  readonly spec: Spec;
  readonly tensor: Tensor;
  /** Too large to be computed with as it is: only what scales it down reads it. */
  readonly hidden?: boolean;
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

/** Where rules find operands: values drawn so far, or new leaves. */
export class Pool {
  readonly random: Random;
  readonly batch: number;
  readonly items: Item[] = [];
  readonly values: Drawn[][] = [];
  readonly #makeLeaf: (leaf: Leaf) => Drawn;

  constructor(random: Random, batch: number, makeLeaf: (leaf: Leaf) => Drawn) {
    this.random = random;
    this.batch = batch;
    this.#makeLeaf = makeLeaf;
  }

  spec([item, output]: Ref): Spec {
    return need(this.values[item]?.[output]).spec;
  }

  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  /** All values that `fits` allows. */
  all(fits: (spec: Spec) => boolean): Ref[] {
    return this.values.flatMap((outputs, item) =>
      outputs.flatMap(({ spec, hidden }, output) =>
        !hidden && fits(spec) ? [[item, output] as const] : [],
      ),
    );
  }

  /** A floating value that `fits` allows, later ones rather than earlier ones; null: there is none. */
  value(fits: (spec: Spec) => boolean = () => true): Ref | null {
    const found = this.all((spec) => isFloat(spec.dtype) && fits(spec));
    if (found.length === 0) return null;
    const last = found.length - 1;
    const at = Math.max(...Array.from({ length: 3 }, () => this.random.integer(0, last)));
    return found[at] as Ref;
  }

  /** A floating value of one of these ranks. */
  ofRank(...ranks: number[]): Ref | null {
    return this.value(({ shape }) => ranks.includes(shape.length));
  }

  leaf(shape: readonly number[], settings: Partial<Omit<Leaf, 'shape'>> = {}): Ref {
    const leaf: Leaf = {
      kind: this.chance(0.75) ? 'input' : 'constant',
      dtype: 'float',
      batched: false,
      seed: this.random.integer(1, 2 ** 31),
      low: -1.5,
      high: 1.5,
      ...settings,
      shape,
    };
    this.items.push(leaf);
    this.values.push([this.#makeLeaf(leaf)]);
    return [this.items.length - 1, 0];
  }

  /** A value of that shape: one that is there already, or a new leaf. */
  operand(shape: readonly number[], batched = false): Ref {
    const fits = (spec: Spec): boolean =>
      (spec.batched === true) === batched && spec.shape.join() === shape.join();
    const known = this.chance(0.5) ? this.value(fits) : null;
    return known ?? this.leaf(shape, batched ? { batched, kind: 'input' } : {});
  }

  /** A value with the shape and the batch of another. */
  like(ref: Ref): Ref {
    const { shape, batched } = this.spec(ref);
    return this.operand(shape, batched === true);
  }

  /** A value that broadcasts to another: of its shape, with some sizes of 1, or of fewer axes. */
  broadcastable(ref: Ref): Ref {
    if (this.chance(0.4)) return this.like(ref);
    const { shape, batched } = this.spec(ref);
    const sizes = shape.map((size, axis) =>
      (batched && axis === 0) || this.chance(0.4) ? 1 : size,
    );
    return this.operand(sizes.slice(this.chance(0.5) ? this.random.integer(0, sizes.length) : 0));
  }

  /** An axis of a value; not the batch where that cannot be. */
  axis(ref: Ref, movable = true): number {
    const { shape, batched } = this.spec(ref);
    return this.random.integer(batched && movable && shape.length > 1 ? 1 : 0, shape.length - 1);
  }

  /** Some axes of a value. */
  axes(ref: Ref, movable = false): number[] {
    const { shape, batched } = this.spec(ref);
    const first = batched && movable ? 1 : 0;
    return shape.flatMap((_, axis) => (axis >= first && this.chance(0.5) ? [axis] : []));
  }
}
