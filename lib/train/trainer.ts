import type { Executable, RunResult } from '../backends/backend.ts';
import { backendOf } from '../backends/index.ts';
import { StridenetError } from '../errors.ts';
import type { Tensor, TypedArray } from '../tensor.ts';
import type { BatchSource } from './batches.ts';
import type { RunSettings } from './evaluator.ts';
import { type Judged, JudgedSteps } from './metricSet.ts';
import { learnedParameters, type StepOptions, type TracedStep, traceStep } from './step.ts';

/** Steps of one run at most: what is reported after it must not hold up JavaScript's thread. */
const maxStepsAtOnce = 64;

/** What some steps gave, summed over their samples. */
export interface StepResult {
  readonly samples: number;
  readonly loss: number;
  readonly correct: number;
  /** Of the network's own optimizer. */
  readonly learningRate: number;
  /** For metrics, where the options say so. */
  readonly judged?: Judged;
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
  /** What a step took in the last run: how many to ask for next time. */
  #stepMilliseconds = 10;
  readonly #options: TrainerOptions;
  readonly #program: Executable;
  readonly #feeds: TracedStep['feeds'];
  readonly #judged: JudgedSteps | null;
  /** Names of the states, '' of those that hold data. */
  readonly #states: readonly string[];

  constructor(options: TrainerOptions, parameters: ReadonlyMap<string, Tensor>) {
    this.#options = options;
    this.batches = options.batches;
    const { tracer, outputs, updates, ...traced } = traceStep(options, learnedParameters(options));
    this.#feeds = traced.feeds;
    this.classifier = traced.classifier;
    const { backend, ...rest } = options.settings;
    this.#program = backendOf(backend).prepare(tracer.graph(outputs, updates), rest);
    this.#judged = options.judged ? new JudgedSteps(this.#program.fetches) : null;
    const states = tracer.inputs.filter(({ role }) => role === 'state');
    this.#states = states.map(({ variable }) => {
      return traced.data.has(variable) ? '' : (variable.name as string);
    });
    states.forEach(({ variable }, i) => {
      const value = traced.initial.get(variable) ?? traced.data.get(variable);
      if (value !== undefined) this.#program.write(i, value);
    });
    this.write(parameters);
  }

  get cursor(): Cursor {
    return { step: this.#step, epoch: this.#epoch, stepInEpoch: this.#stepInEpoch };
  }

  /** Puts these parameters in; the others and the moments stay. Throws ERR_BUSY during a run. */
  write(parameters: ReadonlyMap<string, Tensor>): void {
    this.#options.architecture.parameters.forEach(({ key }, i) => {
      const value = parameters.get(key);
      if (value !== undefined) this.#program.write(i, value);
    });
  }

  /** Copies of the parameters, in the memory of `into` where given. Throws ERR_BUSY during a run. */
  read(into?: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
    return new Map(
      this.#options.architecture.parameters.map(({ key }, i) => [
        key,
        this.#program.read(i, into?.get(key)),
      ]),
    );
  }

  /**
   * Copies of all states but the data by name: parameters by their keys, what optimizers keep of
   * them as 'key.slot'. In the memory of `into` where given. Throws ERR_BUSY during a run.
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
    await this.batches.begin(epoch, skip);
  }

  /**
   * Goes on in the epoch by at most `maxSteps` steps, and no longer than about `budget`
   * milliseconds; one result a step, null at the end of the epoch.
   * @throws ERR_NON_FINITE with the step when a loss is not finite: that step changed nothing
   */
  async advance(maxSteps: number, budget: number): Promise<StepResult[] | null> {
    const affordable = Math.max(1, Math.ceil((1.5 * budget) / this.#stepMilliseconds));
    const most = Math.min(maxSteps, maxStepsAtOnce, affordable);
    const batches = await this.batches.peek(this.#judged?.atOnce(most) ?? most);
    if (batches === null) return null;
    const { sizes } = batches;
    const factors = Array.from(sizes, (_, i) => this.#factorAt(i));
    const { learningRate } = this.#options.optimizer;
    const numbers = { first: this.#step + 1, count: sizes.length, factors };
    const feeds = [...batches.feeds, ...this.#feeds.map((feed) => feed(numbers))];
    const start = performance.now();
    const result = await this.#run({ steps: sizes.length, batch: sizes, feeds, budget });
    this.#stepMilliseconds = (performance.now() - start) / Math.max(1, result.steps);
    this.#done(result.steps);
    return Array.from({ length: result.steps }, (_, i) => ({
      samples: sizes[i] as number,
      loss: (result.fetches[0]?.[i] as number) * (sizes[i] as number),
      correct: this.classifier ? (result.fetches[1]?.[i] as number) : 0,
      learningRate: learningRate * (factors[i] as number),
      ...(this.#judged ? { judged: this.#judged.at(result.fetches, i, sizes[i] as number) } : {}),
    }));
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

  #done(steps: number): void {
    this.batches.take(steps);
    this.#stepInEpoch += steps;
    this.#step += steps;
  }

  async #run(request: {
    steps: number;
    batch: Int32Array;
    feeds: TypedArray[];
    budget: number;
  }): Promise<RunResult> {
    try {
      return await this.#program.run(request);
    } catch (error) {
      if (!(error instanceof StridenetError) || error.code !== 'ERR_NON_FINITE') throw error;
      const { step = 0 } = error as StridenetError & { step?: number };
      this.#done(step);
      const hint =
        this.#step === 0
          ? 'Look for NaN, infinite or huge values in the data.'
          : 'A smaller learning rate may help.';
      throw new StridenetError(
        'ERR_NON_FINITE',
        `[fit] the loss of step ${this.#step + 1} (epoch ${this.#epoch}) is not finite; the parameters are as before that step. ${hint}`,
        { cause: error },
      );
    }
  }
}
