import { checkBoolean, checkNumber, checkOptions } from '../errors.ts';
import type { GraphVariable, StateUpdate, Tracer } from '../graph/graph.ts';
import { sub } from '../ops/binary.ts';
import type { Variable } from '../ops/operator.ts';
import { sgdUpdate } from '../ops/optimizer.ts';
import type { TypedArray } from '../tensor.ts';
import type { StepNumbers } from './numbers.ts';

/** Exponential moving averages of the parameters. */
export interface AveragingOptions {
  /** The share of the average that a step leaves; from 0 and below 1, 0.999 for long trainings. */
  decay: number;
  /**
   * The first steps leave less of it, min(decay, (1 + t)/(10 + t)) after step t, so that the average
   * soon forgets the parameters of the beginning. Default true.
   */
  warmUp?: boolean;
}

/** Throws ERR_ARGUMENT for a setting out of range. */
export function checkAveraging(options: AveragingOptions): Required<AveragingOptions> {
  const where = 'fit, averaging';
  checkOptions(where, options, ['decay', 'warmUp']);
  return {
    decay: checkNumber(where, 'decay', options.decay, 0, 1),
    warmUp: checkBoolean(where, 'warmUp', options.warmUp ?? true),
  };
}

/** The share of the average that step t, from 1, leaves. */
export function decayAt({ decay, warmUp = true }: AveragingOptions, step: number): number {
  return warmUp ? Math.min(decay, (1 + step) / (10 + step)) : decay;
}

const plain = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false } as const;

/** Averages of the parameters, states 'key.average', which every step moves towards the new ones. */
export class Averaging {
  /** What the states become. */
  readonly updates: StateUpdate[] = [];
  /** The states by the keys of the parameters. */
  readonly states = new Map<string, GraphVariable>();
  readonly #tracer: Tracer;
  readonly #options: AveragingOptions;
  readonly #rate: GraphVariable;

  constructor(tracer: Tracer, options: AveragingOptions) {
    this.#tracer = tracer;
    this.#options = options;
    this.#rate = tracer.input({ shape: [], dtype: 'float64' }, 'feed', 'averagingRate');
  }

  /** What is fed: the share of the way to go, 0 where the step goes on. */
  feed({ steps, ends }: StepNumbers): TypedArray {
    return Float64Array.from(steps, (step, i) => (ends[i] ? 1 - decayAt(this.#options, step) : 0));
  }

  /** a ← a − rate·(a − p') for a parameter that a step makes p'. */
  add(key: string, next: Variable): void {
    const { shape, dtype } = next;
    const state = this.#tracer.input({ shape, dtype }, 'state', `${key}.average`);
    const way = sub(state as Variable, next);
    const moved = sgdUpdate<Variable, Variable>(state, way, null, this.#rate, plain);
    this.updates.push({ state, value: moved[0] as GraphVariable });
    this.states.set(key, state);
  }
}
