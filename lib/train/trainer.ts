import type { Executable, RunRequest, RunResult } from '../backends/backend.ts';
import { backendOf } from '../backends/index.ts';
import { StridenetError } from '../errors.ts';
import type { Spec } from '../ops/operator.ts';
import { elementCount } from '../shape.ts';
import type { Tensor, TypedArray } from '../tensor.ts';
import type { Batches, BatchSource } from './batches.ts';
import type { RunSettings } from './evaluator.ts';
import { type Judged, JudgedSteps } from './metricSet.ts';
import { findNonFinite, type NonFinite } from './nonFinite.ts';
import { numbersOf, type StepNumbers } from './numbers.ts';
import {
  type LearnedParameter,
  learnedParameters,
  type StepOptions,
  type TracedStep,
  traceStep,
} from './step.ts';

/** Batches of one run at most: what is reported after it must not hold up JavaScript's thread. */
const maxAtOnce = 64;

/** What a step gave, summed over its samples. */
export interface StepResult {
  readonly samples: number;
  readonly loss: number;
  readonly correct: number;
  /** Of the network's own optimizer. */
  readonly learningRate: number;
  /** A batch each, for metrics, where the options say so. */
  readonly judged: readonly Judged[];
}

/** What a trainer runs, and where. */
export interface TrainerOptions extends StepOptions {
  readonly settings: RunSettings;
  /** What the learning rates of the step that begins at a cursor are multiplied by; default 1. */
  readonly factorAt?: (cursor: Cursor) => number;
}

/** Where in its data a trainer is. */
export interface Cursor {
  /** Steps done since the start. */
  readonly step: number;
  /** Counted from 1; 0 before the first. */
  readonly epoch: number;
  readonly stepInEpoch: number;
}

/** Runs steps of training; its states are the parameters and moments, and data that it holds. */
export class Trainer {
  readonly batches: BatchSource;
  /** Samples can be right or wrong. */
  readonly classifier: boolean;
  #step = 0;
  #epoch = 0;
  #stepInEpoch = 0;
  /** An epoch whose batches have been asked for already. */
  #ahead: { readonly epoch: number; readonly begun: Promise<void> } | null = null;
  /** What a batch took in the last run: how many to ask for next time. */
  #batchMilliseconds = 10;
  /** Batches of a step. */
  readonly #accumulate: number;
  readonly #options: TrainerOptions;
  readonly #program: Executable;
  readonly #feeds: TracedStep['feeds'];
  readonly #judged: JudgedSteps | null;
  readonly #learned: readonly LearnedParameter[];
  /** Names of the states, '' of those that hold data or nothing between steps. */
  readonly #states: readonly string[];
  /** The places of averages among the states, by the keys of parameters. */
  readonly #averages: ReadonlyMap<string, number>;

