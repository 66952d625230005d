import { inspect } from 'node:util';
import type { BackendName } from '../backends/backend.ts';
import { backendOf, defaultBackend } from '../backends/index.ts';
import type { ComputationGraph } from '../computation/computationGraph.ts';
import { cpuInfo } from '../cpu.ts';
import { checkData, type TrainingData } from '../data/trainingData.ts';
import { argumentError, checkBoolean, checkOptions, StridenetError } from '../errors.ts';
import { type Loss, softmaxCrossEntropy } from '../losses/index.ts';
import { checkLoss } from '../losses/targets.ts';
import type { Operand } from '../ops/operator.ts';
import { checkSeed } from '../random.ts';
import { checkInteger } from '../shape.ts';
import { checkFloatDType, checkMemory, type FloatDType, Tensor } from '../tensor.ts';
import { type ApplyOptions, applyNetwork } from './apply.ts';
import { Architecture } from './architecture.ts';
import { checkInput, Evaluator, type RunSettings } from './evaluator.ts';
import type { Evaluation, History, TrainEvent } from './events.ts';
import { fit, train } from './fit.ts';
import { checkMetrics } from './metricSet.ts';
import { type NetworkGraphOptions, networkGraph } from './networkGraph.ts';
import {
  checkClassNames,
  checkSequential,
  type EvaluateSettings,
  type PredictOptions,
  type SequentialOptions,
  type SnapshotOptions,
} from './networkOptions.ts';
import type { FitOptions, TrainOptions } from './options.ts';
import { ParameterStore } from './parameterStore.ts';
import { replacementOf } from './replacement.ts';
import { type BatchingOptions, checkBatching } from './serving/options.ts';
import { Predictors } from './serving/predictors.ts';
import { PredictionQueue, type Queued } from './serving/queue.ts';
import { advisingChannelsFirst } from './shapeAdvice.ts';
import { batchesOf, closeSources } from './sources.ts';
import { checkSignal, disposedError, Stop } from './stop.ts';
import { formatSummary, inspectNetwork, type LayerSummary, summarize } from './summary.ts';
import type { TrainingHost } from './trainingHost.ts';
import type { LoadedWeights, LoadWeightsOptions, SaveWeightsOptions } from './weights/options.ts';

/** A network of layers one after the other, with its parameters. */
export class Network {
  /**
   * Its layers with their shapes.
   * @internal
   */
  readonly architecture: Architecture;
  /** What the outputs stand for, in their order; null where that is not known. */
  readonly classNames: readonly string[] | null;
  readonly #options: SequentialOptions;
  readonly #settings: RunSettings;
  readonly #store: ParameterStore;
  readonly #batching: Required<BatchingOptions>;
  readonly #queue: PredictionQueue;
  /** Fires when the network is disposed of. */
  readonly #disposal = new AbortController();
  /** That of the last fit. */
  #loss: Loss = softmaxCrossEntropy();

