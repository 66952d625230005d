import { setImmediate } from 'node:timers/promises';
import type { Executable, RunResult } from '../backends/backend.ts';
import { backendOf } from '../backends/index.ts';
import { StridenetError } from '../errors.ts';
import type { Optimizer } from '../optimizers/optimizer.ts';
import { Generator } from '../random.ts';
import { full, type Tensor, type TypedArray } from '../tensor.ts';
import { checkFit } from './evaluator.ts';
import { learnedParameters, type TrainerOptions, traceStep } from './step.ts';

/** Steps of one run at most: what is reported after it must not hold up JavaScript's thread. */
const maxStepsAtOnce = 64;

/** Samples that are shuffled before other work on JavaScript's thread has its turn. */
const shuffleSlice = 16_384;

/** What some steps gave, summed over their samples. */
export interface StepResult {
  readonly samples: number;
  readonly loss: number;
  readonly correct: number;
}

/** Runs steps of training over a data set that it holds; its states are the parameters and moments. */
export class Trainer {
  readonly samplesPerEpoch: number;
  readonly stepsPerEpoch: number;
  /** Samples can be right or wrong. */
  readonly classifier: boolean;
  /** Steps done since the start. */
  step = 0;
  #epoch = 0;
  #stepInEpoch = 0;
  #order: Int32Array = new Int32Array();
  /** What a step took in the last run: how many to ask for next time. */
  #stepMilliseconds = 10;
  readonly #options: TrainerOptions;
  readonly #program: Executable;
  readonly #optimizers: readonly Optimizer[];

  constructor(options: TrainerOptions, parameters: ReadonlyMap<string, Tensor>) {
    const { architecture, data, settings } = options;
    checkFit('fit', architecture, data, options.loss);
    this.samplesPerEpoch = data.x.shape[0] as number;
    const batchSize = Math.max(1, Math.min(options.batchSize, this.samplesPerEpoch));
    this.#options = { ...options, batchSize };
    this.stepsPerEpoch = Math.ceil(this.samplesPerEpoch / batchSize);
    const learned = learnedParameters(options);
    const { tracer, outputs, updates, ...traced } = traceStep(this.#options, learned);
    this.#optimizers = traced.optimizers;
    this.classifier = traced.classifier;
    const { backend, ...rest } = settings;
    this.#program = backendOf(backend).prepare(tracer.graph(outputs, updates), rest);
    const names = tracer.inputs.filter(({ role }) => role === 'state').map((i) => i.variable.name);
    this.#program.write(names.indexOf('data.x'), data.x);
    this.#program.write(names.indexOf('data.y'), data.y);
    for (const { key, shape, rule } of learned) {
      for (const [slot, value] of Object.entries(rule.initial ?? {})) {
        const start = full(shape, value, architecture.dtype);
        this.#program.write(names.indexOf(`${key}.${slot}`), start);
      }
    }
    this.write(parameters);
  }

  /** The learning rate of the network's own optimizer. */
  get learningRate(): number {
    return this.#options.optimizer.learningRate;
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

  /** Begins an epoch, counted from 1: a new order of the samples. */
  async beginEpoch(epoch: number): Promise<void> {
    const { seed, batchSize } = this.#options;
    this.#epoch = epoch;
    this.#stepInEpoch = 0;
    this.#order = new Int32Array(this.stepsPerEpoch * batchSize);
    const samples = this.#order.subarray(0, this.samplesPerEpoch);
    for (let i = 0; i < samples.length; i++) samples[i] = i;
    const random = new Generator(seed, `shuffle/${epoch}`);
    for (let left = samples.length; left > 1; left -= shuffleSlice) {
      random.shuffle(samples, left, Math.max(1, left - shuffleSlice));
      if (left > shuffleSlice) await setImmediate();
    }
  }

  get epochDone(): boolean {
    return this.#stepInEpoch === this.stepsPerEpoch;
  }

  /**
   * Goes on in the epoch by at most `maxSteps` steps, and no longer than about `budget`
   * milliseconds; one result a step.
   * @throws ERR_NON_FINITE with the step when a loss is not finite: that step changed nothing
   */
  async advance(maxSteps: number, budget: number): Promise<StepResult[]> {
    const { batchSize } = this.#options;
    const first = this.#stepInEpoch;
    const affordable = Math.max(1, Math.ceil((1.5 * budget) / this.#stepMilliseconds));
    const steps = Math.min(maxSteps, maxStepsAtOnce, affordable, this.stepsPerEpoch - first);
    const batch = Int32Array.from({ length: steps }, (_, i) =>
      Math.min(batchSize, this.samplesPerEpoch - (first + i) * batchSize),
    );
    const indices = this.#order.subarray(first * batchSize, (first + steps) * batchSize);
    const numbers = Float64Array.from({ length: steps }, (_, i) => this.step + i + 1);
    const rates = this.#optimizers.map(({ learningRate }) =>
      new Float64Array(steps).fill(learningRate),
    );
    const start = performance.now();
    const result = await this.#run({ steps, batch, feeds: [indices, numbers, ...rates], budget });
    this.#stepMilliseconds = (performance.now() - start) / Math.max(1, result.steps);
    this.#stepInEpoch += result.steps;
    this.step += result.steps;
    return Array.from({ length: result.steps }, (_, i) => ({
      samples: batch[i] as number,
      loss: (result.fetches[0]?.[i] as number) * (batch[i] as number),
      correct: result.fetches[1]?.[i] ?? 0,
    }));
  }

  /** Ends the steps under way at the next step boundary. */
  cancel(): void {
    this.#program.cancel();
  }

  dispose(): void {
    this.#program.dispose();
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
      this.step += step;
      this.#stepInEpoch += step;
      const hint =
        this.step === 0
          ? 'Look for NaN, infinite or huge values in the data.'
          : 'A smaller learning rate may help.';
      throw new StridenetError(
        'ERR_NON_FINITE',
        `[fit] the loss of step ${this.step + 1} (epoch ${this.#epoch}) is not finite; the parameters are as before that step. ${hint}`,
        { cause: error },
      );
    }
  }
}