  constructor(options: TrainerOptions, parameters: ReadonlyMap<string, Tensor>) {
    this.#options = options;
    this.#accumulate = options.accumulate ?? 1;
    this.batches = options.batches;
    this.#learned = learnedParameters(options);
    const { tracer, outputs, updates, ...traced } = traceStep(options, this.#learned);
    this.#feeds = traced.feeds;
    this.classifier = traced.classifier;
    const { backend, ...rest } = options.settings;
    this.#program = backendOf(backend).prepare(tracer.graph(outputs, updates), rest);
    this.#judged = options.judged ? new JudgedSteps(this.#program.fetches) : null;
    const states = tracer.inputs
      .filter(({ role }) => role === 'state')
      .map(({ variable }) => variable);
    this.#states = states.map((state) => {
      return traced.data.has(state) || traced.passing.has(state) ? '' : (state.name as string);
    });
    this.#averages = new Map(
      [...traced.averages].map(([key, state]) => [key, states.indexOf(state)]),
    );
    states.forEach((state, i) => {
      const value = traced.initial.get(state) ?? traced.data.get(state);
      if (value !== undefined) this.#program.write(i, value);
    });
    this.write(parameters);
  }

  /** Null until it is known. */
  get stepsPerEpoch(): number | null {
    const { stepsPerEpoch: batches } = this.batches;
    return batches === null ? null : Math.ceil(batches / this.#accumulate);
  }

  get cursor(): Cursor {
    return { step: this.#step, epoch: this.#epoch, stepInEpoch: this.#stepInEpoch };
  }

  /**
   * Puts these parameters in, averages too; the others and the moments stay. Throws ERR_BUSY during
   * a run.
   */
  write(parameters: ReadonlyMap<string, Tensor>): void {
    this.#options.architecture.parameters.forEach(({ key }, i) => {
      const value = parameters.get(key);
      if (value === undefined) return;
      this.#program.write(i, value);
      const average = this.#averages.get(key);
      if (average !== undefined) this.#program.write(average, value);
    });
  }

  /**
   * Copies of the parameters, averaged ones where there are averages, in the memory of `into` where
   * given. Throws ERR_BUSY during a run.
   */
  read(into?: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
    return new Map(
      this.#options.architecture.parameters.map(({ key }, i) => [
        key,
        this.#program.read(this.#averages.get(key) ?? i, into?.get(key)),
      ]),
    );
  }

  /**
   * Copies of all states but the data by name: parameters by their keys, what optimizers keep of
   * them as 'key.slot', averages as 'key.average'. In the memory of `into` where given. Throws
   * ERR_BUSY during a run.
   */
  states(into?: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
    return new Map(
      this.#states.flatMap((name, i) =>
        name === '' ? [] : [[name, this.#program.read(i, into?.get(name))]],
      ),
    );
  }

  /**
   * Goes on from there: with the values that `states` gave, at a cursor that another trainer had.
   * @throws ERR_SHAPE, ERR_DTYPE for a value that does not fit; ERR_BUSY during a run
   */
  async restore(states: ReadonlyMap<string, Tensor>, cursor: Cursor): Promise<void> {
    this.#states.forEach((name, i) => {
      const value = states.get(name);
      if (name !== '' && value !== undefined) this.#program.write(i, value);
    });
    this.#step = cursor.step;
    await this.beginEpoch(cursor.epoch, cursor.stepInEpoch);
  }

  /** Begins an epoch, counted from 1, behind its first `skip` steps: a new order of the samples. */
  async beginEpoch(epoch: number, skip = 0): Promise<void> {
    this.#epoch = epoch;
    this.#stepInEpoch = skip;
    const ahead = this.#ahead;
    this.#ahead = null;
    if (ahead?.epoch === epoch && skip === 0) await ahead.begun;
    else await this.batches.begin(epoch, skip * this.#accumulate);
  }

  /**
   * Lets the source read the first batches of an epoch before it begins; the one under way must have
   * ended. What the source throws comes out of `beginEpoch`.
   */
  readAhead(epoch: number): void {
    const begun = this.batches.begin(epoch, 0);
    begun.catch(() => undefined);
    this.#ahead = { epoch, begun };
  }

  /**
   * Waits for batches of at most `maxSteps` steps, and of no more than take about `budget`
   * milliseconds; null at the end of the epoch.
   */
  async next(maxSteps: number, budget: number): Promise<Batches | null> {
    const affordable = Math.max(1, Math.ceil((1.5 * budget) / this.#batchMilliseconds));
    const most = Math.min(this.#judged?.atOnce(maxAtOnce) ?? maxAtOnce, affordable);
    const steps = Math.min(maxSteps, Math.max(1, Math.floor(most / this.#accumulate)));
    return this.batches.peek(steps * this.#accumulate, this.#accumulate);
  }

  /**
   * Does the steps of the batches that `next` gave, and no longer than about `budget` milliseconds;
   * one result a step.
   * @throws ERR_NON_FINITE with the step when a loss is not finite: that step changed nothing
   */
  async advance(batches: Batches, budget: number): Promise<StepResult[]> {
    const start = performance.now();
    const results = await this.#runSteps(batches, budget);
    this.#batchMilliseconds = (performance.now() - start) / Math.max(1, results.length);
    return stepsOf(results, this.#accumulate);
  }

  /** Ends the steps under way at the next step boundary. */
  cancel(): void {
    this.#program.cancel();
  }

  dispose(): void {
    this.#program.dispose();
  }

  /** The factor of learning rates so many steps from here. */
  #factorAt(ahead: number): number {
    const [step, stepInEpoch] = [this.#step + ahead, this.#stepInEpoch + ahead];
    return this.#options.factorAt?.({ step, epoch: this.#epoch, stepInEpoch }) ?? 1;
  }

  /** Runs whole steps of these batches; one result a batch. */
  async #runSteps(batches: Batches, budget: number): Promise<StepResult[]> {
    const k = this.#accumulate;
    const { length } = batches.sizes;
    // A source may show more than whole steps while its epoch goes on.
    const sizes = batches.sizes.subarray(0, length < k ? length : length - (length % k));
    const numbers = numbersOf({
      ...{ step: this.#step, sizes, accumulate: k },
      factor: (ahead) => this.#factorAt(ahead),
    });
    const feeds = [...batches.feeds, ...this.#feeds.map((feed) => feed(numbers))];
    const results: StepResult[] = [];
    do {
      // A run may end within a step by its budget or by `cancel`: the step is done as a whole.
      const done = results.length;
      const end = done === 0 ? sizes.length : Math.min(sizes.length, Math.ceil(done / k) * k);
      const request = { ...this.#requestOf(sizes, feeds, done, end), budget };
      const { steps, fetches } = await this.#run(request, done);
      for (let i = 0; i < steps; i++) results.push(this.#resultOf(fetches, i, numbers, done + i));
    } while (results.length % k !== 0 && results.length < sizes.length);
    this.#done(results.length, Math.ceil(results.length / k));
    return results;
  }

  /** The batches from `start` to `end` of those. */
  #requestOf(sizes: Int32Array, feeds: readonly TypedArray[], start: number, end: number) {
    const parts = this.#program.feeds.map(({ shape }: Spec, i) => {
      const width = elementCount(shape);
      return (feeds[i] as TypedArray).subarray(start * width, end * width);
    });
    return { steps: end - start, batch: sizes.subarray(start, end), feeds: parts };
  }

  #resultOf(
    fetches: readonly TypedArray[],
    place: number,
    numbers: StepNumbers,
    batch: number,
  ): StepResult {
    const samples = numbers.samples[batch] as number;
    const { learningRate } = this.#options.optimizer;
    return {
      samples,
      loss: (fetches[0]?.[place] as number) * samples,
      correct: this.classifier ? (fetches[1]?.[place] as number) : 0,
      learningRate: learningRate * (numbers.factors[batch] as number),
      judged: this.#judged ? [this.#judged.at(fetches, place, samples)] : [],
    };
  }

  #done(batches: number, steps: number): void {
    this.batches.take(batches);
    this.#stepInEpoch += steps;
    this.#step += steps;
  }

  /** @param before batches of the step that other runs did */
  async #run(request: RunRequest & { batch: Int32Array }, before: number): Promise<RunResult> {
    try {
      return await this.#program.run(request);
    } catch (error) {
      if (!(error instanceof StridenetError) || error.code !== 'ERR_NON_FINITE') throw error;
      const { step: place = 0 } = error as StridenetError & { step?: number };
      const found = this.#findNonFinite(request, place);
      this.#done(before + place, Math.floor((before + place) / this.#accumulate));
      throw this.#nonFinite(error, found);
    }
  }

  #findNonFinite({ batch, feeds }: RunRequest & { batch: Int32Array }, place: number) {
    const own = this.#program.feeds.map(({ shape }, i) => {
      const width = elementCount(shape);
      return (feeds[i] as TypedArray).subarray(place * width, (place + 1) * width);
    });
    try {
      return findNonFinite(this.#options, this.#learned, {
        ...{ samples: batch[place] as number, feeds: own },
        read: (index) => this.#program.read(index),
      });
    } catch {
      // The failure itself is told, also where there is no memory to look into it.
      return null;
    }
  }

  #nonFinite(cause: StridenetError, found: NonFinite | null): StridenetError {
    const { step, epoch } = { step: this.#step + 1, epoch: this.#epoch };
    const hint =
      step === 1
        ? 'Look for NaN, infinite or huge values in the data.'
        : 'A smaller learning rate may help.';
    const origin = found === null ? '' : `: ${found.text}`;
    const error = new StridenetError(
      'ERR_NON_FINITE',
      `[fit] the loss of step ${step} (epoch ${epoch}) is not finite${origin}. The parameters are as before that step. ${hint}`,
      { cause },
    );
    return Object.assign(error, { step, epoch, layer: found?.layer ?? null });
  }
}

/** Results of batches as results of steps of `accumulate` batches, the last of fewer perhaps. */
function stepsOf(batches: readonly StepResult[], accumulate: number): StepResult[] {
  if (accumulate === 1) return [...batches];
  return Array.from({ length: Math.ceil(batches.length / accumulate) }, (_, i) => {
    const own = batches.slice(i * accumulate, (i + 1) * accumulate);
    const sum = (of: 'samples' | 'loss' | 'correct'): number =>
      own.reduce((total, each) => total + each[of], 0);
    return {
      ...{ samples: sum('samples'), loss: sum('loss'), correct: sum('correct') },
      learningRate: (own[0] as StepResult).learningRate,
      judged: own.flatMap(({ judged }) => judged),
    };
  });
}