  /** Use `sequential`. */
  constructor(options: SequentialOptions, values?: Map<string, Tensor>) {
    const { seed = 0, dtype = 'float32', backend = defaultBackend(), threads } = options;
    const { winograd = false } = options;
    checkSeed('sequential', seed);
    checkFloatDType('sequential', dtype);
    backendOf(backend);
    if (threads !== undefined) checkInteger('sequential', 'threads', threads, 1, 1024);
    checkBoolean('sequential', 'winograd', winograd);
    this.architecture = new Architecture(options.inputShape, options.layers, dtype);
    const { classNames } = options;
    this.classNames =
      classNames === undefined
        ? null
        : checkClassNames('sequential', classNames, this.architecture.outputShape);
    this.#options = { ...options, layers: [...options.layers], backend };
    this.#settings = {
      backend,
      ...(threads === undefined ? {} : { threads }),
      ...(winograd ? { passes: { winograd } } : {}),
    };
    this.#store = new ParameterStore(
      (given) => this.architecture.initialize(seed, given),
      values ?? new Map(),
    );
    this.#batching = checkBatching('sequential', options.batching ?? {});
    this.#queue = new PredictionQueue(
      new Predictors(this.architecture, this.#settings, this.#batching.maxBatch),
      () => this.#store.settled(),
      this.#batching,
    );
  }

  /** What it runs on. */
  get backend(): BackendName {
    return this.#settings.backend;
  }

  /** Threads of its native runs. */
  get threads(): number {
    return this.#settings.threads ?? cpuInfo().threads;
  }

  /**
   * Layer, output shape, parameters, multiply-adds and bytes for one sample, with their sums, as a
   * table of text.
   */
  summary(): string {
    return formatSummary(this.architecture);
  }

  /** The same as data, one entry a layer. */
  layers(): LayerSummary[] {
    return summarize(this.architecture);
  }

  /**
   * Copies of the parameters by key ('0.weight', '3.bias', or by layer name). During a fit they are
   * as after the last steps that were reported; of a large network at times a little older.
   */
  parameters(): Map<string, Tensor<FloatDType>> {
    this.#expectOpen('parameters');
    const copies = this.#store.lend((values) =>
      [...values].map(([key, value]) => [key, value.clone()] as const),
    );
    return new Map(copies as [string, Tensor<FloatDType>][]);
  }

  /**
   * Replaces parameters; those not named stay. During a fit it takes effect at a step boundary.
   * PyTorch's `num_batches_tracked`, of which nothing depends here, is passed over.
   * @param values by key, as '0.weight'; copied
   * @throws ERR_ARGUMENT for an unknown key; ERR_SHAPE, ERR_DTYPE for a value that does not fit.
   *   Then nothing is replaced.
   */
  setParameters(values: ReadonlyMap<string, Tensor>): void {
    this.#expectOpen('setParameters');
    this.#store.replace(replacementOf(this.architecture, values));
  }

  /**
   * The network's output for samples `x` (N, …inputShape): probabilities when it ends in softmax or
   * sigmoid.
   * uint8 values are scaled by 1/255 unless `scale` says otherwise. A sample's result does not
   * depend on the others, nor on what else is asked for at the same time: calls that overlap are
   * computed together (`batching`), and each has the bits that it would have alone. x is copied.
   * @param x (N, …inputShape), of the network's dtype or uint8
   * @throws ERR_SHAPE, ERR_DTYPE when x does not fit; ERR_QUEUE_FULL when too many predictions wait;
   *   ERR_ABORTED when the signal fires; ERR_DISPOSED
   */
  async predict(x: Tensor, options: PredictOptions = {}): Promise<Tensor> {
    this.#expectOpen('predict');
    checkOptions('predict', options, ['scale', 'signal']);
    if (!(x instanceof Tensor)) throw argumentError('predict', 'a Tensor', x);
    checkInput('predict', this.architecture, x);
    checkMemory('predict', 'x', x);
    const scale = options.scale ?? (x.dtype === 'uint8' ? 1 / 255 : 1);
    if (!Number.isFinite(scale))
      throw argumentError('predict', 'scale to be a finite number', scale);
    return this.#queue.predict(x, scale, checkSignal('predict', options.signal));
  }

  /** Predictions that wait while others are computed. */
  get queued(): Queued {
    return this.#queue.queued;
  }

  /**
   * A network with the parameters of this moment, for predictions of one set of weights while this
   * one goes on training. It has a queue of its own; the values are shared until either changes.
   * During a fit they are those of the last step that was reported, as of `parameters`.
   */
  snapshot(options: SnapshotOptions = {}): Network {
    this.#expectOpen('snapshot');
    checkOptions('snapshot', options, ['batching']);
    const { batching = this.#batching } = options;
    const copy = new Network({ ...this.#options, batching }, new Map(this.#store.latest));
    copy.#loss = this.#loss;
    return copy;
  }

  /**
   * The network as a function of operators. Its output is probabilities when it ends in softmax or
   * sigmoid, which a loss on logits, `ops.softmaxCrossEntropy` or `ops.binaryCrossEntropy`, takes
   * for logits without an error and trains wrongly: give it `{ logits: true }`, which leaves that
   * activation out.
   *
   * It takes traced values to be differentiated or compiled, or Tensors, which are computed with at
   * once on the default backend. uint8 values are not scaled.
   *
   * @param x (N, …inputShape) in the network's dtype
   * @param parameters take the place of the network's own, by key: `parameters()` or any of them.
   *   Nothing is updated. Running statistics among them have zeros for gradients with
   *   `training: true`, which does not read them (but those of layers with `trainable: false`);
   *   where they are read, they have gradients like other parameters
   * @throws ERR_SHAPE, ERR_DTYPE when x does not fit; ERR_ARGUMENT for an unknown key
   */
  apply(
    x: Operand,
    parameters: ReadonlyMap<string, Operand> = new Map(),
    options: ApplyOptions = {},
  ): Operand {
    this.#expectOpen('apply');
    return applyNetwork(this.architecture, this.#store.latest, x, parameters, options);
  }

  /**
   * The network as a graph to be looked at: parameters are states named by their keys, 'x' (N,
   * …inputShape) is a feed, 'labels' too where there is a loss; the nodes of a layer have its label
   * as scope, those of the loss 'loss'. It is evaluated with the parameters of that moment.
   *
   * @throws ERR_ARGUMENT for an option that is none; ERR_SHAPE, ERR_DTYPE for a loss that such
   *   outputs do not fit
   */
  graph(options: NetworkGraphOptions = {}): ComputationGraph<[x: Tensor, labels?: Tensor]> {
    this.#expectOpen('graph');
    return networkGraph(this.architecture, () => this.#store.latest, this.#settings, options);
  }

  /**
   * Mean loss, by default that of the last fit, over a data set, and accuracy where samples can be
   * right or wrong: with class numbers, with targets of one 1 and zeros, and for one probability
   * (binaryCrossEntropy).
   * @param data samples in memory, or a data set that is read as it goes
   * @throws ERR_SHAPE, ERR_DTYPE when the data do not fit the network and the loss; ERR_ARGUMENT that
   *   names the sample for a target that the loss does not take
   */
  async evaluate(data: TrainingData, settings: EvaluateSettings = {}): Promise<Evaluation> {
    this.#expectOpen('evaluate');
    checkOptions('evaluate', settings, ['loss', 'batchSize', 'metrics', 'signal']);
    const { loss = this.#loss, batchSize } = settings;
    checkLoss('evaluate', loss);
    if (batchSize !== undefined) checkInteger('evaluate', 'batchSize', batchSize, 1);
    const metrics = checkMetrics('evaluate', settings.metrics ?? []);
    const signal = checkSignal('evaluate', settings.signal);
    const stop = new Stop('evaluate', signal, this.#disposal.signal);
    stop.check();
    const { architecture } = this;
    const begun = batchesOf('evaluate', checkData('evaluate', data), {
      ...{ architecture, loss, seed: null, stop },
      ...(batchSize === undefined ? {} : { batchSize }),
    });
    const batches = begun instanceof Promise ? await begun : begun;
    let evaluator: Evaluator | null = null;
    const unlisten = stop.listen(() => {
      evaluator?.cancel();
      void closeSources(batches);
    });
    try {
      stop.check();
      const made = new Evaluator('evaluate', architecture, batches, loss, this.#settings, metrics);
      evaluator = made;
      return await stop.until(this.#store.settled().then(({ values }) => made.evaluate(values)));
    } catch (error) {
      throw stop.stopped ? stop.error() : error;
    } finally {
      unlisten();
      evaluator?.dispose();
      if (!stop.stopped) await closeSources(batches);
    }
  }

  /**
   * Trains the network; JavaScript's thread is free meanwhile.
   *
   * @param data samples in memory, or a data set that is read as it goes
   * @returns loss and accuracy of every epoch
   * @throws ERR_ABORTED when the signal fires before the promise is settled: the parameters are as
   *   after the last whole step; ERR_NON_FINITE when a loss is not finite; ERR_BUSY during another
   *   fit; ERR_SHAPE, ERR_DTYPE, ERR_ARGUMENT before anything is touched
   */
  fit(data: TrainingData, options: FitOptions = {}): Promise<History> {
    return fit(this.#host('fit'), data, options);
  }

  /**
   * Trains the network step by step: an event after every step and every epoch. The next step
   * begins when the next event is asked for; `break` ends training at that step boundary.
   * @param data samples in memory, or a data set that is read as it goes
   */
  train(data: TrainingData, options: TrainOptions = {}): AsyncGenerator<TrainEvent, void, void> {
    return train(this.#host('train'), data, options);
  }

  /**
   * Takes parameters from a .safetensors or .npz file, by name: one that this library, PyTorch
   * (`safetensors.torch.save_file`) or NumPy (`savez`) wrote. Names and shapes are PyTorch's, so
   * nothing is transposed. Half precision, float32 and float64 are converted to the network's dtype;
   * NaN stays NaN. All or nothing: after an error every parameter is as it was. During a fit it
   * takes effect at a step boundary.
   * @param path of the file, or its file: URL
   * @returns what was loaded, and what was not
   * @throws ERR_ARGUMENT, with `missing` and `unexpected`, when names differ and `strict` is not
   *   false; ERR_SHAPE, ERR_DTYPE that name tensor, expected and actual; ERR_FILE_NOT_FOUND,
   *   ERR_FILE_ACCESS; ERR_FILE_FORMAT for a file that is truncated, lies about its sizes or is of
   *   another kind
   */
  async loadWeights(path: string | URL, options: LoadWeightsOptions = {}): Promise<LoadedWeights> {
    this.#expectOpen('loadWeights');
    const { readWeights } = await import('./weights/load.ts');
    const { values, report } = await readWeights(this.architecture, path, options);
    this.#expectOpen('loadWeights');
    this.#store.replace(values);
    return report;
  }

  /**
   * Writes parameters by name, without the architecture, as .safetensors or .npz by the ending of
   * the path: to a temporary name, synced, renamed. `safetensors.torch.load_file` and NumPy's `load`
   * read them, `loadWeights` too. During a fit they are those of the next step boundary.
   * @param path of the file, or its file: URL
   * @throws ERR_ARGUMENT for an option or an ending that is none; ERR_FILE_NOT_FOUND when the folder
   *   is not there; ERR_FILE_ACCESS
   */
  async saveWeights(path: string | URL, options: SaveWeightsOptions = {}): Promise<void> {
    this.#expectOpen('saveWeights');
    const { writeWeights } = await import('./weights/save.ts');
    await writeWeights(this.architecture, this.#store, path, options);
  }

  /**
   * Writes architecture and parameters as safetensors: to a temporary name, synced, renamed. Of
   * custom layers it keeps titles, settings, names and values; `load` is given the functions again.
   * @param path a path or file: URL; replaced whole
   * @throws ERR_FILE_NOT_FOUND when the folder is not there; ERR_FILE_ACCESS for what the system
   *   refuses otherwise; ERR_ARGUMENT when `path` is no text or file: URL
   */
  async save(path: string | URL): Promise<void> {
    this.#expectOpen('save');
    const { saveNetwork } = await import('./files.ts');
    const { values } = await this.#store.settled();
    await saveNetwork(path, this.architecture, values, this.classNames);
  }

  /**
   * Frees the native memory now, rather than when the garbage collector finds the network. What is
   * under way ends: predictions and evaluations at once, training at the next step boundary, each
   * with ERR_DISPOSED, as do later calls. Once more is nothing.
   */
  dispose(): void {
    if (this.#disposal.signal.aborted) return;
    this.#disposal.abort();
    this.#queue.dispose();
  }

  /** `dispose()`, for `using net = …`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * What console.log shows.
   * @param depth how many levels are still shown; below 0 the layers are left out
   */
  [inspect.custom](depth: number): string {
    return inspectNetwork(this.architecture, depth);
  }

  /** What training needs of a network. */
  #host(where: string): TrainingHost {
    this.#expectOpen(where);
    return {
      disposal: this.#disposal.signal,
      architecture: this.architecture,
      settings: this.#settings,
      begin: (loss, make) => {
        if (this.#store.training) {
          throw new StridenetError('ERR_BUSY', '[fit] a fit of this network is in progress');
        }
        const trainer = this.#store.lend(make);
        this.#store.attach(trainer);
        this.#loss = loss;
        return trainer;
      },
      running: (body) => this.#store.running(body),
      end: (trainer) => {
        this.#store.detach();
        trainer.dispose();
      },
      values: () => this.#store.latest,
      replace: (values) => this.#store.replace(values),
    };
  }

  #expectOpen(where: string): void {
    if (this.#disposal.signal.aborted) throw disposedError(where);
  }
}

/**
 * A network of layers one after the other; shapes are inferred, parameters drawn from the seed.
 *
 * @throws ERR_SHAPE that names the layer whose input does not fit; ERR_ARGUMENT, ERR_DTYPE for an
 *   option that is none; ERR_ARGUMENT when two custom layers that differ have one title, by which
 *   files know them
 */
export function sequential(options: SequentialOptions): Network {
  checkSequential(options);
  return advisingChannelsFirst(options.inputShape, () => new Network(options));
}
