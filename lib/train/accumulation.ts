import type { GraphVariable, StateUpdate, Tracer } from '../graph/graph.ts';
import { div } from '../ops/binary.ts';
import type { Variable } from '../ops/operator.ts';
import { sgdUpdate } from '../ops/optimizer.ts';
import { where } from '../ops/where.ts';
import type { FloatDType, TypedArray } from '../tensor.ts';
import type { StepNumbers } from './numbers.ts';

/** Settings of an update that is a sum: p ← p − rate·g. */
const plain = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false } as const;

/**
 * Gradients of several batches that one step takes together: states 'key.gradient' with the sum of
 * samples · gradient of the batches before, which each batch adds to and the last of a step empties.
 */
export class Accumulation {
  /** What is fed, an input each. */
  readonly feeds: readonly ((numbers: StepNumbers) => TypedArray)[];
  /** What the states become. */
  readonly updates: StateUpdate[] = [];
  readonly #tracer: Tracer;
  readonly #dtype: FloatDType;
  readonly #samples: GraphVariable;
  readonly #total: GraphVariable;
  readonly #ends: GraphVariable;

  constructor(tracer: Tracer, dtype: FloatDType) {
    this.#tracer = tracer;
    this.#dtype = dtype;
    this.#samples = tracer.input({ shape: [], dtype: 'float64' }, 'feed', 'samples');
    this.#total = tracer.input({ shape: [], dtype }, 'feed', 'total');
    this.#ends = tracer.input({ shape: [], dtype: 'uint8' }, 'feed', 'ends');
    const totals = dtype === 'float32' ? Float32Array : Float64Array;
    this.feeds = [
      // What is subtracted with a rate below 0 is added.
      ({ samples }) => Float64Array.from(samples, (count) => -count),
      (numbers) => totals.from(numbers.totals),
      ({ ends }) => Uint8Array.from(ends, Number),
    ];
  }

  /** The mean gradient of the samples of a step so far. */
  mean(key: string, gradient: Variable): Variable {
    const spec = { shape: gradient.shape, dtype: this.#dtype };
    const state = this.#tracer.input(spec, 'state', `${key}.gradient`);
    const added = sgdUpdate<Variable, Variable>(state, gradient, null, this.#samples, plain);
    const sum = added[0] as GraphVariable;
    this.updates.push({ state, value: where(this.#ends, 0, sum) as GraphVariable });
    return div(sum, this.#total);
  }

  /** What a state is after a batch: changed by the last of a step alone. */
  kept(next: GraphVariable, before: GraphVariable): GraphVariable {
    return where(this.#ends, next, before) as GraphVariable;
  }
}
